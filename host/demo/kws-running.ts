/**
 * Running sound for the evaluation of kws: sentences, noise and two voices at once, with words in between.
 *
 * In: lines for espeak-ng, clips of words.  Out: int16 PCM at 16 kHz in pieces, and the times of the words.
 * A third of the sentences has noise of a household or a melody, a tenth a second voice. Stretches of noise
 * alone stand between some of them.
 */

import { uniform } from '../../models/xorshift.ts';
import { type Clip, clipSamples, labels } from './kws-clips.ts';
import type { Word } from './kws-detect.ts';
import { rateHz } from './kws-model.ts';
import { type Noise, noise, noises } from './kws-noise.ts';
import { type Line, spoken } from './kws-speech.ts';
import { shuffled } from './shuffled.ts';

const [noisy, twoVoices, noiseAlone] = [0.33, 0.1, 0.1];

const clipped = (v: number) => Math.max(-32768, Math.min(32767, Math.round(v)));

function added(pcm: Int16Array, other: ArrayLike<number>, level: number): Int16Array {
  return pcm.map((v, i) => clipped(v + level * (other[i] ?? 0)));
}

/** Yields sentences and noise, in pieces. */
export function* running(lines: readonly Line[], seed = 1): Generator<Int16Array> {
  const draw = uniform(seed + 100);
  const kinds = Object.keys(noises) as Noise[];
  const made = (samples: number) => noise(kinds[Math.floor(kinds.length * draw())] as Noise, samples, draw);
  let before: Int16Array | undefined;
  for (const pcm of spoken(lines, seed)) {
    const kind = draw();
    // 6 to 30 dB under full scale
    if (kind < noisy) yield added(pcm, made(pcm.length), 32767 * 10 ** (-0.3 - 1.2 * draw()));
    else if (kind < noisy + twoVoices && before) yield added(pcm, before, 0.2 + 0.8 * draw());
    else yield pcm;
    before = pcm;
    if (draw() < noiseAlone)
      yield added(new Int16Array(Math.floor((4 + 8 * draw()) * rateHz)), made(12 * rateHz), 32767 * 10 ** (-1.5 * draw()));
  }
}

/** Yields the clips in random order, each behind a sentence. Adds their words with times to `words`. */
export function* embedded(
  clips: readonly Clip[],
  sentences: Iterator<Int16Array>,
  draw: () => number,
  words: Word[],
): Generator<Int16Array> {
  let at = 0;
  const timed = (pcm: Int16Array) => {
    at += pcm.length;
    return pcm;
  };
  for (const index of shuffled(clips.length, draw)) {
    const { pcm, label } = clips[index] as Clip;
    const sentence = sentences.next();
    if (sentence.done) return;
    yield timed(sentence.value);
    words.push({ word: labels[label] as string, start: at / rateHz, end: (at + clipSamples) / rateHz });
    yield timed(pcm);
    yield timed(new Int16Array(4000).map(() => Math.floor(5 * draw()) - 2));
  }
}
