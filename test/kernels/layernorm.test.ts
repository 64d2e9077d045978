/**
 * layernorm in integers against its real value: random scales, gammas and epsilons, and rows at the ends of
 * int8.
 *
 * In: quant/ops/layernorm.ts, quant/transcendental.ts.  Out: largest distances. Bounds: half a step plus a
 * hundredth, which docs/quantisation.md allows for the other roundings; 2^-27 for the root. test/ops compares
 * the kernels with the reference.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { type LayerNormAttrs, noClamp, type Tensor } from '../../models/graph/types.ts';
import { layernorm as definition } from '../../models/ops/layernorm.ts';
import { layernorm } from '../../quant/ops/layernorm.ts';
import { reciprocalRoot } from '../../quant/transcendental.ts';
import { random } from '../property/random-network.ts';

const seed = Number(process.env.RUNLET_SEED ?? 1);
const rnd = random(seed);
const int = (min: number, max: number) => min + Math.floor(rnd() * (max - min + 1));
/** Returns a random value between two ends, equally often in every octave. */
const wide = (min: number, max: number) => Math.fround(min * (max / min) ** rnd());

test('the reciprocal root is accurate to 2^-27 for every size of its argument', () => {
  let worst = 0;
  const check = (e: bigint) => {
    const { root, halfShift } = reciprocalRoot(e);
    const wanted = 2 ** 30 / Math.sqrt(Number(e) * 2 ** (2 * halfShift - 64));
    worst = Math.max(worst, Math.abs(Number(root) / wanted - 1));
  };
  for (let bits = 0n; bits < 64n; bits++) {
    for (const e of [1n << bits, (1n << bits) + 1n, (1n << (bits + 1n)) - 1n]) check(e);
    for (let i = 0; i < 500; i++) check((1n << bits) + BigInt(Math.floor(rnd() * Number(1n << bits))));
  }
  assert.ok(worst < 2 ** -27, `${Math.log2(worst)} bits`);
});

const kinds = {
  'random rows': () => int(-128, 127),
  'few values that differ': () => Number(rnd() < 0.1),
  'both ends': () => (rnd() < 0.5 ? -128 : 127),
  'a constant row': () => 5,
  'all -128': () => -128,
  'all 127': () => 127,
};

/** Returns the largest distance of one row from its real value, in steps, for values within int8. */
function distance(value: () => number): number {
  const count = int(0, 4) === 0 ? int(1, 3) : int(4, 600);
  const shape = { t: 1, f: 1, c: count };
  const x: Tensor = { id: 0, name: 'x', shape, quant: { scale: wide(1e-6, 10), zeroPoint: int(-128, 127) } };
  const y: Tensor = { id: 1, name: 'y', shape, quant: { scale: wide(1e-3, 1), zeroPoint: int(-128, 127) } };
  const [steep, far] = [wide(1e-3, 100), wide(1e-3, 100)];
  const attrs: LayerNormAttrs = {
    over: 'c',
    centre: rnd() < 0.7,
    epsilon: rnd() < 0.1 ? 0 : wide(1e-12, 1),
    gamma: Float32Array.from({ length: count }, () => steep * (2 * rnd() - 1)),
    beta: Float32Array.from({ length: count }, () => far * (2 * rnd() - 1)),
    clamp: noClamp,
  };
  const data = Int8Array.from({ length: count }, value);
  const params = layernorm.prepare({ op: 'layernorm', name: 'n', inputs: [0], output: 1, attrs }, [x], y);
  const found = layernorm.run(params, [{ data, shape }], shape);
  const { scale, zeroPoint } = x.quant as { scale: number; zeroPoint: number };
  const reals = Float64Array.from(data, (q) => scale * (q - zeroPoint));
  const mean = attrs.centre ? reals.reduce((a, b) => a + b) / count : 0;
  const centred = attrs.centre && data.every((q) => q === data[0]) ? reals.map(() => 0) : reals.map((v) => v - mean);
  const variance = centred.reduce((a, v) => a + v * v, 0) / count + attrs.epsilon;
  let worst = 0;
  centred.forEach((v, i) => {
    const normalised = v === 0 ? 0 : v / Math.sqrt(variance);
    const real = normalised * (attrs.gamma[i] as number) + (attrs.beta[i] as number);
    const steps = real / (y.quant?.scale ?? 1) + (y.quant?.zeroPoint ?? 0);
    worst = Math.max(worst, Math.abs(Math.min(127, Math.max(-128, steps)) - (found[i] as number)));
  });
  return worst;
}

for (const [name, value] of Object.entries(kinds)) {
  test(`${name}: the error is at most half a step and a hundredth`, () => {
    let worst = 0;
    for (let i = 0; i < 400; i++) worst = Math.max(worst, distance(value));
    console.log(`${name}: ${worst.toFixed(6)} steps`);
    assert.ok(worst <= 0.51, `${worst} steps, seed ${seed}`);
  });
}

test('layernorm in float equals the formula, also without the mean and for a variance of 0 with epsilon 0', () => {
  const attrs: LayerNormAttrs = {
    over: 'c',
    centre: true,
    epsilon: 0,
    gamma: Float32Array.of(2),
    beta: Float32Array.of(1),
    clamp: noClamp,
  };
  const of = (values: number[], more: Partial<LayerNormAttrs> = {}) => {
    const shape = { t: 1, f: 1, c: values.length };
    return [...definition.float([{ data: Float32Array.from(values), shape }], { ...attrs, ...more }, shape)];
  };
  assert.equal(of([1, 3]), [-1, 3]);
  assert.equal(of([3, 3]), [1, 1]);
  assert.equal(of([4, 4], { centre: false }), [3, 3]);
  assert.equal(of([0, 0], { centre: false }), [1, 1]);
});

test('more values than the sums can hold are refused', () => {
  const shape = { t: 1, f: 1, c: 2 ** 16 + 1 };
  const quant = { scale: 0.1, zeroPoint: 0 };
  const attrs: LayerNormAttrs = {
    over: 'c',
    centre: true,
    epsilon: 1e-5,
    gamma: new Float32Array(shape.c),
    beta: new Float32Array(shape.c),
    clamp: noClamp,
  };
  const tensor = { id: 0, name: 'x', shape, quant };
  assert.throws(
    () => layernorm.prepare({ op: 'layernorm', name: 'n', inputs: [0], output: 1, attrs }, [tensor], { ...tensor, id: 1 }),
    (e: unknown) => isRunletError(e) && e.code === 'RN403',
  );
});

test.run();
