/**
 * Reference execution of a plan, for any number type: the trunk over the whole signal, the head per window.
 *
 * In: a plan, a signal `[frames][f][c]` per graph input, and a function that runs one node.
 * Out: the model outputs of every window after the warm-up, and the tensors that they come from.
 * Exactness: streamed code must give the same outputs. This file keeps no history and shares no code with it.
 */

import { carries } from '../graph/recurrent.ts';
import { frameOf, type Graph, type Ints, type Node, type Shape } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { join, minOf } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import { streamOf } from '../ops/op.ts';
import { hasTrunk, streamingOf, windowGrid } from './modes.ts';
import type { StreamPlan } from './types.ts';

export interface Block<A> {
  data: A; // [t][f][c]
  shape: Shape;
}

/** Runs one node. @param strideT stride along time; 1 if a window has only one output row */
export type RunNode<A> = (node: Node, xs: Block<A>[], out: Shape, strideT: number) => A;

export interface WindowResult<A> {
  /** Index of the window, which starts at tick index * hop. */
  index: number;
  /** One entry per graph output. */
  outputs: A[];
  /** Tensors of the head, and the window of each trunk tensor, by tensor id. */
  tensors: Map<number, Block<A>>;
}

/**
 * Returns the shape of a node's output for inputs of any length.
 * @param isWholeSignal true: the inputs are the whole signal, so rows at the end are not cropped
 */
function shapeFor(node: Node, xs: Block<unknown>[], strideT: number, isWholeSignal: boolean): Shape {
  const strided = 'strideT' in node.attrs ? { ...node.attrs, strideT } : node.attrs;
  const attrs = isWholeSignal && 'after' in strided ? { ...strided, after: Math.max(0, strided.after) } : strided;
  return opOfNode(node).shape(
    xs.map((x) => x.shape),
    attrs,
    node.name,
  );
}

export type Sliceable<A> = { slice(from: number, to: number): A };

/** One signal per input, or the signal of the only input. */
export type Signal<A> = Block<A> | readonly Block<A>[];

/** Returns one block per input. */
export const blocksOf = <A extends { length: number }>(graph: Graph, signals: readonly A[]): Block<A>[] =>
  graph.inputs.map(({ tensor }, i) => {
    const shape = viewOf(graph).shape(tensor);
    const data = signals[i] as A;
    return { data, shape: { ...shape, t: (data?.length ?? 0) / frameOf(shape) } };
  });

/** Returns the number of whole ticks in the shortest signal. */
export function ticksIn(plan: StreamPlan, signal: Signal<unknown>): number {
  const blocks: readonly Block<unknown>[] = Array.isArray(signal) ? signal : [signal];
  return minOf(plan.clock.rates.map((rate, i) => Math.floor((blocks[i]?.shape.t ?? 0) / rate)));
}

/** Returns ticks [from, to) of every input, by tensor id. */
export function cutSignal<A extends Sliceable<A>>(
  plan: StreamPlan,
  signal: Signal<A>,
  from: number,
  to: number,
): Map<number, Block<A>> {
  const blocks: readonly Block<A>[] = Array.isArray(signal) ? signal : [signal];
  return new Map(
    plan.graph.inputs.map(({ tensor }, i) => {
      const { data, shape } = blocks[i] as Block<A>;
      const rate = plan.clock.rates[i] as number;
      return [tensor, rows({ data, shape }, from * rate, to * rate)];
    }),
  );
}

/** Returns rows [from, to) of a block. */
export function rows<A extends Sliceable<A>>({ data, shape }: Block<A>, from: number, to: number): Block<A> {
  if (from === 0 && to === shape.t) return { data, shape };
  return { data: data.slice(from * frameOf(shape), to * frameOf(shape)), shape: { ...shape, t: to - from } };
}

/**
 * Returns the inputs of a node, cut to equal length: where branches meet, one may have more rows at the end
 * of the signal. A node that reads whole windows gets its inputs uncut.
 */
