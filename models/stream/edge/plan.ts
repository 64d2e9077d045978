/**
 * The plan of mode edge-exact: turns a Layout into buffers and steps.
 *
 * In: a Graph and a Layout.  Out: the buffer of each tensor, and the steps. `trunk` steps compute interior
 * rows at every micro-hop. `edge` steps compute edges and folds at every hop; later windows need them, so
 * they also run before output 0. `head` steps compute whole windows at every output.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { copyStep } from '../steps.ts';
import { timingOf, type WindowRule } from '../timing.ts';
import type { CopyStep, EdgeStep, FoldStep, RunStep, Step, StepInput, TapsStep, TensorLayout } from '../types.ts';
import type { Layout, Stream } from './layout.ts';
import { historyOf, periodOf } from './reuse.ts';
import { repeatedMacs } from './taps.ts';

export interface EdgePlan {
  tensors: Map<number, TensorLayout>;
  steps: Step[];
  /** Number of outputs after which phases and queue positions repeat. */
  period: number;
}

/** Checks whether a window is not contiguous in the stream, so that it needs its own buffer. */
export const needsBuffer = ({ phases, window, spliced }: Stream): boolean =>
  phases > 1 || (window?.right ?? 0) > 0 || spliced > 0;

function tensorsOf(graph: Graph, { streams, trunk }: Layout): Map<number, TensorLayout> {
  const timing = timingOf(graph, (node) => trunk.has(node));
  const tensors = new Map<number, TensorLayout>();
  for (const [id, stream] of streams) {
    const time = timing.get(id);
    if (!time) continue;
    const historyRows = historyOf(stream);
    tensors.set(id, {
      ...time,
      tensor: id,
      windowRows: stream.rows,
      newRows: stream.microRows,
      historyRows,
      rowStep: stream.phases,
      windowFirstRow: historyRows + stream.microRows - 1 - stream.newest,
      stream,
    });
  }
  return tensors;
}

/**
 * Returns a layer's rule for interior rows: no padding; stride and dilation count stream rows of its input.
 */
function interiorRule(rule: WindowRule, x: Stream, y: Stream): WindowRule {
  const stride = y.jump / y.phases / (x.jump / x.phases);
  return { ...rule, stride, dilation: rule.dilation * x.phases, pad: [0, 0] };
}

/** Makes the steps of one plan. */
class Steps {
  readonly #graph: Graph;
  readonly #layout: Layout;
  readonly #tensors: Map<number, TensorLayout>;

  constructor(graph: Graph, layout: Layout, tensors: Map<number, TensorLayout>) {
    [this.#graph, this.#layout, this.#tensors] = [graph, layout, tensors];
  }

  #stream = (id: number): Stream => this.#layout.streams.get(id) as Stream;

  /** Returns the rows of the whole window. */
  #window = (id: number): StepInput => ({
    tensor: id,
    firstRow: this.#tensors.get(id)?.windowFirstRow ?? 0,
    rows: viewOf(this.#graph).rows(id),
  });

