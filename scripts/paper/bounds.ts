/**
 * Section A: the pooling error bound with one tone and with five (StreamiNNC section 3.2 A, the paper's
 * figure 4).
 *
 * In: nothing.  Out: the largest error over hops 1 to p, relative to A, with the paper's bound and the bound
 * with r = hop mod p. Deterministic.
 */
import { paperPoolingBound, poolingBound } from '../../models/report/bound.ts';
import { fenced, section } from './section.ts';

const seconds = 8;

/**
 * Returns the sum of cosines at 1 Hz to `tones` Hz over two windows. The last sample is at exactly 16 s, so
 * the true sample rate is `rate` - 1 / 16.
 */
export const cosines = (tones: number, rate: number): Float64Array =>
  Float64Array.from({ length: 2 * seconds * rate }, (_, i) => {
    const t = (2 * seconds * i) / (2 * seconds * rate - 1);
    let sum = 0;
    for (let k = 1; k <= tones; k++) sum += Math.cos(2 * Math.PI * k * t);
    return sum;
  });

const maxPool = (x: Float64Array, p: number): Float64Array =>
  Float64Array.from({ length: Math.floor(x.length / p) }, (_, i) => Math.max(...x.subarray(i * p, (i + 1) * p)));

/** Returns the largest error of a row j of the next window that is reused from row j + floor(hop / p). */
export function largestError(x: Float64Array, window: number, p: number, hop: number): number {
  const first = maxPool(x.subarray(0, window), p);
  const second = maxPool(x.subarray(hop, hop + window), p);
  const skipped = Math.floor(hop / p);
  let largest = 0;
  for (let j = 0; j < second.length - Math.ceil(hop / p); j++)
    largest = Math.max(largest, Math.abs((second[j] as number) - (first[j + skipped] as number)));
  return largest;
}

export interface Setting {
  tones: number;
  rate: number;
  p: number;
}

/** Both sweeps of the figure. */
export const settings: Setting[] = [1, 5].flatMap((tones) => [
  ...[64, 128, 256, 512, 1024].map((rate) => ({ tones, rate, p: 8 })),
  ...[2, 4, 8, 16].map((p) => ({ tones, rate: 256, p })),
]);

/** Returns errors relative to A. `sharp` is the largest error of any hop over the bound with r. */
export function sweep({ tones, rate, p }: Setting) {
  const x = cosines(tones, rate);
  const amplitude = x.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const band = (hop: number, sampleRateHz: number) => ({ poolLength: p, hop, amplitude, maxFrequencyHz: tones, sampleRateHz });
  let error = 0;
  let sharp = 0;
  for (let hop = 1; hop <= p; hop++) {
    const found = largestError(x, seconds * rate, p, hop);
    error = Math.max(error, found);
    if (hop < p) sharp = Math.max(sharp, found / poolingBound(band(hop, rate - 1 / (2 * seconds))));
    else if (found !== 0) throw new Error(`an aligned hop differs by ${found}`);
  }
  const bound = paperPoolingBound(band(1, rate));
  return { error: error / amplitude, bound: bound / amplitude, ratio: error / bound, sharp };
}

export function boundsSection(): string {
  const rows = settings.map((setting) => {
    const { error, bound, ratio, sharp } = sweep(setting);
    const figures = [error, bound, ratio, sharp].map((v) => v.toFixed(3));
    return [
      String(setting.tones),
      String(setting.rate),
      String(setting.p),
      ...figures,
      setting.tones === 1 ? 'matches' : 'bound larger',
    ];
  });
  return section(
    'A. Error bound of a misaligned pool',
    `Maximum pooling of length p over sums of cosines at 1 Hz (and 2 to 5 Hz), windows of 8 s, hops 1 to p. The paper's bound is
(p - 1) * 2 pi A fmax / fs at any hop. Ours is min(r * 2 pi A fmax / fs, 2A) with r = hop mod p; its column has the largest ratio of error to
this bound over all hops. The paper has a figure without numbers; the last column gives its statement in words. \`poolingBound\` is in models/report/bound.ts.`,
    fenced(['tones', 'fs Hz', 'p', 'max error / A', 'paper bound / A', 'error / paper bound', 'error / r-bound', 'paper'], rows),
    `At hop p the error is 0 in every setting. The time axis includes its end point as in the paper's code, so the true rate is fs - 1/16 Hz; the r-bound uses
that, the paper's bound fs. With 5 tones at 64 Hz the paper's bound is above 2A, which no error can exceed. Its text gives pool lengths up to 2^16
and 8 seconds where its code has 16 and 8 samples; the code's values are used.`,
  );
}
