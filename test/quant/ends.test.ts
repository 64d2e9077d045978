/**
 * The integer reference in edge cases: every operator against its real value for extreme zero points, signs,
 * groups and saturation, and constants of the specification that do not affect the bytes of usual networks.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import {
  type ActivationAttrs,
  kernelOfOne,
  noClamp,
  type OpAttrs,
  type OpName,
  type QuantParams,
} from '../../models/graph/types.ts';
import { answerOf } from '../../quant/evaluate/evaluate.ts';
import { roundTogether } from '../../quant/methods/round-weights.ts';
import { add } from '../../quant/ops/add.ts';
import { roundedMean } from '../../quant/ops/avgpool.ts';
import { intOps } from '../../quant/ops/index.ts';
import { checkCount, checkProducts, wideMultiplier } from '../../quant/ops/int16.ts';
import { type IntOp, rangeOf } from '../../quant/ops/op.ts';
import { softmax } from '../../quant/ops/softmax.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { random } from '../property/random-network.ts';
import { outputError } from './measures.ts';

interface Input {
  shape: [t: number, f: number, c: number];
  quant: QuantParams;
  data: number[];
}

/** Runs one node on stored values, and returns its output as stored and as real numbers. */
function run<K extends OpName>(
  op: K,
  attrs: OpAttrs[K],
  inputs: Input[],
  quant: QuantParams,
): { stored: number[]; real: number[] } {
  const b = new GraphBuilder('one');
  const ids = inputs.map(({ shape: [t, f, c], quant }, i) => b.input(`x${i}`, { t, f, c }, { quant }));
  const y = b.node(op, ids, attrs, 'node', quant);
  b.output(y, 'y');
  const { nodes, tensors } = b.build();
  const of = intOps[op] as unknown as IntOp<OpName>;
  const out = tensors[y] as (typeof tensors)[number];
  const params = of.prepare(
    nodes[0] as never,
    ids.map((id) => tensors[id] as (typeof tensors)[number]),
    out,
  );
  const xs = inputs.map(({ shape: [t, f, c], quant, data }) => ({
    shape: { t, f, c },
    data: quant.type === 'int16' ? Int16Array.from(data) : Int8Array.from(data),
  }));
  const stored = [...of.run(params as never, xs, out.shape)];
  return { stored, real: stored.map((q) => quant.scale * (q - quant.zeroPoint)) };
}
const real = ({ data, quant }: Input): number[] => data.map((q) => quant.scale * (q - quant.zeroPoint));
const near = (got: number[], wanted: number[], step: number, about: string) => {
  assert.is(got.length, wanted.length, about);
  for (const [i, x] of wanted.entries())
    assert.ok(Math.abs((got[i] as number) - x) <= step, `${about}, ${i}: ${got[i]} for ${x}`);
};
const every = Array.from({ length: 256 }, (_, i) => i - 128);
const q = (scale: number, zeroPoint: number): QuantParams => ({ scale: Math.fround(scale), zeroPoint });

test('add and mul use the zero point of each operand', () => {
  const a: Input = { shape: [256, 1, 1], quant: q(0.02, 100), data: every };
  const b: Input = { shape: [256, 1, 1], quant: q(0.03, -90), data: [...every].reverse() };
  const y = q(0.08, -20);
  near(
    run('add', { clamp: noClamp }, [a, b], y).real,
    real(a).map((x, i) => x + (real(b)[i] as number)),
    0.08,
    'add',
  );
  const z = q(0.2, 10);
  const clipped = real(a).map((x, i) => Math.max(0.2 * -138, Math.min(0.2 * 117, x * (real(b)[i] as number))));
  near(run('mul', { clamp: noClamp }, [a, b], z).real, clipped, 0.2, 'mul');
});

test('add keeps as many extra bits as TensorFlow Lite: 20 for int8, 15 for int16', () => {
  const extra = (type?: 'int16') => {
    const b = new GraphBuilder('add');
    const quant: QuantParams = { scale: 0.1, zeroPoint: 0, ...(type && { type }) };
    const x = b.input('x', { t: 1, f: 1, c: 1 }, { quant });
    const y = b.node('add', [x, x], { clamp: noClamp }, 'add', quant);
    b.output(y, 'y');
    const { nodes, tensors } = b.build();
    const t = tensors[x] as (typeof tensors)[number];
    return add.prepare(nodes[0] as never, [t, t], tensors[y] as typeof t).extra;
  };
  assert.equal([extra(), extra('int16')], [20, 15]);
});