  /** Returns the step of a layer that computes whole windows or folds them. */
  whole(node: Node): RunStep | FoldStep {
    const view = viewOf(this.#graph);
    const rows = view.rows(node.output);
    const macs = view.macsPerRow(node) * rows;
    const fold = this.#layout.folds.get(node);
    const step = {
      node,
      output: node.output,
      inputs: node.inputs.map(this.#window),
      outRows: rows,
      rule: view.rule(node),
      macsPerHop: macs,
      macsPerWindow: macs,
      stateBytes: fold?.stateBytes ?? 0,
      exact: true,
    };
    return fold ? { ...step, kind: 'fold', section: 'edge', fold } : { ...step, kind: 'run', section: 'head' };
  }

  /** Returns the step of a layer's interior rows. Tap sums compute its edge rows too. */
  interior(node: Node): RunStep | TapsStep {
    const view = viewOf(this.#graph);
    const macs = view.macsPerRow(node);
    const rule = view.rule(node) as WindowRule;
    const stream = this.#stream(node.output);
    const taps = this.#layout.taps.get(node);
    const step = {
      node,
      output: node.output,
      inputs: node.inputs.map((id) => this.#interiorInput(id, rule, stream)),
      outRows: stream.microRows,
      macsPerHop: macs * stream.newRows + repeatedMacs(this.#graph, node, taps),
      macsPerWindow: macs * view.rows(node.output),
      stateBytes: historyOf(stream) * view.frameBytes(node.output) + (taps?.stateBytes ?? 0),
      exact: true,
      section: 'trunk' as const,
    };
    if (taps) return { ...step, kind: 'taps', rule, taps };
    return { ...step, kind: 'run', rule: interiorRule(rule, this.#stream(node.inputs[0] as number), stream) };
  }

  /** Returns the rows of an input's buffer that a layer reads per micro-hop. */
  #interiorInput(id: number, rule: WindowRule, to: Stream): StepInput {
    const from = this.#stream(id);
    const { stride, dilation } = interiorRule(rule, from, to);
    const first = (to.newest - to.microRows + 1) * stride - rule.pad[0] * from.phases;
    return {
      tensor: id,
      firstRow: first + (this.#tensors.get(id)?.windowFirstRow ?? 0),
      rows: (to.microRows - 1) * stride + (rule.kernel - 1) * dilation + 1,
    };
  }

  /** Returns the step of a layer's edge rows, or undefined if nothing reads them. */
  edge(node: Node): EdgeStep | undefined {
    const view = viewOf(this.#graph);
    const { leftEdge, window, spliced } = this.#stream(node.output);
    if (!leftEdge && !window) return undefined;
    const byTaps = this.#layout.taps.has(node);
    const computed = byTaps ? 0 : (leftEdge?.computed ?? 0) + (window?.right ?? 0);
    return {
      kind: 'edge',
      section: 'edge',
      node,
      output: node.output,
      inputs: [...node.inputs, node.output].map(this.#window),
      outRows: view.rows(node.output),
      rule: view.rule(node),
      macsPerHop: view.macsPerRow(node) * computed,
      macsPerWindow: 0,
      stateBytes: this.#layout.choice.ahead * spliced * view.frameBytes(node.output),
      exact: true,
      byTaps,
    };
  }

  /** Returns the steps that copy graph outputs whose windows are contiguous in their stream. */
  copies(): CopyStep[] {
    return this.#graph.outputs.flatMap(({ tensor }) => {
      const node = viewOf(this.#graph).producer(tensor) as Node;
      const isCopied = this.#layout.trunk.has(node) && !needsBuffer(this.#stream(tensor));
      return isCopied ? [copyStep(node, this.#window(tensor), true)] : [];
    });
  }
}

/** Returns buffers, steps and period of a layout. */
export function edgePlan(graph: Graph, layout: Layout): EdgePlan {
  const tensors = tensorsOf(graph, layout);
  const made = new Steps(graph, layout, tensors);
  const isTrunk = (node: Node) => layout.trunk.has(node);
  const trunk = graph.nodes.filter(isTrunk);
  const later = graph.nodes.map((node) => (isTrunk(node) ? made.edge(node) : made.whole(node))).filter((s) => s !== undefined);
  const steps: Step[] = [
    ...trunk.map((node) => made.interior(node)),
    ...later.filter((s) => s.section === 'edge'),
    ...later.filter((s) => s.section === 'head'),
    ...made.copies(),
  ];
  // history bytes of a graph input count at its first reader
  for (const { tensor } of graph.inputs) {
    const reader = steps.find((s) => s.inputs.some((i) => i.tensor === tensor));
    const stream = layout.streams.get(tensor);
    if (reader && stream) reader.stateBytes += historyOf(stream) * viewOf(graph).frameBytes(tensor);
  }
  return { tensors, steps, period: periodOf(layout) };
}
