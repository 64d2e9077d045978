/**
 * The plan of mode edge-exact: a Layout as tensors and steps.
 *
 * In: a Graph and a Layout.  Out: buffers per tensor, then steps: `trunk` on every micro-hop (the interior),
 * `edge` at every hop (edges and folds: they feed later windows, so they also run before output 0), `head` at
 * every output (what is computed whole).
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { Interior, Layout } from './layout.ts';
import { historyOf, periodOf } from './reuse.ts';
import { copyStep } from './steps.ts';
import { againMacs } from './taps.ts';
import { timingOf, type WindowRule } from './timing.ts';
import type { Step, StepInput, TensorPlan, Timing } from './types.ts';

export interface EdgePlan {
  tensors: Map<number, TensorPlan>;
  steps: Step[];
  /** Outputs after which phases and waiting windows repeat. */
  period: number;
}

function tensorPlan(graph: Graph, id: number, at: Interior, timing: Timing): TensorPlan {
  const historyRows = historyOf(at);
  return {
    ...timing,
    tensor: id,
    windowRows: viewOf(graph).rows(id),
    newRows: at.microRows,
    historyRows,
    rowStep: at.step,
    windowFirstRow: historyRows + at.microRows - 1 - at.newest,
  };
}

/** A layer on the interior: no padding, dilation and stride in rows of its input's stream. */
function interiorRule(rule: WindowRule, x: Interior, y: Interior): WindowRule {
  const stride = y.edge.jump / y.step / (x.edge.jump / x.step);
  return { ...rule, stride, dilation: rule.dilation * x.step, pad: [0, 0] };
}

export function edgePlan(graph: Graph, layout: Layout): EdgePlan {
  const view = viewOf(graph);
  const { interiors, work, folds, trunk, choice } = layout;
  const timing = timingOf(graph, (node) => trunk.has(node));
  const tensors = new Map<number, TensorPlan>();
  for (const [id, at] of interiors) tensors.set(id, tensorPlan(graph, id, at, timing.get(id) as Timing));
  const at = (id: number) => interiors.get(id) as Interior;
  const all = (id: number): StepInput => ({ tensor: id, firstRow: tensors.get(id)?.windowFirstRow ?? 0, rows: view.rows(id) });

  const steps: Record<'trunk' | 'edge' | 'head', Step[]> = { trunk: [], edge: [], head: [] };
  for (const node of graph.nodes) {
    const macs = view.macsPerRow(node);
    const rule = view.rule(node);
    const rows = view.rows(node.output);
    const common = { node, output: node.output, exact: true, macsPerWindow: 0, stateBytes: 0 };
    if (!trunk.has(node)) {
      const fold = folds.get(node);
      const whole: Step = {
        ...common,
        kind: 'run',
        section: fold ? 'edge' : 'head',
        inputs: node.inputs.map(all),
        outRows: rows,
        rule,
        macsPerHop: macs * rows,
        macsPerWindow: macs * rows,
      };
      if (fold) Object.assign(whole, { kind: 'fold', fold, stateBytes: fold.stateBytes });
      steps[whole.section].push(whole);
      continue;
    }
    const own = at(node.output);
    const todo = work.get(node.output);
    const taps = layout.taps.get(node);
    const waiting = choice.ahead * (todo?.spliced ?? 0);
    steps.trunk.push({
      ...common,
      kind: taps ? 'taps' : 'run',
      section: 'trunk',
      inputs: node.inputs.map((id) => interiorInput(tensors.get(id) as TensorPlan, rule as WindowRule, at(id), own)),
      outRows: own.microRows,
      rule: taps ? rule : interiorRule(rule as WindowRule, at(node.inputs[0] as number), own),
      macsPerHop: macs * own.newRows + againMacs(graph, node, taps),
      macsPerWindow: macs * rows,
      stateBytes: historyOf(own) * view.frameBytes(node.output) + (taps?.stateBytes ?? 0),
      timing: tensors.get(node.output) as Timing,
      interior: own,
      ...(taps && { taps, work: todo }),
    });
    const computed = taps ? 0 : (todo?.left?.computed ?? 0) + (todo?.window?.right ?? 0);
    if (!todo?.left && !todo?.window) continue;
    steps.edge.push({
      ...common,
      kind: 'edge',
      section: 'edge',
      inputs: [...node.inputs, node.output].map(all),
      outRows: rows,
      rule,
      macsPerHop: macs * computed,
      stateBytes: waiting * view.frameBytes(node.output),
      interior: own,
      work: todo,
      ...(taps && { taps }),
    });
  }
  for (const port of graph.outputs) {
    const node = view.producer(port.tensor) as Node;
    const todo = work.get(port.tensor);
    if (!trunk.has(node) || needsBuffer(at(port.tensor), todo?.window?.right ?? 0, todo?.spliced ?? 0)) continue;
    steps.head.push(copyStep(node, all(port.tensor), true));
  }
  const ordered = [...steps.trunk, ...steps.edge, ...steps.head];
  for (const { tensor } of graph.inputs) {
    const first = ordered.find((s) => s.inputs.some((i) => i.tensor === tensor));
    if (first) first.stateBytes += historyOf(at(tensor)) * view.frameBytes(tensor);
  }
  return { tensors, steps: ordered, period: periodOf(layout) };
}

/** A window of these rows is no contiguous part of the stream. */
export const needsBuffer = (at: Interior, right: number, spliced: number): boolean => at.step > 1 || right > 0 || spliced > 0;

/** Rows of the input's buffer that one micro-hop of a layer reads. */
function interiorInput(x: TensorPlan, rule: WindowRule, from: Interior, to: Interior): StepInput {
  const { stride, dilation } = interiorRule(rule, from, to);
  const first = (to.newest - to.microRows + 1) * stride - rule.pad[0] * from.step;
  return {
    tensor: x.tensor,
    firstRow: first + x.windowFirstRow,
    rows: (to.microRows - 1) * stride + (rule.kernel - 1) * dilation + 1,
  };
}
