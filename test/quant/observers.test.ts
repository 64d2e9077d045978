/** Observers: their ranges against values computed by sorting, by brute force or from known results. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Histogram } from '../../quant/observers/histogram.ts';
import { makeObserver, type ObserverKind, observerKinds } from '../../quant/observers/index.ts';
import { MovingAverage } from '../../quant/observers/moving-average.ts';
import { minError } from '../../quant/observers/mse.ts';
import { asymmetric } from '../../quant/scales.ts';
import { squaredError } from './measures.ts';

const runs = { numRuns: 100, seed: Number(process.env.RUNLET_SEED ?? 1) };

/** Returns seeded normal values: each is the sum of twelve uniform ones. */
function normal(count: number, seed: number, spread = 1): Float32Array {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return spread * sum;
  });
}

function rangeOf(kind: ObserverKind, values: Float32Array, percentile?: number): [number, number] {
  const observer = makeObserver(kind, percentile);
  observer.observe(values);
  return observer.range();
}

/** Returns the mean squared error of int8 over a range, by quantising every value. */
function measured(values: Float32Array, [low, high]: [number, number]): number {
  const { scale, zeroPoint } = asymmetric(low, high);
  let sum = 0;
  for (const v of values) {
    const q = Math.max(-128, Math.min(127, Math.round(v / scale) + zeroPoint));
    sum += (v - scale * (q - zeroPoint)) ** 2;
  }
  return sum / values.length;
}

test('every range includes 0, stays within the observed values, and does not depend on the chunks', () => {
  const values = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, fc.nat(300), fc.constantFrom(...observerKinds), (list, cut, kind) => {
      const all = Float32Array.from(list);
      const [low, high] = rangeOf(kind, all);
      assert.ok(low <= 0 && high >= 0, `${kind} ${low} ${high}`);
      assert.ok(low >= Math.min(0, ...all) && high <= Math.max(0, ...all), `${kind} ${low} ${high}`);
      const pieces = makeObserver(kind);
      pieces.observe(all.subarray(0, cut));
      pieces.observe(all.subarray(cut));
      assert.equal(pieces.range(), [low, high]);
      assert.is(pieces.count, all.length);
    }),
    runs,
  );
});

test('a histogram keeps every value when it doubles its range, and does not depend on the order', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 100 }), (list) => {
      const [up, down] = [new Histogram(), new Histogram()];
      for (const v of list) up.add(Float32Array.of(v));
      for (const v of [...list].reverse()) down.add(Float32Array.of(v));
      assert.is(up.counts.reduce((a, b) => a + b, 0) + up.zeros, list.length);
      assert.is(up.reach, down.reach);
      assert.equal(up.counts, down.counts);
    }),
    runs,
  );
});

test('merging two histograms equals the histogram of all values, whichever has the larger range', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 100 }), fc.nat(100), (list, cut) => {
      const whole = new Histogram();
      whole.add(Float32Array.from(list));
      const of = (part: number[]) => {
        const one = new Histogram();
        one.add(Float32Array.from(part));
        return one;
      };
      for (const [first, second] of [
        [list.slice(0, cut), list.slice(cut)],
        [list.slice(cut), list.slice(0, cut)],
      ] as const) {
        const both = of(first);
        both.merge(of(second));
        assert.equal(
          [both.reach, both.low, both.high, both.zeros, both.count],
          [whole.reach, whole.low, whole.high, whole.zeros, whole.count],
        );
        assert.equal(both.counts, whole.counts);
      }
    }),
    runs,
  );
});

test('a percentile is within one bin of the sorted values', () => {
  const values = normal(20_000, 5);
  const sorted = Float32Array.from(values).sort();
  for (const percentile of [90, 99, 99.9]) {
    const [low, high] = rangeOf('percentile', values, percentile);
    const cut = Math.floor(((100 - percentile) / 200) * values.length);
    assert.ok(Math.abs(low - (sorted[cut] as number)) <= 16 / 4096, `${percentile}: ${low}`);
    assert.ok(Math.abs(high - (sorted[values.length - 1 - cut] as number)) <= 16 / 4096, `${percentile}: ${high}`);
  }
});

test('percentile excludes the stated number of values at each end, and clips no other value', () => {
  // one value per bin: 0.25 past each whole number on both sides, with bins of 0.5 over [-1024, 1024)
  const sides = Array.from({ length: 1000 }, (_, i) => [i + 1.25, -i - 1.25]).flat();
  for (const [percentile, out] of [
    [99, 10],
    [99.875, 1],
    [99.9375, 0],
    [90, 100],
    [100, 0],
  ] as const) {
    const [low, high] = rangeOf('percentile', Float32Array.from(sides), percentile);
    const kept = 1000 - out + 0.25;
    assert.ok(high >= kept && high <= kept + 0.5, `${percentile}: ${high} for ${kept}`);
    assert.ok(-low >= kept && -low <= kept + 0.5, `${percentile}: ${low} for ${-kept}`);
  }
});

test('moving-average averages the minima and maxima of batches', () => {
  const average = new MovingAverage(0.5, 2);
  average.observe(Float32Array.of(-8, 4, -2, 1));
  assert.equal(average.range(), [-5, 2.5]);
});

test('moving-average follows its formula over batches', () => {
  const average = new MovingAverage(0.9, 4);
  average.observe(Float32Array.of(1, 2, 3, -4, 0, 8, 0, 0, 100));
  const [low, high] = average.range();
  assert.ok(Math.abs(low - -3.6) < 1e-12 && Math.abs(high - 3.5) < 1e-12, `${low} ${high}`);
});

test('mse: moving one end to any other position of the search grid does not reduce the error', () => {
  for (const seed of [1, 2, 3]) {
    const histogram = new Histogram();
    histogram.add(normal(5000, seed));
    histogram.add(Float32Array.of(30, -9));
    const [low, high] = minError(histogram);
    const best = squaredError(histogram, low, high);
    assert.ok(best < squaredError(histogram, -9, 30));
    for (let k = 1; k <= 100; k++) {
      assert.ok(squaredError(histogram, (-9 * k) / 100, high) >= best - 1e-9);
      assert.ok(squaredError(histogram, low, (30 * k) / 100) >= best - 1e-9);
    }
  }
});

test('with outliers, mse has the smallest error, measured value by value', () => {
  const values = Float32Array.of(...normal(50_000, 7), 40, -35);
  const minmax = measured(values, rangeOf('minmax', values));
  const errors = (['mse', 'entropy', 'percentile'] as const).map((kind) => measured(values, rangeOf(kind, values, 99.99)));
  const [mse, entropy, percentile] = errors as [number, number, number];
  // clipping two of 50,000 values by 30 adds 0.04 to the mean; mse weighs this against the step
  assert.ok(mse <= minmax && mse <= entropy * 1.01 && mse <= percentile * 1.01, `${minmax} ${errors}`);
});

test('after a ReLU the lower end stays at 0, and zeros do not affect the range', () => {
  const values = normal(50_000, 9).map((v) => Math.max(0, v));
  const sparse = Float32Array.of(...values.filter((v) => v > 0));
  for (const kind of ['mse', 'entropy'] as const) {
    const [low, high] = rangeOf(kind, values);
    assert.is(low, 0);
    assert.ok(high > 2 && high <= Math.max(...values));
    assert.equal(rangeOf(kind, sparse), [low, high]);
  }
});

test.run();