test('means round halves away from zero, and padding counts as the zero point', () => {
  for (const [sum, count, mean] of [[1, 2, 1], [-1, 2, -1], [3, 2, 2], [-3, 2, -2], [-2, 4, -1], [-1, 3, 0], [-5, 3, -2], [5, 3, 2]] as const) assert.is(roundedMean(sum, count), mean, `${sum} / ${count}`); // biome-ignore format: a table
  const x: Input = { shape: [3, 1, 1], quant: q(0.1, 90), data: [100, -20, 60] };
  const pool = { kernelT: 3, kernelF: 1, strideT: 1, strideF: 1, padT: [1, 1], padF: [0, 0], clamp: noClamp } as const;
  const [a, b, c] = real(x) as [number, number, number];
  near(
    run('avgpool', { ...pool, countIncludePad: true }, [x], x.quant).real,
    [(a + b) / 3, (a + b + c) / 3, (b + c) / 3],
    0.051,
    'counted',
  );
  near(
    run('avgpool', { ...pool, countIncludePad: false }, [x], x.quant).real,
    [(a + b) / 2, (a + b + c) / 3, (b + c) / 2],
    0.051,
    'not counted',
  );
});

test('a mean over the window subtracts the zero point once per value', () => {
  const x: Input = { shape: [7, 1, 2], quant: q(0.1, 57), data: Array.from({ length: 14 }, (_, i) => 9 * i - 60) };
  const wanted = [0, 1].map((c) => real(x).filter((_, i) => i % 2 === c).reduce((s, v) => s + v, 0) / 7); // biome-ignore format: one line
  near(run('globalavg', { overF: false, rule: 'mean', clamp: noClamp }, [x], q(0.09, -100)).real, wanted.map((v) => Math.max(0.09 * -28, v)), 0.09, 'mean'); // biome-ignore format: one line
});

test('in a grouped convolution the first outputs read the first channels', () => {
  const x: Input = { shape: [1, 1, 4], quant: q(1, 0), data: [1, 2, 30, 40] };
  const weights = { data: new Int8Array(8).fill(1), scales: Float64Array.of(1), scaleRule: 'per-channel' as const };
  const attrs = { ...kernelOfOne, groups: 2, outChannels: 4, weights, bias: null, clamp: noClamp };
  assert.equal(run('conv', attrs, [x], q(1, 0)).stored, [3, 3, 70, 70]);
});

test('sums over int16 may exceed 32 bits, and multipliers and counts stay within their limits', () => {
  const n = 800;
  const x: Input = { shape: [1, 1, n], quant: { scale: 1 / 32768, zeroPoint: 0, type: 'int16' }, data: new Array(n).fill(32767) };
  const weights = { data: new Int8Array(n).fill(127), scales: Float64Array.of(1 / 127), scaleRule: 'per-channel' as const };
  const { real: found } = run('dense', { units: 1, weights, bias: null, clamp: noClamp }, [x], q(10, -50));
  near(found, [n], 10, 'a sum of 3.3 x 10^9');
  for (const value of [1 - 2 ** -31, 1 - 2 ** -16, 0.99999, 0.5, 3.9999999]) {
    const { multiplier, shift } = wideMultiplier(value);
    assert.ok(multiplier > 0 && multiplier <= 0x7fff, `${value}: ${multiplier}`);
    assert.ok(Math.abs(multiplier / 2 ** shift - value) <= value * 2 ** -14, `${value}`);
  }
  const types = { x: 'int16', y: 'int16' } as const;
  checkCount(types, 65535, 'n');
  checkProducts(33025, 'n');
  for (const tooMany of [() => checkCount(types, 65536, 'n'), () => checkProducts(33026, 'n')])
    assert.throws(tooMany, (e: unknown) => isRunletError(e) && e.code === 'RN442');
  assert.is(quantiseSignal(Float32Array.of(-1e6, 1e6, 0), q(0.1, 3)).join(), '-128,127,3');
});

test('a fused clamp is rounded to the nearest integer', () => {
  for (const scale of [0.0235, 0.031, 0.0601])
    for (const zero of [-128, 0, 11]) {
      const { min, max } = rangeOf([-0.7, 1.1], q(scale, zero));
      const wanted = (x: number) => Math.max(-128, Math.min(127, Math.round(x / Math.fround(scale)) + zero));
      assert.equal([min, max], [wanted(-0.7), wanted(1.1)], `${scale} ${zero}`);
    }
});

