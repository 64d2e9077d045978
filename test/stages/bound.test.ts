/**
 * The pooling error bound: random band-limited signals never exceed it, and one tone reaches it (StreamiNNC
 * sections 1.6 and 3.4).
 *
 * RUNLET_BOUND_TRIALS random signals (default 2,000; `npm run soak -- bound` has 10,000) from RUNLET_SEED.
 * Signals are periodic, so that their largest amplitude can be bounded: for degree n it is at most that of N
 * samples divided by cos(pi n / N) (Ehlich and Zeller, 1964).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bandSlope, type PoolBand, paperPoolingBound, poolingBound, poolOffset, slopeBound } from '../../models/report/bound.ts';
import { settings, sweep } from '../../scripts/paper/bounds.ts';
import { normal, uniform } from '../../scripts/paper/random.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const trials = Number(process.env.RUNLET_BOUND_TRIALS ?? 2000);

const pools: Record<string, (x: Float64Array, from: number, p: number) => number> = {
  max: (x, from, p) => x.subarray(from, from + p).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  average: (x, from, p) => x.subarray(from, from + p).reduce((a, b) => a + b, 0) / p,
  'sub-sampling': (x, from) => x[from] as number,
};

interface Tone {
  harmonic: number;
  amplitude: number;
  phase: number;
}

const sample = (tones: Tone[], turn: number): number =>
  tones.reduce((sum, t) => sum + t.amplitude * Math.cos(2 * Math.PI * t.harmonic * turn + t.phase), 0);

function supremum(tones: Tone[], degree: number): number {
  const count = 32 * degree;
  let largest = 0;
  for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(sample(tones, i / count)));
  return largest / Math.cos((Math.PI * degree) / count);
}

test(`${trials} random multi-tone signals, hops and pools: no error exceeds the bounds`, () => {
  const next = uniform(seed);
  const gauss = normal(seed + 1);
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  let nearest = 0;
  let aligned = 0;
  for (let trial = 0; trial < trials; trial++) {
    const limit = int(1, 48);
    const tones = Array.from({ length: int(1, 6) }, () => ({
      harmonic: int(1, limit),
      amplitude: gauss(),
      phase: 2 * Math.PI * next(),
    }));
    const degree = Math.max(...tones.map((t) => t.harmonic));
    const sampleRateHz = 2 * degree + 1 + Math.floor(1000 * next() ** 2);
    const poolLength = int(1, 16);
    const hop = int(1, 4 * poolLength);
    const band: PoolBand = { poolLength, hop, amplitude: supremum(tones, degree), maxFrequencyHz: degree, sampleRateHz };
    const x = Float64Array.from({ length: sampleRateHz + 5 * poolLength }, (_, i) =>
      sample(tones, (i % sampleRateHz) / sampleRateHz),
    );
    const steepest = x.reduce((most, v, i) => (i === 0 ? 0 : Math.max(most, Math.abs(v - (x[i - 1] as number)))), 0);
    const slack = 1e-9 * band.amplitude;
    assert.ok(steepest <= bandSlope(band) + slack, 'Bernstein');
    const skipped = Math.floor(hop / poolLength) * poolLength;
    for (const [kind, pool] of Object.entries(pools)) {
      let error = 0;
      for (let at = 0; at < sampleRateHz; at++)
        error = Math.max(error, Math.abs(pool(x, at + hop, poolLength) - pool(x, at + skipped, poolLength)));
      const bound = poolingBound(band, kind === 'average' ? 'average' : 'any');
      const shown = `trial ${trial} of seed ${seed}, ${kind}: ${error} against ${bound}, ${JSON.stringify(band)}`;
      assert.ok(error <= bound + slack, shown);
      assert.ok(error <= paperPoolingBound(band) + slack, `the paper's bound, ${shown}`);
      assert.ok(error <= slopeBound(poolOffset(hop, poolLength), steepest) + slack, `measured slope, ${shown}`);
      assert.ok(bound <= Math.min(2 * band.amplitude, paperPoolingBound(band)) + slack, 'the r-bound is the tightest');
      if (bound === 0) aligned++;
      else nearest = Math.max(nearest, error / bound);
    }
  }
  assert.ok(aligned > 0 && nearest > 0.9 && nearest <= 1 + 1e-9);
  console.log(
    `  ${trials} trials: no bound exceeded, at most ${nearest.toFixed(4)} of the r-bound; ${aligned} aligned pools with error 0`,
  );
});

test('in the sweeps of the paper, one tone reaches 0.95 of its bound and five tones about half', () => {
  const ratios = settings.map((setting) => sweep(setting).ratio.toFixed(3));
  assert.equal(ratios, [
    ...['0.951', '0.988', '0.997', '0.999', '1.000', '1.000', '1.000', '0.997', '0.982'],
    ...['0.295', '0.434', '0.506', '0.524', '0.527', '0.527', '0.526', '0.506', '0.392'],
  ]);
  const mono = settings.filter((s) => s.tones === 1).map((s) => sweep(s));
  assert.ok(mono.every(({ ratio, sharp }) => ratio >= 0.95 && sharp >= 0.95 && sharp <= 1 + 1e-9));
});

test.run();
