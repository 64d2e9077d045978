/** The vector kernel's sums of products equal plain loops, for any number of outputs, groups and weights. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eachConvolved, products } from '../../models/products.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const ints = (length: number) => fc.array(fc.integer({ min: -128, max: 127 }), { minLength: length, maxLength: length });

/** A convolution with kernel [3][2] over [5][4] positions, padded by one frame and one row on one side. */
const geometry = {
  kernelT: 3,
  kernelF: 2,
  strideT: 2,
  strideF: 1,
  dilationT: 1,
  dilationF: 2,
  padT: [1, 0],
  padF: [0, 1],
} as const;
const layers = fc
  .record({
    groups: fc.integer({ min: 1, max: 3 }),
    inner: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.integer({ min: 1, max: 19 }),
  })
  .chain(({ groups, inner, perGroup }) =>
    fc.record({
      groups: fc.constant(groups),
      inner: fc.constant(inner),
      weights: ints(groups * perGroup * 6 * inner).map((w) => Int8Array.from(w)),
      x: ints(20 * groups * inner).map((x) => Int8Array.from(x)),
      bias: ints(groups * perGroup),
      zero: fc.integer({ min: -128, max: 127 }),
    }),
  );

test('the last sum of a layer may end at the end of the memory', () => {
  const place = { ...geometry, kernelT: 1, kernelF: 1, strideT: 1, dilationF: 1, padT: [0, 0], padF: [0, 0] } as const;
  const shape = { t: 1, f: 1, c: 2 };
  const bias = new Float32Array(6);
  const input = { data: Float32Array.of(1, 2), shape };
  // runs first, while the memory has one page: each layer keeps 64 bytes, one at the page's end
  for (let layer = 0; layer < 2048; layer++) {
    const weights = Float32Array.of(1, 2, 3, 4, 5, 6);
    eachConvolved(input, { geometry: place, groups: 2, weights, bias }, { t: 1, f: 1, c: 6 }, (sums) =>
      assert.equal([...sums], [1, 2, 3, 8, 10, 12]),
    );
  }
});

test('grouped convolutions equal plain loops', () => {
  fc.assert(
    fc.property(layers, ({ groups, inner, weights, x, bias, zero }) => {
      const outputs = bias.length;
      const shape = { t: 5, f: 4, c: groups * inner };
      const out = { t: 2, f: 3, c: outputs };
      const found: number[] = [];
      eachConvolved({ data: x, shape }, { geometry, groups, weights, bias, zero }, out, (sums, at) => {
        assert.is(at, found.length);
        found.push(...sums);
      });
      const expected = Array.from({ length: 6 * outputs }, (_, at) => {
        const [place, o] = [Math.floor(at / outputs), at % outputs];
        const [t, f] = [Math.floor(place / 3), place % 3];
        const group = Math.floor((o * groups) / outputs);
        let sum = bias[o] as number;
        for (let i = 0; i < 6 * inner; i++) {
          const frame = 2 * t - 1 + Math.floor(i / (2 * inner));
          const row = f + 2 * (Math.floor(i / inner) % 2);
          if (frame < 0 || frame > 4 || row > 3) continue;
          const value = x[(frame * 4 + row) * shape.c + group * inner + (i % inner)] as number;
          sum += (weights[o * 6 * inner + i] as number) * (value - zero);
        }
        return sum;
      });
      assert.equal(found, expected);
    }),
    { seed, numRuns: 200 },
  );
});

test('fully connected layers with more weights than the cache holds equal plain loops, used twice in turn', () => {
  const row = 1_500_000;
  const layer = (by: number) => Int8Array.from({ length: 3 * row }, (_, i) => ((i * by) % 251) - 125);
  const x = Int16Array.from({ length: row }, (_, i) => ((i * 7) % 60_001) - 30_000);
  const bias = [1, -2, 3];
  const all = [layer(3), layer(5)];
  for (const weights of [...all, ...all]) {
    const expected = bias.map((sum, o) => {
      let all = sum;
      for (let i = 0; i < row; i++) all += (weights[o * row + i] as number) * ((x[i] as number) - 9);
      return all;
    });
    assert.equal([...products(weights, bias, x, 9)], expected);
  }
});

test('float weights agree within the rounding of doubles', () => {
  const weights = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i));
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.cos(3 * i));
  const sums = products(weights, [0, 1, 2, 3, 4], x);
  for (const [o, sum] of sums.entries()) {
    const expected = x.reduce((all, v, i) => all + (weights[12 * o + i] as number) * v, o);
    assert.ok(Math.abs(sum - expected) < 1e-12, `${sum}, not ${expected}`);
  }
});

test.run();