const meaning: Record<string, (x: number) => number> = {
  hardswish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  'leakyrelu 0.3': (x) => (x < 0 ? 0.3 * x : x),
  'leakyrelu -0.5': (x) => (x < 0 ? -0.5 * x : x),
  'leakyrelu 1.5': (x) => (x < 0 ? 1.5 * x : x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

test('activations compute their function for every value, with narrow and wide inputs', () => {
  for (const [name, of] of Object.entries(meaning)) {
    const [fn, alpha] = name.split(' ') as [ActivationAttrs['fn'], string?];
    for (const x of [q(0.004, 0), q(0.02, -50), q(0.06, 10), q(0.2, -128)]) {
      const input: Input = { shape: [256, 1, 1], quant: x, data: every };
      const wanted = real(input).map(of);
      const reach = Math.max(...wanted.map(Math.abs));
      const y = fn === 'sigmoid' ? q(1 / 256, -128) : fn === 'tanh' ? q(1 / 128, 0) : q(reach / 100, 0);
      const attrs = { fn, clamp: noClamp, ...(alpha && { alpha: Number(alpha) }) } as ActivationAttrs;
      const [low, high] = [y.scale * (-128 - y.zeroPoint), y.scale * (127 - y.zeroPoint)];
      // hardswish rounds three times in 16 bits
      const steps = fn === 'hardswish' ? 2 : 1;
      near(run('activation', attrs, [input], y).real, wanted.map((v) => Math.max(low, Math.min(high, v))), steps * y.scale, `${name}, input scale ${x.scale}`); // biome-ignore format: one line
    }
  }
});

test('softmax has the exp of every difference of int8 values', () => {
  const b = new GraphBuilder('softmax');
  const x = b.input('x', { t: 1, f: 1, c: 4 }, { quant: q(0.11, 0) });
  b.output(b.node('softmax', [x], { beta: 1 }, 's', q(1 / 256, -128)), 'y');
  const { nodes, tensors } = b.build();
  const { exp } = softmax.prepare(nodes[0] as never, [tensors[0] as never], tensors[1] as never);
  for (let d = 0; d < 256; d++) {
    const wanted = Math.exp(-d * Math.fround(0.11)) * 2 ** 31;
    // Q5.26 differences: an ulp is 2^-26 of the exponent
    assert.ok(Math.abs((exp[d] as number) - wanted) <= 1e-6 * wanted + 64, `${d}: ${exp[d]} for ${wanted}`);
  }
});

test("after rounding weights together, rounding any single weight the other way does not reduce the output's error", () => {
  const rnd = random(11);
  let moved = 0;
  for (let run = 0; run < 300; run++) {
    const n = 2 + (run % 7);
    const rows = Array.from({ length: n + 2 }, () => Float64Array.from({ length: n }, () => rnd() - 0.3));
    const covariance = new Float64Array(n * n);
    for (const x of rows) for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) covariance[i * n + k] = (covariance[i * n + k] as number) + (x[i] as number) * (x[k] as number); // biome-ignore format: one line
    const scale = 0.25;
    const w = Float64Array.from({ length: n }, () => 8 * rnd() - 4);
    const q = roundTogether(w, covariance, scale);
    let trace = 0;
    for (let k = 0; k < n; k++) trace += covariance[k * n + k] as number;
    // the objective with a damped diagonal: 1 % of the mean is added
    const damped = covariance.map((v, at) => v + (at % (n + 1) === 0 ? (0.01 * trace) / n : 0));
    const found = outputError(w, q, damped, scale);
    for (let k = 0; k < n; k++) {
      const exact = (w[k] as number) / scale;
      if (q[k] !== Math.round(exact)) moved++;
      const other = q.slice();
      other[k] = q[k] === Math.floor(exact) ? Math.ceil(exact) : Math.floor(exact);
      assert.ok(outputError(w, other, damped, scale) >= found - 1e-9, `run ${run}, weight ${k} of ${n}`);
    }
  }
  assert.ok(moved > 50, `${moved} weights were not rounded to the nearest`);
});

test('the answer of an output: the first of equals, of one value whether it is above a half, and an index as it is', () => {
  const two = { names: ['no', 'yes'] };
  const three = { names: ['a', 'b', 'c'] };
  assert.equal([[0.5], [0.51], [0.2], [-1], [7]].map((y) => answerOf(Float32Array.from(y), two)), [0, 1, 0, 0, 1]); // biome-ignore format: one line
  assert.equal([[1, 1, 0], [0, 1, 1], [-2, -3, -2], [0, 0, 3]].map((y) => answerOf(Float32Array.from(y), three)), [0, 1, 0, 2]); // biome-ignore format: one line
  assert.equal(
    [[0], [1], [2], [3]].map((y) => answerOf(Float32Array.from(y), three)),
    [0, 1, 2, 2],
  );
  // a second output does not take part
  assert.is(answerOf(Float32Array.of(2, 9, 9, 9), { ...three, elements: 1 }), 2);
});

test.run();
