/**
 * Placements: moves the downsampling of a network to other layers, and plans every variant.
 *
 * In: a Graph, and the options of a plan.  Out: a row per placement. A placement gives a stride to every
 * layer that slides along time, so that the end of every path keeps its total stride, or gets the stride that
 * is asked for. Kernels and padding stay. A dense layer behind takes its input's new size: the weights are
 * those of another network, so a row is a cost, not a model.
 * Errors: RN211 if the network has several inputs, its own state, or no layer with a stride.
 * Source of the question: StreamiNNC rules R2 and R8.  Cost: one plan per placement.
 */
import { isRunletError, RunletError } from '../error.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { elementsOf, type Graph, type Node, type OpAttrs, type OpName, type Weights } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import type { Mode } from '../stream/modes.ts';
import { planStream } from '../stream/plan.ts';
import { timingOf, type WindowRule } from '../stream/timing.ts';
import type { PlanOptions } from '../stream/types.ts';
import { contaminationOf } from './contamination.ts';

/** Strides of the layers that slide along time. */
export type Strides = ReadonlyMap<Node, number>;

export interface PlacementRow {
  /** Total stride. Hops that are its multiples need no phases. */
  total: number;
  /** Layers with a stride above 1, in order. */
  strides: { layer: string; stride: number }[];
  mode: Mode;
  macsPerHop: number;
  macsPerWindow: number;
  stateBytes: number;
  delayFrames: number;
  /** Largest number of frames that one row depends on, of layers with several rows. */
  receptiveField: number;
  /** Share of the rows that touch a window edge, 0 to 1, of the last sliding layer with several rows. */
  contaminated: number;
  /** True for the placement of the given network. */
  given: boolean;
  /** True if no other placement has at most its work and state, and less of one (the Pareto front). */
  good: boolean;
}

export interface Placements {
  hop: number;
  rows: PlacementRow[];
  /** Number of placements, if only some of them were planned. */
  sampledOf?: number;
  /** Placements that have no plan, by error code. */
  refused: { code: string; count: number }[];
}

/** Largest number of placements that are planned. A choice: a plan takes 10 to 200 ms. */
const maxPlans = 256;
/** Largest number of placements that are listed, and of steps of the search for them. */
const maxListed = 65_536;
const maxSteps = 2_000_000;
/** Largest number of layers: the search goes down one level per layer. */
const maxLayers = 2000;

const strideOfNode = (node: Node): number | undefined =>
  'strideT' in node.attrs && 'kernelT' in node.attrs ? node.attrs.strideT : undefined;

/** Checks whether the stride of a layer can be another one. */
const mayMove = (node: Node, { stride }: WindowRule): boolean => strideOfNode(node) === stride;

/** Returns the strides that a layer may have: divisors of `rest` that skip no row of its input. */
function stridesFor(node: Node, rule: WindowRule, rest: number): number[] {
  const { kernel, dilation, stride: given } = rule;
  if (!mayMove(node, rule)) return [given];
  const limit = Math.max((kernel - 1) * dilation + 1, given);
  return Array.from({ length: Math.min(rest, limit) }, (_, i) => i + 1).filter((s) => rest % s === 0);
}

const cannot = (graph: Graph, why: string): RunletError =>
  new RunletError('RN211', {
    what: `the downsampling of ${graph.name} cannot be moved`,
    where: '--sweep pools',
    why,
    tryThis: '--sweep hop',
  });

/** Ends of the paths that slide along time, each with its total stride. */
function endsOf(graph: Graph): Map<number, number> {
  const view = viewOf(graph);
  const timing = timingOf(graph);
  const ends = new Map<number, number>();
  for (const [id, { jump }] of timing) {
    const readers = view.readers(id);
    if (view.isOutput(id) || readers.some((node) => !timing.has(node.output))) ends.set(id, jump);
  }
  return ends;
}

/**
 * Returns the placements with a total stride. @param total default: that of the network
 */
export function placementsOf(graph: Graph, total?: number): Strides[] {
  const view = viewOf(graph);
  const ends = endsOf(graph);
  const own = maxOf([...ends.values()]);
  if (total !== undefined && new Set(ends.values()).size > 1)
    throw cannot(
      graph,
      `its paths end with the total strides ${[...new Set(ends.values())].join(', ')}, so there is no other total`,
    );
  const wanted = (id: number) => (total === undefined ? ends.get(id) : ends.has(id) ? total : undefined);
  const largest = total ?? own;
  const found: Strides[] = [];
  let steps = 0;
  const jumps = new Map<number, number>(graph.inputs.map(({ tensor }) => [tensor, 1]));
  const chosen = new Map<Node, number>();
  const visit = (at: number): void => {
    if (found.length >= maxListed || steps++ > maxSteps) return;
    const node = graph.nodes[at];
    if (!node) {
      found.push(new Map(chosen));
      return;
    }
    const rule = view.rule(node);
    const before = node.inputs.map((id) => jumps.get(id));
    const [jump] = before;
    if (rule.kind !== 'window' || jump === undefined || before.includes(undefined)) visit(at + 1);
    else if (before.every((j) => j === jump))
      for (const stride of stridesFor(node, rule, largest / jump)) {
        const after = jump * stride;
        if (largest % after !== 0 || (wanted(node.output) ?? after) !== after) continue;
        jumps.set(node.output, after);
        if (mayMove(node, rule)) chosen.set(node, stride);
        visit(at + 1);
      }
    jumps.delete(node.output);
    chosen.delete(node);
  };
  visit(0);
  return found;
}

