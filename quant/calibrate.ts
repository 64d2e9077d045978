/**
 * Calibration: runs a float model over a signal as the plan will run it, and shows every tensor to a visitor.
 *
 * In: a StreamPlan of a float graph, a signal for each input.  Out: calls of `visit`.  Of trunk tensors the
 * visitor sees the frames whose whole receptive field is real signal, because a stream never sees the zero
 * padding. Of head tensors it sees at most `maxWindows` windows, spread evenly.
 */
import { RunletError } from '../models/error.ts';
import { frameOf } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { opOfNode } from '../models/ops/index.ts';
import { type Block, cutSignal, executeHeads, executeTrunk, type RunNode, ticksIn } from '../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../models/stream/float.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { type Calibration, piecesOf } from './calibration/signals.ts';

export interface CalibrateOptions {
  /** Largest number of windows on which head tensors are observed. Default 512. */
  maxWindows?: number;
  /** Frames (ticks if the model has several inputs) of one segment. It bounds the memory use. */
  segmentFrames?: number;
}

/** Receives whole frames [t][f][c] of a tensor. `visits`: about how often it is called for this tensor. */
export type Visit = (tensor: number, values: Float32Array, visits: number) => void;

/**
 * Runs the float plan over the signal, segment by segment, and passes every tensor to `visit`. Yields the
 * completed share after each segment, 0 to 1.
 * @param run runs one node in float
 * @throws RunletError RN414
 */
export function* visitCalibration(
  plan: StreamPlan,
  data: Calibration,
  options: CalibrateOptions,
  visit: Visit,
  run: RunNode<Float32Array> = floatRunner,
): Generator<number, void, undefined> {
  const show: Visit = (id, values, visits) => {
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      const maker = viewOf(plan.graph).producer(id);
      const domain = maker && opOfNode(maker).domain?.(maker.attrs);
      throw new RunletError('RN414', {
        what: `the model gives ${values[bad]}`,
        where: plan.graph.tensors[id]?.name,
        why: domain ? `its value is finite only for ${domain}` : 'the activation overflows on this calibration data',
        tryThis: domain
          ? 'export the model with a clamp or an epsilon before it, or use data like the training data'
          : 'data in the unit that the model was trained on, and weights without infinities',
      });
    }
    visit(id, values, visits);
  };
  const cut = piecesOf(data).map((signals) => {
    const signal = floatBlocks(plan, signals);
    const ticks = ticksIn(plan, signal);
    const outputs = Math.floor((ticks - plan.window - plan.delayFrames) / plan.hop) + 1 - plan.warmUpHops;
    return { signal, outputs, segments: segments(plan, ticks, options.segmentFrames ?? segmentOf(plan)) };
  });
  const all = cut.reduce((n, c) => n + c.outputs, 0);
  const every = Math.max(1, Math.ceil(all / (options.maxWindows ?? 512)));
  const windows = cut.reduce((n, c) => n + Math.ceil(c.outputs / every), 0);
  const passes = cut.reduce((n, c) => n + c.segments.length, 0);
  let done = 0;
  for (const { signal, segments } of cut)
    for (const [from, to] of segments) {
      const trunk = executeTrunk(plan, [...cutSignal(plan, signal, from, to).values()], run);
      for (const [id, block] of trunk) show(id, settled(plan, id, block), passes);
      for (const { tensors } of executeHeads(plan, trunk, run, { every })) {
        for (const [id, block] of tensors) if (!trunk.has(id)) show(id, block.data, windows);
      }
      yield ++done / passes;
    }
}

/**
 * Default length of a segment, in frames. The state of a stateful model restarts at each segment, so its
 * segments have at least 256 windows.
 */
const segmentOf = ({ graph, window }: StreamPlan): number => Math.max(16384, graph.stateful ? 256 * window : 0);

/** Returns the rows of a trunk tensor that depend only on real frames. */
function settled(plan: StreamPlan, id: number, block: Block<Float32Array>): Float32Array {
  const t = plan.tensors.get(id);
  if (!t) return block.data;
  const frame = frameOf(block.shape);
  const first = Math.ceil(t.lead / t.jump);
  const last = block.shape.t - Math.ceil(t.lookAhead / t.jump);
  return block.data.subarray(Math.min(first, last) * frame, last * frame);
}

/**
 * Returns segments [from, to) of the signal, in ticks. Each starts at a multiple of the hop; neighbours
 * overlap by the number of ticks that one output depends on.
 */
function segments(plan: StreamPlan, ticks: number, frames: number): [number, number][] {
  const overlap = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  const step = Math.max(plan.hop, Math.floor(Math.max(frames - overlap, plan.hop) / plan.hop) * plan.hop);
  const pieces: [number, number][] = [];
  for (let at = 0; at === 0 || at + overlap <= ticks; at += step) pieces.push([at, Math.min(at + step + overlap, ticks)]);
  return pieces;
}
