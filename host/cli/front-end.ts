/**
 * Applies a front end (host/features) to a source. It turns raw samples into the signal that the model was
 * trained on.
 *
 * In: the manifest's `frontEnd`, frames of one element.  Out: frames of one element. A front end is loaded on
 * first use.
 */
import { RunletError } from '../../models/error.ts';
import type { GapList } from '../sources/gaps.ts';

/** Turns each sample into one sample. The first sample after reset begins a new recording. */
export interface FrontEnd {
  push(sample: number): number;
  reset(): void;
}

const makers: Record<string, (sampleRateHz: number) => Promise<FrontEnd>> = {
  ppg: async (sampleRateHz) => (await import('../features/ppg.ts')).ppgFrontEnd({ sampleRateHz }),
};

/**
 * Opens the front end with this name.
 * @throws RN738 if it does not exist, or cannot run at this rate or on these frames; RN739 if the rate is
 * unknown.
 */
export async function openFrontEnd(name: string, sampleRateHz: number | undefined, frameElements: number): Promise<FrontEnd> {
  const refuse = (what: string, why: string) =>
    new RunletError('RN738', {
      what,
      where: `front end ${name}`,
      why,
      tryThis: '--front-end none, with a signal that is prepared already',
    });
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make) throw refuse(`there is no front end ${name} here`, `there are ${Object.keys(makers).join(', ')}`);
  if (frameElements !== 1)
    throw refuse('this front end takes one channel', `the model takes ${frameElements} elements per frame`);
  if (sampleRateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: `front end ${name}`,
      why: 'neither the bundle nor the source states it',
      tryThis: 'give it with --rate',
    });
  try {
    return await make(sampleRateHz);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('this front end cannot run on this signal', error.message);
    throw error;
  }
}

/**
 * Passes every sample through the front end.
 * @param resets gaps at which the front end is reset; at other gaps it continues without a reset.
 */
export async function* prepared(
  frames: AsyncIterable<Float32Array>,
  frontEnd: FrontEnd,
  resets?: GapList,
): AsyncGenerator<Float32Array> {
  let [at, next] = [0, 0];
  for await (const chunk of frames)
    yield chunk.map((sample) => {
      if (resets?.list[next]?.at === at++) {
        frontEnd.reset();
        next++;
      }
      return frontEnd.push(sample);
    });
}