function operands<A extends Sliceable<A>>(node: Node, tensors: Map<number, Block<A>>): Block<A>[] {
  const xs = node.inputs.map((id) => tensors.get(id) as Block<A>);
  const shapes = xs.map((x) => x.shape);
  if (streamOf(opOfNode(node), node.attrs, shapes).kind === 'whole') return xs;
  const t = minOf(shapes.map((shape) => shape.t));
  return xs.map((x) => rows(x, 0, t));
}

/**
 * Runs a node on all rows of its inputs and adds its output to `tensors`.
 * @param stride the plan's stride along time, for inputs that are the whole signal; left out: one window
 */
function runNode<A extends Sliceable<A>>(node: Node, tensors: Map<number, Block<A>>, run: RunNode<A>, stride?: number): void {
  const xs = operands(node, tensors);
  const strideT = stride ?? ('strideT' in node.attrs ? node.attrs.strideT : 1);
  const shape = shapeFor(node, xs, strideT, stride !== undefined);
  tensors.set(node.output, { data: run(node, xs, shape, strideT), shape });
}

/** Runs nodes on one window and adds their outputs to `tensors`. Returns the model's outputs. */
export function executeNodes<A extends Sliceable<A>>(
  graph: Graph,
  nodes: readonly Node[],
  tensors: Map<number, Block<A>>,
  run: RunNode<A>,
): A[] {
  for (const node of nodes) runNode(node, tensors, run);
  return graph.outputs.map((port) => (tensors.get(port.tensor) as Block<A>).data);
}

/**
 * Returns the window of every trunk tensor. Tensors without a complete window there are left out.
 * @param unit start of the window, in units of time
 */
export function windowOf<A extends Sliceable<A>>(
  plan: StreamPlan,
  trunk: ReadonlyMap<number, Block<A>>,
  unit: number,
): Map<number, Block<A>> {
  const tensors = new Map<number, Block<A>>();
  for (const [id, block] of trunk) {
    const t = plan.tensors.get(id);
    if (!t || unit % t.jump !== 0) continue;
    const from = unit / t.jump;
    if (from + t.windowRows > block.shape.t) continue; // not read by the head
    tensors.set(id, rows(block, from, from + t.windowRows));
  }
  return tensors;
}

/** Runs the trunk over the whole signal, padded only at its ends. Returns tensors by id, with the inputs. */
export function executeTrunk<A extends Sliceable<A>>(
  plan: StreamPlan,
  signal: Signal<A>,
  run: RunNode<A>,
): Map<number, Block<A>> {
  if (streamingOf(plan.mode).padsHops) return executeHops(plan, signal, run);
  const tensors = cutSignal(plan, signal, 0, ticksIn(plan, signal));
  for (const step of hasTrunk(plan.mode) ? plan.steps : []) {
    if (step.section !== 'trunk' || step.kind !== 'run') continue;
    runNode(step.node, tensors, run, step.rule.kind === 'window' ? step.rule.stride : 1);
  }
  return tensors;
}

/**
 * Mode approx: runs the trunk on each hop alone, with the model's padding, and joins the rows of all hops.
 */
function executeHops<A extends Sliceable<A>>(plan: StreamPlan, signal: Signal<A>, run: RunNode<A>): Map<number, Block<A>> {
  const parts = new Map<number, Block<A>[]>();
  const ticks = ticksIn(plan, signal);
  for (let k = 0; (k + 1) * plan.hop <= ticks; k++) {
    const hop = cutSignal(plan, signal, k * plan.hop, (k + 1) * plan.hop);
    for (const { section, kind, node } of plan.steps) {
      if (section !== 'trunk' || kind !== 'run') continue;
      runNode(node, hop, run);
      const y = hop.get(node.output) as Block<A>;
      hop.set(node.output, rows(y, 0, plan.tensors.get(node.output)?.newRows ?? y.shape.t));
    }
    for (const [id, block] of hop) parts.set(id, [...(parts.get(id) ?? []), block]);
  }
  return new Map([...parts].map(([id, blocks]) => [id, joined(blocks)]));
}

