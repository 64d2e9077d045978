/**
 * Checks the value that a push receives, and counts its ticks.
 *
 * In: the manifest's inputs, and any value.  Out: one typed array per input, and the number of ticks, equal
 * for all inputs; with one input a tick is a frame.  Errors: RN706, RN708, RN718.
 * Rule: type and length come from the array's internal slots, so that no property, getter or Proxy of the
 * caller can change them. Each element of an array of arrays is read once. Arrays of another realm (an
 * iframe, a vm context) are accepted.
 * Source: docs/abi.md, "Time"; ECMA-262, %TypedArray%.prototype. Allocates only for an error or for rows
 * (counted.ts).
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { type CountedFrames, dataOf, type FrameRows, joinRows } from './counted.ts';
import { type Frames, isFrames, isList, kindOf, lengthOf, wrongKind } from './kinds.ts';

/**
 * Frames for a session: a typed array, the same with the number of values in each frame, an array of one of
 * these per input, or, for models with one input, an array of numbers for each frame.
 */
export type Signal = Frames | CountedFrames | readonly (Frames | CountedFrames)[] | FrameRows;

/** Reads the arrays of `frames` once into `parts`. The caller's getters and Proxies run only here. */
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
 * Returns the number of ticks in `frames`.
 * @param parts receives the array of each input.
 * @throws RN706 if there are no frames, if a frame or a tick is incomplete, if the inputs have different
 * numbers of ticks, or if there is not one array per input; RN708 if a part is not a typed array that a
 * session takes; RN718 if frames have the wrong number of values.
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

/** Returns RN706 for input `i`. `ticks` is the number of ticks of the inputs before it, -1 for the first. */
function notWhole(inputs: readonly PortManifest[], parts: readonly Frames[], i: number, ticks: number): RunletError {
  const { name, elements, rate = 1 } = inputs[i] as PortManifest;
  const given = isFrames(parts[i]) ? lengthOf(parts[i] as Frames) : 0;
  const whole = given % elements === 0;
  const one = inputs.length === 1;
  let why = `${given} elements, and a frame has ${elements}`;
  if (parts.length !== inputs.length) why = `the model has ${inputs.length} inputs and takes an array for each`;
  else if (whole && ticks >= 0)
    why = `${given / elements} frames, where ${ticks * rate} are needed: input ${inputs[0]?.name} has ${ticks * (inputs[0]?.rate ?? 1)}, ${ticks} ticks`;
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
