/**
 * Graphs that carry their own state: which tensors go on from step to step.
 *
 * In: a Graph with `stateful`.  Out: its trunk. The window of such a graph is one step. A tensor is a stream
 * where every step brings all of its rows anew, so that the rows of consecutive steps follow each other; what
 * stands as padding before its first row is its own past, at first the zero point. Other tensors belong to
 * one step alone, and their padding is padding.
 * Source: resource variables of streaming TensorFlow Lite models (VAR_HANDLE, READ_VARIABLE,
 * ASSIGN_VARIABLE).
 */
import { RunletError } from '../error.ts';
import { opOfNode } from '../ops/index.ts';
import { streamOf } from '../ops/op.ts';
import type { Graph, Node, Tensor } from './types.ts';

/** Follows nodes in order and keeps which tensors are streams. */
export class StepStreams {
  /** Rows that a step brings anew, of streams and of histories; a history has earlier ones as well. */
  private readonly fresh: Map<number, number>;
  private readonly tensors: readonly Tensor[];

  /** The graph, or its builder once the inputs are there. */
  constructor({ tensors, inputs }: Pick<Graph, 'tensors' | 'inputs'>) {
    this.tensors = tensors;
    this.fresh = new Map(inputs.map(({ tensor }) => [tensor, this.rows(tensor)]));
  }

  private rows = (id: number): number => this.tensors[id]?.shape.t ?? 0;

  isStream = (id: number): boolean => this.fresh.get(id) === this.rows(id);

  /**
   * Rows of a stream or history that a step brings anew; undefined for tensors that belong to one step alone.
   */
  freshRows = (id: number): number | undefined => this.fresh.get(id);

  /**
   * Takes the next node; true if it runs in the trunk. Its output is a stream where it makes as many rows a
   * step as its stride leaves of the new ones.
   * @throws RunletError RN302 where it pads a stream in a way that is no history.
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
        what: after > 0 ? 'it pads the end of a step' : `it makes ${made} rows of the ${fresh} that a step brings`,
        where: node.name,
        why: 'in a model with its own state a streamed tensor has earlier rows before it and nothing after it',
        tryThis: 'valid padding, with the earlier rows kept in the state',
      });
    }
    return keeps;
  }
}

/**
 * The nodes that run on streams; the others run once a step, on what the step has. @throws RunletError RN302
 */
export function stepTrunk(graph: Graph): Set<Node> {
  const steps = new StepStreams(graph);
  return new Set(graph.nodes.filter((node) => steps.add(node)));
}

/**
 * @param isTrunk of a node that lays the past before rows.
 * @throws RunletError RN302 where these are no stream
 */
export function checkPast(node: Node, isTrunk: boolean): void {
  if (node.op !== 'history' || node.attrs.own || node.attrs.before <= 0 || isTrunk) return;
  throw new RunletError('RN302', {
    what: 'rows of the past stand before rows that belong to one step alone',
    where: node.name,
    why: 'a layer before it works on the rows of one step, so that the rows of two steps do not follow each other',
    tryThis: 'valid padding in front of it, with the earlier rows kept in states',
  });
}
