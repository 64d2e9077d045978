/**
 * What a push got: which arrays, of which kind, and how many ticks of the clock they last.
 *
 * In: the manifest's inputs, and any value.  Out: a typed array for each input, and ticks, the same on all;
 * with one input a tick is a frame. RN706, RN708, RN718.
 * Rule: kind and length are asked of the array itself (its internal slots), so that no property, getter or
 * Proxy of the caller can say otherwise, and each element of an array of arrays is read once. An array of
 * another realm (a frame of a page, a vm context) counts as well.
 * Source: docs/abi.md, "Time"; ECMA-262, %TypedArray%.prototype. Allocates nothing unless it throws or gets
 * rows (counted.ts).
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { type CountedFrames, dataOf, type FrameRows, joinRows } from './counted.ts';
import { type Frames, isFrames, isList, kindOf, lengthOf, wrongKind } from './kinds.ts';

/**
 * What a session takes: the frames of its input, an array of these with one for each input, an array of
 * numbers for each frame (models with one input), or frames with the number of values in each.
 */
export type Signal = Frames | CountedFrames | readonly (Frames | CountedFrames)[] | FrameRows;

/**
 * Reads the arrays of `frames` once, into `parts`. Code of the caller may run here (a getter, a Proxy), and
 * nowhere later.
 */
function read(inputs: readonly PortManifest[], frames: unknown, parts: unknown[]): void {
  parts.length = 1;
  parts[0] = frames;
  const [port, second] = inputs;
  try {
    if (isList(frames)) {
      parts.length = Math.min(frames.length, inputs.length + 1);
      for (let i = 0; i < parts.length; i++) parts[i] = frames[i];
      if (port && !second && isList(parts[0])) {
        parts[0] = joinRows(port, frames, parts[0]);
        parts.length = 1;
      }
    }
    for (let i = 0; i < parts.length; i++)
      if (inputs[i] && kindOf(parts[i]) === undefined) parts[i] = dataOf(inputs[i] as PortManifest, parts[i]);
  } catch (error) {
    if (isRunletError(error)) throw error;
    throw new RunletError('RN708', {
      what: 'the frames cannot be read',
      where: 'push',
      why: error instanceof Error ? error.message : String(error),
      tryThis: 'pass a typed array, or a plain array of them, one for each input',
    });
  }
}

/**
 * Ticks that `frames` last; `parts` receives the array of each input.
 * @throws RN706 where there are no frames, a part of one or of a tick, not the same number of ticks on every
 * input, or not an array for each; RN708 where one is no typed array of a kind that a session takes; RN718
 * where frames say that they have other values.
 */
export function ticksIn(inputs: readonly PortManifest[], frames: unknown, parts: Frames[]): number {
  read(inputs, frames, parts);
  let count = -1;
  for (let i = 0; i < inputs.length; i++) {
    const port = inputs[i] as PortManifest;
    if (parts.length !== inputs.length) throw notWhole(inputs, parts, i, count);
    if (!isFrames(parts[i])) throw wrongKind(port, parts[i]);
    const found = lengthOf(parts[i] as Frames) / (port.elements * (port.rate ?? 1));
    if (found < 1 || !Number.isInteger(found) || (count >= 0 && found !== count)) throw notWhole(inputs, parts, i, count);
    count = found;
  }
  return count;
}

/** RN706 at input `i`; `ticks` are those of the inputs before it, -1 if there is none. */
function notWhole(inputs: readonly PortManifest[], parts: readonly Frames[], i: number, ticks: number): RunletError {
  const { name, elements, rate = 1 } = inputs[i] as PortManifest;
  const given = isFrames(parts[i]) ? lengthOf(parts[i] as Frames) : 0;
  const whole = given % elements === 0;
  const one = inputs.length === 1;
  let why = `${given} elements, and a frame has ${elements}`;
  if (parts.length !== inputs.length) why = `the model has ${inputs.length} inputs, and wants an array for each`;
  else if (whole && ticks >= 0)
    why = `${given / elements} frames, where ${ticks * rate} are wanted: input ${inputs[0]?.name} has ${ticks * (inputs[0]?.rate ?? 1)}, ${ticks} ticks`;
  else if (whole && !one) why = `${given / elements} frames, and a tick has ${rate}`;
  const rates = inputs.map((p) => `${p.rate ?? 1} frames of ${p.name}`).join(', ');
  return new RunletError('RN706', {
    what: 'these are not whole frames',
    where: `input ${name}`,
    why,
    tryThis: one
      ? 'pass a multiple of the elements of a frame'
      : `pass one array per input, for the same number of ticks; a tick is ${rates}`,
  });
}
