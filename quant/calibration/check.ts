/**
 * Checks calibration data against the model, before the long calibration starts.
 *
 * In: a plan and signals.  Out: nothing, or an error that describes the mistake.
 */
import { RunletError } from '../../models/error.ts';
import { frameOf } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { type Calibration, isSet, piecesOf } from './signals.ts';

/** RN418: the calibration data is empty. */
export const emptyCalibration = (plan: StreamPlan): RunletError =>
  new RunletError('RN418', {
    what: 'the calibration data is empty',
    where: plan.graph.inputs.map((p) => p.name).join(', '),
    why: 'it has no frames',
    tryThis: 'a recording of the real signal; a few hundred windows are usual',
  });

/** RN412: a value of input number `input` is not finite. @param index of the value in the input's signal */
export function checkValue({ graph }: StreamPlan, input: number, index: number, value: number): RunletError {
  const port = graph.inputs[input];
  const frame = viewOf(graph).frame(port?.tensor ?? -1);
  const several = graph.inputs.length > 1;
  return new RunletError('RN412', {
    what: `calibration value ${index} is ${value}`,
    where: `${several ? `input ${port?.name}, ` : ''}frame ${Math.floor(index / frame)}`,
    tryThis: 'remove or fill gaps before calibrating',
  });
}

/** Checks the data without running the model. @throws RunletError RN410, RN411, RN412, RN413, RN418 */
export function checkCalibration(plan: StreamPlan, data: Calibration): void {
  const pieces = piecesOf(data);
  if (pieces.length === 0) throw emptyCalibration(plan);
  for (const [i, signals] of pieces.entries()) checkSignals(plan, signals, isSet(data) && i > 0);
}

/** @param known true: the values were checked when the set was collected, so they are not checked again */
function checkSignals(plan: StreamPlan, signals: readonly Float32Array[], known: boolean): void {
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
    const shape = viewOf(graph).shape(tensor);
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
  if (ticks[0] === 0) throw emptyCalibration(plan);
  checkLength(plan, ticks[0] ?? 0);
  if (known) return;
  for (const [i, signal] of signals.entries()) checkValues(plan, signal, i);
}

function checkLength(plan: StreamPlan, frames: number): void {
  const needed = plan.window + plan.delayFrames + plan.leftContextFrames;
  if (frames >= needed) return;
  throw tooShort(plan, frames);
}

/**
 * RN411: the signal is shorter than what one output depends on. @param apart true: it was cut into windows
 */
export function tooShort(plan: StreamPlan, frames: number, apart = false): RunletError {
  const needed = plan.window + plan.delayFrames + plan.leftContextFrames;
  const unit = plan.graph.inputs.length > 1 ? 'ticks' : 'frames';
  return new RunletError('RN411', {
    what: apart ? `separate windows of ${frames} ${unit} are too short` : `${frames} calibration ${unit} are too few`,
    why: `one output depends on ${needed} ${unit} (window, earlier context and look-ahead)`,
    tryThis: apart
      ? 'whole recordings, or --mode windowed, which needs no earlier context'
      : 'a longer recording; a few hundred windows are usual',
  });
}

function checkValues(plan: StreamPlan, data: Float32Array, input: number): void {
  const port = plan.graph.inputs[input];
  const several = plan.graph.inputs.length > 1;
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw checkValue(plan, input, bad, data[bad] as number);
  const first = data[0];
  if (data.every((v) => v === first))
    throw new RunletError('RN413', {
      what: `all calibration values are ${first}`,
      ...(several && { where: `input ${port?.name}` }),
      why: 'a constant signal has no range',
      tryThis: 'a recording of the real signal',
    });
}

/** RN415: the axes of an array are swapped. */
export const transposed = (where: string, shape: readonly number[]): RunletError =>
  new RunletError('RN415', {
    what: 'this array is transposed',
    where,
    why: `shape (${shape.join(', ')}) means ${shape[0]} frames of ${shape[1]} values; the model takes frames of ${shape[0]} values`,
    tryThis: 'save it with time first: numpy.save(name, numpy.ascontiguousarray(x.T))',
  });

/** RN419: the labels name fewer than two classes. */
export const oneClass = (where: string, classes: readonly number[]): RunletError =>
  new RunletError('RN419', {
    what: `the labels of the calibration data name ${classes.length === 0 ? 'no class' : `only class ${classes[0]}`}`,
    where,
    why: 'the ranges would not cover the other classes',
    tryThis: 'recordings of every class',
  });
