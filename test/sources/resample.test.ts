/**
 * The resampler with tones: flat in the pass band, silent at aliases and images, right in time, and the same
 * bytes for any pieces of the signal.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Resampler, resampled } from '../../host/sources/resample.ts';
import { codeOf, randomOf } from '../host/helpers.ts';

const tone = (hz: number, rateHz: number, samples: number, amplitude = 0.9): Float32Array =>
  Float32Array.from({ length: samples }, (_, n) => amplitude * Math.sin((2 * Math.PI * hz * n) / rateHz));

/** Samples at both ends that depend on the start and end of the signal, and are not measured. */
const edge = (fromHz: number, toHz: number) => Math.ceil(120 * Math.max(1, toHz / fromHz));

function whole(signal: Float32Array, fromHz: number, toHz: number): Float32Array {
  const r = new Resampler(fromHz, toHz);
  const [first, rest] = [r.push(signal), r.flush()];
  const out = new Float32Array(first.length + rest.length);
  out.set(first);
  out.set(rest, first.length);
  return out;
}

const power = (samples: Float32Array): number => samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
const dB = (ratio: number): number => 10 * Math.log10(ratio + 1e-30);

const rates: [from: number, to: number][] = [
  [44100, 16000],
  [48000, 16000],
  [32000, 16000],
  [22050, 16000],
  [96000, 16000],
  [11025, 16000],
  [8000, 16000],
  [16000, 48000],
  [16000, 44100],
  [16000, 8000],
  [44100, 48000],
];

for (const [from, to] of rates) {
  const lower = Math.min(from, to) / 2;
  test(`${from} to ${to} Hz: a tone of the pass band is unchanged`, () => {
    for (const share of [0.001, 0.1, 0.37, 0.7, 0.9375]) {
      const hz = share * lower;
      const samples = Math.round(from / 4);
      const out = whole(tone(hz, from, samples), from, to);
      assert.is(out.length, Math.ceil((samples * to) / from));
      const expected = tone(hz, to, out.length);
      const skip = edge(from, to);
      let worst = 0;
      for (let n = skip; n < out.length - skip; n++)
        worst = Math.max(worst, Math.abs((out[n] as number) - (expected[n] as number)));
      // 2e-5 is 93 dB below 0.9; it includes errors of amplitude and phase, images and aliases
      assert.ok(worst < 2e-5, `${hz} Hz: off by ${worst}`);
    }
  });
  if (to < from)
    test(`${from} to ${to} Hz: a tone above half the rate is removed`, () => {
      for (const hz of [lower, lower * 1.05, lower * 1.3, (from / 2) * 0.97].filter((f) => f >= lower && f < from / 2)) {
        const signal = tone(hz, from, Math.round(from / 4));
        const out = whole(signal, from, to);
        const skip = edge(from, to);
        const left = dB(power(out.subarray(skip, out.length - skip)) / power(signal));
        assert.ok(left < -93, `${hz} Hz: ${left} dB`);
      }
    });
}

test('a constant is unchanged', () => {
  for (const [from, to] of rates) {
    const out = whole(new Float32Array(from / 10).fill(0.625), from, to);
    const skip = edge(from, to);
    for (let n = skip; n < out.length - skip; n++)
      assert.ok(Math.abs((out[n] as number) - 0.625) < 3e-7, `${from} to ${to}: ${out[n]}`);
  }
});

test('noise in pieces of any length gives the same bytes as at once', () => {
  const random = randomOf(5);
  for (const [from, to] of rates) {
    const signal = Float32Array.from({ length: 5000 + random(3000) }, () => random(65536) / 32768 - 1);
    const expected = whole(signal, from, to);
    const r = new Resampler(from, to);
    for (let round = 0; round < 3; round++) {
      const parts: number[] = [];
      for (let at = 0; at < signal.length; ) {
        const take = Math.min(signal.length - at, round === 0 ? 1 + random(3) : random(2000));
        parts.push(...r.push(signal.subarray(at, at + take)));
        at += take;
      }
      const early = parts.length;
      parts.push(...r.flush());
      assert.ok(parts.length - early <= Math.ceil(((r.lookAheadSamples + 1) * to) / from), 'no more is held back than has to be');
      assert.equal(Float32Array.from(parts), expected, `${from} to ${to}`);
    }
  }
});

test('with equal rates the samples are unchanged', () => {
  const signal = Float32Array.from([0.1, -0.5, 1]);
  assert.equal(whole(signal, 16000, 16000), signal);
});

test('several channels are resampled separately, and an empty signal gives an empty one', async () => {
  const [left, right] = [tone(100, 8000, 2000), tone(300, 8000, 2000)];
  const both = Float32Array.from({ length: 4000 }, (_, i) => ((i % 2 ? right : left) as Float32Array)[i >> 1] as number);
  const chunks = async function* () {
    for (let at = 0; at < both.length; at += 642) yield both.subarray(at, at + 642);
  };
  const out: number[] = [];
  for await (const chunk of resampled(chunks(), 2, 8000, 16000)) out.push(...chunk);
  assert.equal(Float32Array.from(out.filter((_, i) => i % 2 === 0)), whole(left, 8000, 16000));
  assert.equal(Float32Array.from(out.filter((_, i) => i % 2 === 1)), whole(right, 8000, 16000));
  assert.is(whole(new Float32Array(0), 44100, 16000).length, 0);
});

test('impossible rates are refused', async () => {
  for (const [from, to] of [
    [0, 16000],
    [16000, 0.5],
    [44100.5, 16000],
    [Number.NaN, 16000],
    [2147483647, 2147483629],
  ] as const)
    assert.is(await codeOf(() => new Resampler(from, to)), 'RN773', `${from} ${to}`);
  assert.is(await codeOf(() => new Resampler(44099, 16000)), 'none', 'odd, but exact');
});

test.run();
