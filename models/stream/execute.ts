/**
 * The meaning of a plan, for any number type: trunk over the whole signal, head on every window.
 *
 * In: a plan, a signal `[frames][f][c]` and a function that runs one node.  Out: the model outputs of every window that the plan calls
 * exact, and (on request) every tensor.  This is the reference that streamed code must equal; it keeps no history and shares none of its code.
 */
import { frameOf, type Node, type Shape } from '../graph/types.ts';
import { opOf } from '../ops/index.ts';
import { hasTrunk, type StreamPlan } from './types.ts';

export interface Block<A> {
  data: A; // [t][f][c]
  shape: Shape;
}

/** Runs one node; `strideT` is the stride along time to use (1 where a window has a single output row). */
export type RunNode<A> = (node: Node, xs: Block<A>[], out: Shape, strideT: number) => A;

export interface WindowResult<A> {
  /** Index of the window: it starts at frame index * hop. */
  index: number;
  /** One entry per graph output. */
  outputs: A[];
  /** Head tensors and the rows that the head took from the trunk, by tensor id. */
  tensors: Map<number, Block<A>>;
}

/** Shape of a node's output for inputs of any length. */
function shapeFor(node: Node, xs: Block<unknown>[], strideT: number): Shape {
  const attrs = 'strideT' in node.attrs ? { ...node.attrs, strideT } : node.attrs;
  return opOf(node.op).shape(
    xs.map((x) => x.shape),
    attrs as never,
    node.name,
  );
}

type Sliceable<A> = { slice(from: number, to: number): A };

/** Trunk tensors over the whole signal, zero-padded at its two ends only. */
export function executeTrunk<A extends Sliceable<A>>(plan: StreamPlan, signal: Block<A>, run: RunNode<A>): Map<number, Block<A>> {
  if (plan.mode === 'approx') return executeHops(plan, signal, run);
  const tensors = new Map<number, Block<A>>([[plan.graph.inputs[0]?.tensor ?? -1, signal]]);
  for (const step of hasTrunk(plan.mode) ? plan.steps : []) {
    if (step.section !== 'trunk' || step.kind !== 'run') continue;
    const { node } = step;
    const strideT = step.rule.kind === 'window' ? step.rule.stride : 1;
    const xs = node.inputs.map((id) => tensors.get(id) as Block<A>);
    const shape = shapeFor(node, xs, strideT);
    tensors.set(node.output, { data: run(node, xs, shape, strideT), shape });
  }
  return tensors;
}

/** Mode approx: the trunk on each hop by itself, with the model's padding at its seams; rows of all hops joined. */
function executeHops<A extends Sliceable<A>>(plan: StreamPlan, signal: Block<A>, run: RunNode<A>): Map<number, Block<A>> {
  const parts = new Map<number, Block<A>[]>();
  const input = plan.graph.inputs[0]?.tensor ?? -1;
  const frame = frameOf(signal.shape) * plan.hop;
  for (let k = 0; (k + 1) * plan.hop <= signal.shape.t; k++) {
    const hop = new Map<number, Block<A>>([
      [input, { data: signal.data.slice(k * frame, (k + 1) * frame), shape: { ...signal.shape, t: plan.hop } }],
    ]);
    for (const { section, kind, node } of plan.steps) {
      if (section !== 'trunk' || kind !== 'run') continue;
      const xs = node.inputs.map((id) => hop.get(id) as Block<A>);
      const strideT = 'strideT' in node.attrs ? node.attrs.strideT : 1;
      const shape = shapeFor(node, xs, strideT);
      const t = plan.tensors.get(node.output)?.newRows ?? shape.t;
      hop.set(node.output, { data: run(node, xs, shape, strideT).slice(0, t * frameOf(shape)), shape: { ...shape, t } });
    }
    for (const [id, block] of hop) parts.set(id, [...(parts.get(id) ?? []), block]);
  }
  return new Map([...parts].map(([id, blocks]) => [id, joined(blocks)]));
}

/** Blocks one after the other. */
function joined<A>(blocks: Block<A>[]): Block<A> {
  const arrays = blocks.map((b) => b.data as unknown as Float32Array | Int8Array);
  const [first] = arrays as [Float32Array | Int8Array];
  const make = first.constructor as new (length: number) => Float32Array | Int8Array;
  const data = new make(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const a of arrays) {
    data.set(a, at);
    at += a.length;
  }
  const shape = { ...(blocks[0] as Block<A>).shape, t: blocks.reduce((n, b) => n + b.shape.t, 0) };
  return { data: data as unknown as A, shape };
}

/** The head on every window of a trunk, from the first that does not depend on frames before the signal (or from 0 with `warmUp`). */
export function* executeHeads<A extends Sliceable<A>>(
  plan: StreamPlan,
  trunk: Map<number, Block<A>>,
  run: RunNode<A>,
  options: { warmUp?: boolean; every?: number } = {},
): Generator<WindowResult<A>> {
  const frames = trunk.get(plan.graph.inputs[0]?.tensor ?? -1)?.shape.t ?? 0;
  // the other modes equal the windowed model: every node on every window
  const streamed = plan.steps.filter((s) => s.section !== 'trunk' && s.kind !== 'copy').map((s) => s.node);
  const head = hasTrunk(plan.mode) ? streamed : plan.graph.nodes;
  const first = options.warmUp ? 0 : plan.warmUpHops;
  const grid = plan.mode === 'misaligned' ? plan.alignment : plan.hop;
  for (let n = first; n * plan.hop + plan.window + plan.delayFrames <= frames; n += options.every ?? 1) {
    const tensors = new Map<number, Block<A>>();
    for (const [id, block] of trunk) {
      const t = plan.tensors.get(id);
      if (!t) continue;
      // misaligned: the window is taken at the multiple of the total stride before it
      const from = Math.floor((n * plan.hop) / grid) * (grid / t.jump);
      const frame = frameOf(block.shape);
      if (from + t.windowRows > block.shape.t) continue; // not read by the head
      const data = block.data.slice(from * frame, (from + t.windowRows) * frame);
      tensors.set(id, { data, shape: { ...block.shape, t: t.windowRows } });
    }
    for (const node of head) {
      const xs = node.inputs.map((id) => tensors.get(id) as Block<A>);
      const strideT = 'strideT' in node.attrs ? node.attrs.strideT : 1;
      const shape = shapeFor(node, xs, strideT);
      tensors.set(node.output, { data: run(node, xs, shape, strideT), shape });
    }
    yield { index: n, outputs: plan.graph.outputs.map((port) => (tensors.get(port.tensor) as Block<A>).data), tensors };
  }
}

/** Trunk over the whole signal, head on every window. */
export const executeStream = <A extends Sliceable<A>>(
  plan: StreamPlan,
  signal: Block<A>,
  run: RunNode<A>,
  options: { warmUp?: boolean } = {},
): Generator<WindowResult<A>> => executeHeads(plan, executeTrunk(plan, signal, run), run, options);