/** Weights with another number of elements, for costs only. */
function resized(weights: Weights, factor: number): Weights {
  const { data } = weights;
  const make = data.constructor as new (length: number) => typeof data;
  return { ...weights, data: new make(Math.round(data.length * factor)) } as Weights;
}

/** Returns the network with these strides. @throws RN301 if a layer does not fit its new input */
function placed(graph: Graph, strides: Strides): Graph {
  const view = viewOf(graph);
  const made = new GraphBuilder(graph.name, graph.format, graph.sourceDigest);
  const tensors = new Map<number, number>();
  for (const { tensor, name, ...port } of graph.inputs) {
    const quant = view.quant(tensor);
    tensors.set(tensor, made.input(name, view.shape(tensor), quant ? { ...port, quant } : port));
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => tensors.get(id) as number);
    const stride = strides.get(node);
    let attrs: object = stride === undefined ? node.attrs : { ...node.attrs, strideT: stride };
    if (view.rule(node).kind === 'whole' && 'weights' in node.attrs) {
      const factor = elementsOf(made.shape(inputs[0] as number)) / elementsOf(view.shape(node.inputs[0] as number));
      if (factor !== 1) attrs = { ...node.attrs, weights: resized(node.attrs.weights, factor) };
    }
    tensors.set(node.output, made.node(node.op, inputs, attrs as OpAttrs[OpName], node.name, view.quant(node.output)));
  }
  for (const { tensor, name, hostType } of graph.outputs) made.output(tensors.get(tensor) as number, name, { hostType });
  Object.assign(made.metadata, graph.metadata);
  return made.build();
}

function rowOf(graph: Graph, strides: Strides, options: PlanOptions, given: boolean): PlacementRow {
  const plan = planStream(graph, options);
  const timing = [...timingOf(graph)].filter(([id]) => viewOf(graph).rows(id) > 1).map(([, t]) => t);
  const { mode, macsPerHop, macsPerWindow, stateBytes, delayFrames } = plan;
  return {
    total: maxOf(timing.map((t) => t.jump)),
    strides: [...strides].filter(([, stride]) => stride > 1).map(([node, stride]) => ({ layer: node.name, stride })),
    mode,
    macsPerHop,
    macsPerWindow,
    stateBytes,
    delayFrames,
    receptiveField: maxOf(timing.map((t) => t.receptiveField)),
    contaminated: contaminationOf(graph).findLast(({ rows }) => rows > 1)?.share ?? 0,
    given,
    good: false,
  };
}

/** Marks the rows that no other row beats in work and state. */
function markGood(rows: PlacementRow[]): void {
  let least = Number.POSITIVE_INFINITY;
  let last: PlacementRow | undefined;
  for (const row of rows) {
    const isEqual = last?.good && row.macsPerHop === last.macsPerHop && row.stateBytes === last.stateBytes;
    row.good = row.stateBytes < least || isEqual === true;
    if (row.good) [least, last] = [row.stateBytes, row];
  }
}

/**
 * Plans every placement, or an even selection of `maxPlans` of them.
 * @param totals total strides; undefined: that of the network
 * @returns rows with the least work first. @throws RN211
 */
export function sweepPlacements(graph: Graph, options: PlanOptions, totals?: readonly number[]): Placements {
  if (graph.stateful) throw cannot(graph, 'it carries its own state from step to step');
  if (graph.inputs.length > 1) throw cannot(graph, 'it has several inputs');
  if (graph.nodes.length > maxLayers) throw cannot(graph, `it has more than ${maxLayers} layers`);
  const all = totals ? totals.flatMap((total) => placementsOf(graph, total)) : placementsOf(graph);
  const isGiven = (strides: Strides) => [...strides].every(([node, stride]) => strideOfNode(node) === stride);
  if (all.length === 0 || all.every((strides) => strides.size === 0)) throw cannot(graph, 'no layer can have a stride');
  const every = Math.max(1, all.length / maxPlans);
  const some = all.filter((strides, i) => Math.floor(i / every) !== Math.floor((i - 1) / every) || isGiven(strides));
  const refused = new Map<string, number>();
  const rows = some.flatMap((strides) => {
    try {
      return [rowOf(placed(graph, strides), strides, options, isGiven(strides))];
    } catch (error) {
      if (!isRunletError(error)) throw error;
      refused.set(error.code, (refused.get(error.code) ?? 0) + 1);
      return [];
    }
  });
  if (rows.length === 0) throw cannot(graph, `no placement has a plan (${[...refused.keys()].join(', ')})`);
  rows.sort((a, b) => a.macsPerHop - b.macsPerHop || a.stateBytes - b.stateBytes);
  markGood(rows);
  return {
    hop: options.hop,
    rows,
    ...(some.length < all.length && { sampledOf: all.length }),
    refused: [...refused].map(([code, count]) => ({ code, count })),
  };
}
