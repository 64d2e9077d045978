/**
 * How many ticks of the clock the frames of a push last.
 *
 * In: the manifest's inputs and an array for each.  Out: ticks, the same on all; with one input a tick is a frame. Source: docs/abi.md, "Time".
 * Allocates nothing unless it throws.
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import type { Frames } from './quantise.ts';

/** @throws RN706 where there are no frames, a part of one or of a tick, not the same number of ticks on every input, or not an array for each. */
export function ticksIn(inputs: readonly PortManifest[], frames: Frames | readonly Frames[]): number {
  const several = Array.isArray(frames);
  let count = -1;
  for (let i = 0; i < inputs.length; i++) {
    const port = inputs[i] as PortManifest;
    const part = (several ? frames[i] : i === 0 ? frames : undefined) as Frames | undefined;
    const found = part === undefined ? 0 : part.length / (port.elements * (port.rate ?? 1));
    if (found < 1 || !Number.isInteger(found) || (count >= 0 && found !== count) || (several && frames.length !== inputs.length))
      throw notWhole(inputs, several ? frames : [frames as Frames], i, count);
    count = found;
  }
  return count;
}

/** RN706 at input `i`; `ticks` are those of the inputs before it, -1 if there is none. */
function notWhole(inputs: readonly PortManifest[], frames: readonly Frames[], i: number, ticks: number): RunletError {
  const { name, elements, rate = 1 } = inputs[i] as PortManifest;
  const given = frames[i]?.length ?? 0;
  const whole = given % elements === 0;
  const one = inputs.length === 1;
  let why = `${given} elements, and a frame has ${elements}`;
  if (frames.length !== inputs.length) why = `the model has ${inputs.length} inputs, and wants an array for each`;
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
