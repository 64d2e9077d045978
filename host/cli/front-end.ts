/**
 * Applies a front end (host/features) to a source: raw samples in, what the model was trained on out.
 *
 * In: the name that a manifest gives in `frontEnd`, frames of one element.  Out: frames of one element. A
 * front end is loaded on first use.
 */
import { RunletError } from '../../models/error.ts';
import type { GapList } from '../sources/gaps.ts';

/** One sample in, one sample out; the first sample after reset begins a new recording. */
export interface FrontEnd {
  push(sample: number): number;
  reset(): void;
}

const makers: Record<string, (sampleRateHz: number) => Promise<FrontEnd>> = {
  ppg: async (sampleRateHz) => (await import('../features/ppg.ts')).ppgFrontEnd({ sampleRateHz }),
};

/**
 * The front end of that name.
 * @throws RN738 no such front end, or it cannot run at that rate or on such frames; RN739 the rate is
 * unknown.
 */
export async function openFrontEnd(name: string, sampleRateHz: number | undefined, frameElements: number): Promise<FrontEnd> {
  const refuse = (what: string, why: string) =>
    new RunletError('RN738', {
      what,
      where: `front end ${name}`,
      why,
      tryThis: '--front-end none, with a signal that is already prepared',
    });
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make) throw refuse(`there is no front end ${name} here`, `there are ${Object.keys(makers).join(', ')}`);
  if (frameElements !== 1) throw refuse('this front end takes one channel', `the model takes ${frameElements} elements a frame`);
  if (sampleRateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: `front end ${name}`,
      why: 'neither the bundle nor the source says it',
      tryThis: 'give it with --rate',
    });
  try {
    return await make(sampleRateHz);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('this front end cannot run so', error.message);
    throw error;
  }
}

/**
 * Every sample of `frames` through the front end.
 * @param resets gaps at which it begins anew. Other gaps it does not see: it goes on where it was.
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
