/**
 * Calibration: the range of every tensor over a signal, run the way the plan will run it.
 *
 * In: a StreamPlan of a float graph, a signal or windows.  Out: an observer per tensor.  Trunk tensors are observed on frames whose whole
 * receptive field is real signal (a stream never sees the zero padding); head tensors on at most `maxWindows` windows, spread evenly.
 */
import { RunletError } from '../models/error.ts';
import { frameOf } from '../models/graph/types.ts';
import { type Block, executeHeads, executeTrunk } from '../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../models/stream/float.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { makeObserver, type Observer, type ObserverKind } from './observers.ts';

export interface CalibrateOptions {
  observer?: ObserverKind;
  percentile?: number;
  maxWindows?: number;
  /** Frames run at once: bounds memory. */
  segmentFrames?: number;
}

/** Checks what can be checked before an hour of calibration. @throws RunletError RN410, RN411, RN412 */
export function checkCalibration(plan: StreamPlan, data: Float32Array): void {
  const shape = plan.graph.tensors[plan.graph.inputs[0]?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
  const frame = frameOf(shape);
  if (data.length % frame !== 0) {
    throw new RunletError('RN410', {
      what: `${data.length} calibration values are not whole frames`,
      why: `a frame has ${shape.f} x ${shape.c} = ${frame} values`,
      tryThis: 'an array of shape [frames, values of a frame]',
    });
  }
  const frames = data.length / frame;
  const needed = plan.window + plan.delayFrames + plan.leftContextFrames;
  if (frames < needed) {
    throw new RunletError('RN411', {
      what: `${frames} calibration frames are too few`,
      why: `one output depends on ${needed} frames (window, earlier context and look-ahead)`,
      tryThis: 'a longer recording; some hundred windows are usual',
    });
  }
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new RunletError('RN412', {
      what: `calibration value ${bad} is ${data[bad]}`,
      where: `frame ${Math.floor(bad / frame)}`,
      tryThis: 'remove or fill gaps before calibrating',
    });
  }
  const first = data[0];
  if (data.every((v) => v === first)) {
    throw new RunletError('RN413', {
      what: `all calibration values are ${first}`,
      why: 'a constant signal has no range',
      tryThis: 'a recording of the real signal',
    });
  }
}

export function calibrate(plan: StreamPlan, data: Float32Array, options: CalibrateOptions = {}): Map<number, Observer> {
  checkCalibration(plan, data);
  const observers = new Map<number, Observer>();
  const observe = (id: number, values: Float32Array) => {
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      throw new RunletError('RN414', {
        what: `the model gives ${values[bad]}`,
        where: plan.graph.tensors[id]?.name,
        why: 'the activation overflows on this calibration data',
        tryThis: 'the unit that the model was trained on; weights without infinities',
      });
    }
    let observer = observers.get(id);
    if (!observer) {
      observer = makeObserver(options.observer ?? 'minmax', options.percentile);
      observers.set(id, observer);
    }
    observer.observe(values);
  };
  const signal = floatBlock(plan, data);
  const outputs = Math.floor((signal.shape.t - plan.window - plan.delayFrames) / plan.hop) + 1 - plan.warmUpHops;
  const every = Math.max(1, Math.ceil(outputs / (options.maxWindows ?? 512)));
  for (const segment of segments(plan, signal, options.segmentFrames ?? 16384)) {
    const trunk = executeTrunk(plan, segment, floatRunner);
    for (const [id, block] of trunk) observe(id, settled(plan, id, block));
    for (const { tensors } of executeHeads(plan, trunk, floatRunner, { every })) {
      for (const [id, block] of tensors) if (!plan.tensors.has(id)) observe(id, block.data);
    }
  }
  return observers;
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

/** Pieces of the signal that overlap by what one output depends on, each starting at a multiple of the hop. */
function* segments(plan: StreamPlan, signal: Block<Float32Array>, frames: number): Generator<Block<Float32Array>> {
  const overlap = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  const step = Math.max(plan.hop, Math.floor(Math.max(frames - overlap, plan.hop) / plan.hop) * plan.hop);
  const frame = frameOf(signal.shape);
  for (let at = 0; at === 0 || at + overlap <= signal.shape.t; at += step) {
    const t = Math.min(step + overlap, signal.shape.t - at);
    yield { data: signal.data.subarray(at * frame, (at + t) * frame), shape: { ...signal.shape, t } };
  }
}
