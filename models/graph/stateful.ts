/**
 * Stateful graphs: which of their tensors are streams.
 *
 * In: a Graph with `stateful`.  Out: its trunk. The window of such a graph is one step. A tensor is a stream
 * if all of its rows are new in every step, so that the rows of consecutive steps are consecutive. Padding
 * before its first row then stands for earlier rows, which are initially the zero point. Other tensors belong
 * to one step, and their padding is ordinary padding.
 * Source: resource variables of streaming TensorFlow Lite models (VAR_HANDLE, READ_VARIABLE,
 * ASSIGN_VARIABLE).
 */
import { RunletError } from '../error.ts';
import { opOfNode } from '../ops/index.ts';
import { streamOf } from '../ops/op.ts';
import type { Graph, Node, Tensor } from './types.ts';

/** Processes nodes in order and records which tensors are streams. */
export class StepStreams {
  /** Number of new rows per step, of streams and of histories. A history also has earlier rows. */
  private readonly fresh: Map<number, number>;
  private readonly tensors: readonly Tensor[];

  /** Takes the graph, or its builder after the inputs were added. */
  constructor({ tensors, inputs }: Pick<Graph, 'tensors' | 'inputs'>) {
    this.tensors = tensors;
    this.fresh = new Map(inputs.map(({ tensor }) => [tensor, this.rows(tensor)]));
  }

  private rows = (id: number): number => this.tensors[id]?.shape.t ?? 0;

  isStream = (id: number): boolean => this.fresh.get(id) === this.rows(id);

  /** Returns the number of new rows per step of a stream or history; undefined for other tensors. */
  freshRows = (id: number): number | undefined => this.fresh.get(id);

  /**
   * Adds the next node; returns true if it runs in the trunk. Its output is a stream if it has (new rows of
   * the input) / stride rows per step.
   * @throws RunletError RN302 if it pads a stream in a way that earlier rows cannot replace
   */
  add(node: Node): boolean {
    const shapes = node.inputs.map((id) => (this.tensors[id] as Tensor).shape);
    const rule = streamOf(opOfNode(node), node.attrs, shapes);
    const news = new Set(node.inputs.map((id) => this.fresh.get(id)));
    const [fresh] = news;
    if (rule.kind !== 'window' || news.size !== 1 || fresh === undefined) return false;
    const made = this.rows(node.output);
    const streams = node.inputs.every(this.isStream);
    if (node.op === 'history') {
      if (streams) this.fresh.set(node.output, fresh);
      return streams;
    }
    const [before, after] = rule.pad;
    if (!streams && (before !== 0 || after !== 0)) return false;
    const keeps = made * rule.stride === fresh;
    if (keeps) this.fresh.set(node.output, made);
    if (after > 0 || (before !== 0 && !keeps)) {
      throw new RunletError('RN302', {
        what: after > 0 ? 'it pads the end of a step' : `it makes ${made} rows from the ${fresh} new rows of a step`,
        where: node.name,
        why: 'in a model with its own state, a streamed tensor has earlier rows before it and nothing after it',
        tryThis: 'valid padding, with the earlier rows kept in the state',
      });
    }
    return keeps;
  }
}

/**
 * Returns the nodes that run on streams. The others run once per step on its rows. @throws RunletError RN302
 */
export function stepTrunk(graph: Graph): Set<Node> {
  const steps = new StepStreams(graph);
  return new Set(graph.nodes.filter((node) => steps.add(node)));
}

/**
 * Checks a node that puts earlier rows before the rows of a tensor.
 * @param isTrunk true if the node runs in the trunk
 * @throws RunletError RN302 if the tensor is not a stream
 */
export function checkPast(node: Node, isTrunk: boolean): void {
  if (node.op !== 'history' || node.attrs.own || node.attrs.before <= 0 || isTrunk) return;
  throw new RunletError('RN302', {
    what: 'earlier rows are put before rows that belong to one step only',
    where: node.name,
    why: 'a layer before it works on the rows of one step, so the rows of two steps are not consecutive',
    tryThis: 'valid padding before it, with the earlier rows kept in states',
  });
}
