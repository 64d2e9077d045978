/**
 * Calibration: the range of every tensor over a signal, run the way the plan will run it.
 *
 * In: a StreamPlan of a float graph, a signal for each input.  Out: an observer per tensor.  Trunk tensors are observed on frames whose whole
 * receptive field is real signal (a stream never sees the zero padding); head tensors on at most `maxWindows` windows, spread evenly.
 */
import { RunletError } from '../models/error.ts';
import { frameOf } from '../models/graph/types.ts';
import { type Block, cutSignal, executeHeads, executeTrunk, ticksIn } from '../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../models/stream/float.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { ChannelStats } from './methods/channel-stats.ts';

export interface CalibrateOptions {
  maxWindows?: number;
  /** Frames (ticks, where there are several inputs) run at once: bounds memory. */
  segmentFrames?: number;
}

/** A signal for the one input, or one for each. */
export type Calibration = Float32Array | readonly Float32Array[];

export const calibrationOf = (data: Calibration): readonly Float32Array[] => (data instanceof Float32Array ? [data] : data);

/** Checks what can be checked before an hour of calibration. @throws RunletError RN410, RN411, RN412, RN413 */
export function checkCalibration(plan: StreamPlan, data: Calibration): void {
  const signals = calibrationOf(data);
  const { graph, clock } = plan;
  const several = graph.inputs.length > 1;
  if (signals.length !== graph.inputs.length)
    throw new RunletError('RN410', {
      what: `${signals.length} calibration signals for ${graph.inputs.length} inputs`,
      why: `the model takes ${graph.inputs.map((p) => p.name).join(', ')}`,
      tryThis: 'one array per input, in this order',
    });
  const ticks = signals.map((signal, i) => {
    const { name, tensor } = graph.inputs[i] as (typeof graph.inputs)[number];
    const where = several ? { where: `input ${name}` } : {};
    const shape = graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 };
    const frame = frameOf(shape);
    if (signal.length % frame !== 0)
      throw new RunletError('RN410', {
        what: `${signal.length} calibration values are not whole frames`,
        ...where,
        why: `a frame has ${shape.f} x ${shape.c} = ${frame} values`,
        tryThis: 'an array of shape [frames, values of a frame]',
      });
    return Math.floor(signal.length / frame / (clock.rates[i] as number));
  });
  if (ticks.some((n) => n !== ticks[0]))
    throw new RunletError('RN410', {
      what: `the calibration signals last ${ticks.join(', ')} ticks`,
      where: graph.inputs.map((p) => p.name).join(', '),
      why: `all inputs share one clock, on which they have ${clock.rates.join(', ')} frames a tick`,
      tryThis: 'recordings that begin and end together',
    });
  checkLength(plan, ticks[0] ?? 0);
  for (const [i, signal] of signals.entries()) checkValues(plan, signal, i);
}

function checkLength(plan: StreamPlan, frames: number): void {
  const needed = plan.window + plan.delayFrames + plan.leftContextFrames;
  if (frames >= needed) return;
  const unit = plan.graph.inputs.length > 1 ? 'ticks' : 'frames';
  throw new RunletError('RN411', {
    what: `${frames} calibration ${unit} are too few`,
    why: `one output depends on ${needed} ${unit} (window, earlier context and look-ahead)`,
    tryThis: 'a longer recording; some hundred windows are usual',
  });
}

function checkValues({ graph }: StreamPlan, data: Float32Array, input: number): void {
  const port = graph.inputs[input];
  const frame = frameOf(graph.tensors[port?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const several = graph.inputs.length > 1;
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new RunletError('RN412', {
      what: `calibration value ${bad} is ${data[bad]}`,
      where: `${several ? `input ${port?.name}, ` : ''}frame ${Math.floor(bad / frame)}`,
      tryThis: 'remove or fill gaps before calibrating',
    });
  const first = data[0];
  if (data.every((v) => v === first))
    throw new RunletError('RN413', {
      what: `all calibration values are ${first}`,
      ...(several && { where: `input ${port?.name}` }),
      why: 'a constant signal has no range',
      tryThis: 'a recording of the real signal',
    });
}

/** Sees whole frames [t][f][c] of a tensor; it will be called about `visits` times for it. */
export type Visit = (tensor: number, values: Float32Array, visits: number) => void;

/**
 * Runs the float plan over the signal and shows every tensor to `visit`, segment by segment.
 * @throws RunletError RN410 to RN414
 */
export function visitCalibration(plan: StreamPlan, data: Calibration, options: CalibrateOptions, visit: Visit): void {
  checkCalibration(plan, data);
  const show: Visit = (id, values, visits) => {
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      throw new RunletError('RN414', {
        what: `the model gives ${values[bad]}`,
        where: plan.graph.tensors[id]?.name,
        why: 'the activation overflows on this calibration data',
        tryThis: 'the unit that the model was trained on; weights without infinities',
      });
    }
    visit(id, values, visits);
  };
  const signal = floatBlocks(plan, data);
  const ticks = ticksIn(plan, signal);
  const outputs = Math.floor((ticks - plan.window - plan.delayFrames) / plan.hop) + 1 - plan.warmUpHops;
  const every = Math.max(1, Math.ceil(outputs / (options.maxWindows ?? 512)));
  const pieces = segments(plan, ticks, options.segmentFrames ?? 16384);
  const windows = Math.ceil(outputs / every);
  for (const [from, to] of pieces) {
    const trunk = executeTrunk(plan, [...cutSignal(plan, signal, from, to).values()], floatRunner);
    for (const [id, block] of trunk) show(id, settled(plan, id, block), pieces.length);
    for (const { tensors } of executeHeads(plan, trunk, floatRunner, { every })) {
      for (const [id, block] of tensors) if (!trunk.has(id)) show(id, block.data, windows);
    }
  }
}

/** Channels of each tensor. @throws RunletError RN410 to RN414 */
export function channelStats(plan: StreamPlan, data: Calibration, options: CalibrateOptions = {}): Map<number, ChannelStats> {
  const stats = new Map<number, ChannelStats>();
  visitCalibration(plan, data, options, (id, values) => {
    const of = stats.get(id) ?? new ChannelStats(plan.graph.tensors[id]?.shape.c ?? 1);
    stats.set(id, of);
    of.observe(values);
  });
  return stats;
}

/** Rows of a trunk tensor that depend on real frames only. */
function settled(plan: StreamPlan, id: number, block: Block<Float32Array>): Float32Array {
  const t = plan.tensors.get(id);
  if (!t) return block.data;
  const frame = frameOf(block.shape);
  const first = Math.ceil(t.lead / t.jump);
  const last = block.shape.t - Math.ceil(t.lookAhead / t.jump);
  return block.data.subarray(Math.min(first, last) * frame, last * frame);
}

/** Pieces [from, to) of the signal that overlap by what one output depends on, each starting at a multiple of the hop. */
function segments(plan: StreamPlan, ticks: number, frames: number): [number, number][] {
  const overlap = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  const step = Math.max(plan.hop, Math.floor(Math.max(frames - overlap, plan.hop) / plan.hop) * plan.hop);
  const pieces: [number, number][] = [];
  for (let at = 0; at === 0 || at + overlap <= ticks; at += step) pieces.push([at, Math.min(at + step + overlap, ticks)]);
  return pieces;
}
