/**
 * Windows of several lengths in one network: it answers for the latest frames of each length, and computes
 * what the windows share once.
 *
 * In: a graph with one input, and lengths in frames, at most its window.  Out: a graph whose outputs are
 * those of its own window, then those of every other length, the longest first. The network over a shorter
 * window has the same weights and scales; layers that do not depend on the window's length make this possible
 * (a mean or a maximum over the window). Errors: RN212.
 * Source: SPP-net (He et al., 2014): features of the signal are computed once, and pooled over any part.
 *
 * A layer that slides without padding, or crops time, gives the same rows in both windows, so the shorter one
 * takes the last rows of the longer one's. From the first layer that pads or reads the whole window on,
 * layers are copied.
 */
import { RunletError } from '../error.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node, OpAttrs, OpName } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { append } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import { slidingLength, streamOf } from '../ops/op.ts';

/** A tensor of a shorter window: rows [first, first + rows) of the longest one's, or a tensor of its own. */
type Rows = { first: number; rows: number } | { id: number };

const cannot = (where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN212', { what: 'the model cannot answer for windows of several lengths', where, why, tryThis });

/** Upper bound of the number of lengths, because each may copy the network. A choice. */
const maxLengths = 16;

/** Returns the lengths below the model's window, longest first. */
function shorterLengths(graph: Graph, lengths: readonly number[]): number[] {
  const { window } = viewOf(graph).clock;
  if (graph.stateful) throw cannot(graph.name, 'it carries its own state from step to step', 'a model without such a state');
  if (graph.inputs.length !== 1) throw cannot(graph.name, `it has ${graph.inputs.length} inputs`, 'a model with one input');
  const wrong = lengths.find((n) => !Number.isInteger(n) || n < 1 || n > window);
  const why =
    wrong === undefined ? `there are ${lengths.length} lengths` : `${wrong} frames do not lie in its window of ${window}`;
  if (wrong !== undefined || lengths.length > maxLengths)
    throw cannot('--windows', why, `at most ${maxLengths} lengths of 1 to ${window} frames`);
  return [...new Set(lengths)].filter((n) => n < window).sort((a, b) => b - a);
}

/** Copies a network for one length. */
class Shorter {
  readonly #graph: Graph;
  readonly #to: GraphBuilder;
  readonly #length: number;
  readonly #tensors = new Map<number, Rows>();
  readonly #crops = new Map<number, number>();

  constructor(graph: Graph, to: GraphBuilder, length: number) {
    [this.#graph, this.#to, this.#length] = [graph, to, length];
    const [{ tensor }] = graph.inputs as [Graph['inputs'][number]];
    this.#tensors.set(tensor, { first: viewOf(graph).rows(tensor) - length, rows: length });
  }

  /** Returns the rows of an output if the longer window has them; undefined if they are computed anew. */
  #shared(node: Node): Rows | undefined {
    const view = viewOf(this.#graph);
    const rule = streamOf(opOfNode(node), node.attrs, view.inputShapes(node));
    if (rule.kind !== 'window' || rule.pad.some((pad) => pad > 0)) return undefined;
    const [x, ...others] = node.inputs.map((id) => this.#tensors.get(id) as Rows);
    if (!x || 'id' in x || others.some((o) => 'id' in o || o.first !== x.first || o.rows !== x.rows)) return undefined;
    const length = (rows: number) => slidingLength(rows, rule.kernel, rule.stride, rule.dilation, rule.pad);
    const rows = length(x.rows);
    const first = x.first / rule.stride;
    const all = view.rows(node.output);
    // a layer that repeats rows has more of them than its rule says
    const slides = all === length(view.rows(node.inputs[0] as number));
    return slides && Number.isInteger(first) && rows >= 1 && first + rows <= all ? { first, rows } : undefined;
  }

  /** Returns the id of a tensor of this window. */
  idOf(tensor: number): number {
    const found = this.#tensors.get(tensor) as Rows;
    if ('id' in found) return found.id;
    const known = this.#crops.get(tensor);
    if (known !== undefined) return known;
    const { name, quant, shape } = this.#graph.tensors[tensor] as Graph['tensors'][number];
    const { first, rows } = found;
    const attrs = { before: -first, after: first + rows - shape.t };
    const id = this.#to.node('history', [tensor], attrs, `${name} of ${this.#length}`, quant);
    this.#crops.set(tensor, id);
    return id;
  }

  add(node: Node): void {
    const shared = this.#shared(node);
    if (shared) {
      this.#tensors.set(node.output, shared);
      return;
    }
    const inputs = node.inputs.map((id) => this.idOf(id));
    const name = `${node.name} of ${this.#length}`;
    try {
      const id = this.#to.node(node.op, inputs, node.attrs as OpAttrs[OpName], name, viewOf(this.#graph).quant(node.output));
      this.#tensors.set(node.output, { id });
    } catch (error) {
      if (!(error instanceof RunletError)) throw error;
      const tryThis = 'a model that ends in a mean or a maximum over the window, or a longer window';
      throw cannot(node.name, `it does not fit a window of ${this.#length} frames: ${error.parts.what}`, tryThis);
    }
  }
}

/**
 * Returns the network for its own window and for windows of these lengths, in frames. Outputs of a shorter
 * window are named NAME_LENGTH. @throws RunletError RN212 if a length or a layer does not fit
 */
export function withWindows(graph: Graph, windows: readonly number[]): Graph {
  const made = new GraphBuilder(graph.name, graph.format, graph.sourceDigest);
  const lists = ['tensors', 'nodes', 'inputs', 'outputs', 'notes'] as const;
  for (const list of lists) append<unknown>(made[list], graph[list]);
  Object.assign(made.metadata, graph.metadata);
  for (const length of shorterLengths(graph, windows)) {
    const copy = new Shorter(graph, made, length);
    for (const node of graph.nodes) copy.add(node);
    for (const { tensor, name, ...port } of graph.outputs) {
      const id = copy.idOf(tensor);
      const { t } = made.shape(id);
      const fileShape = t === viewOf(graph).rows(tensor) ? port.fileShape : [1, t, made.shape(id).f, made.shape(id).c];
      made.output(id, `${name}_${length}`, { ...port, fileShape });
    }
  }
  return made.build();
}