/** Concatenates blocks along time. */
function joined<A>(blocks: Block<A>[]): Block<A> {
  const arrays = blocks.map((b) => b.data as unknown as Float32Array | Ints);
  const [first] = arrays as [Float32Array | Ints];
  const make = first.constructor as new (length: number) => Float32Array | Ints;
  const data = join(make, arrays);
  const shape = { ...(blocks[0] as Block<A>).shape, t: blocks.reduce((n, b) => n + b.shape.t, 0) };
  return { data: data as unknown as A, shape };
}

/**
 * Runs the head on every window.
 * @param options warmUp: true also runs the first windows, which depend on frames before the signal (default:
 * false); every: runs only every n-th window (default: 1)
 */
export function* executeHeads<A extends Sliceable<A>>(
  plan: StreamPlan,
  trunk: Map<number, Block<A>>,
  run: RunNode<A>,
  options: { warmUp?: boolean; every?: number } = {},
): Generator<WindowResult<A>> {
  const frames = ticksIn(
    plan,
    plan.graph.inputs.map(({ tensor }) => trunk.get(tensor) as Block<A>),
  );
  const { units } = plan.clock;
  // modes without a trunk equal the windowed model, so every node runs on every window
  const streamed = plan.steps.filter((s) => s.section !== 'trunk' && s.kind !== 'copy').map((s) => s.node);
  const head = hasTrunk(plan.mode) ? streamed : plan.graph.nodes;
  const first = options.warmUp ? 0 : plan.warmUpHops;
  const grid = windowGrid(plan.mode, plan.hop, plan.alignment);
  const windowAt = (n: number) => windowOf(plan, trunk, Math.floor((n * plan.hop) / grid) * grid * units);
  const isDue = (n: number) => n * plan.hop + plan.window + plan.delayFrames <= frames;
  const every = options.every ?? 1;
  if (plan.graph.stateful && head.some(carries)) {
    yield* executeSteps(plan.graph, head, windowsWhile(isDue, windowAt), run, every);
    return;
  }
  for (let n = first; isDue(n); n += every) {
    const tensors = windowAt(n);
    yield { index: n, outputs: executeNodes(plan.graph, head, tensors, run), tensors };
  }
}

function windowsWhile<T>(isDue: (n: number) => boolean, windowAt: (n: number) => T): T[] {
  const windows: T[] = [];
  while (isDue(windows.length)) windows.push(windowAt(windows.length));
  return windows;
}

/**
 * Runs a head that carries states from window to window: a node with a state runs once, on the joined rows of
 * all windows. Yields every `every`-th window.
 */
function* executeSteps<A extends Sliceable<A>>(
  graph: Graph,
  head: readonly Node[],
  windows: Map<number, Block<A>>[],
  run: RunNode<A>,
  every: number,
): Generator<WindowResult<A>> {
  for (const node of head) {
    if (!carries(node)) {
      for (const tensors of windows) runNode(node, tensors, run);
      continue;
    }
    const [id] = node.inputs as [number];
    const all = new Map([[id, joined(windows.map((tensors) => tensors.get(id) as Block<A>))]]);
    runNode(node, all, run);
    const y = all.get(node.output) as Block<A>;
    const each = y.shape.t / windows.length;
    for (const [n, tensors] of windows.entries()) tensors.set(node.output, rows(y, n * each, (n + 1) * each));
  }
  for (const [index, tensors] of windows.entries())
    if (index % every === 0) yield { index, outputs: executeNodes(graph, [], tensors, run), tensors };
}

/** Runs the trunk over the whole signal, then the head on every window. */
export const executeStream = <A extends Sliceable<A>>(
  plan: StreamPlan,
  signal: Signal<A>,
  run: RunNode<A>,
  options: { warmUp?: boolean } = {},
): Generator<WindowResult<A>> => executeHeads(plan, executeTrunk(plan, signal, run), run, options);
