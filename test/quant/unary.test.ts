/**
 * Functions of one value in int8: tables hold integers for all scales and inputs, messages name the domain,
 * and int16 is refused.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type ActivationAttrs, type Graph, noClamp, type QuantParams, type Tensor } from '../../models/graph/types.ts';
import { type ActivationFn, unaryFns, unaryOf } from '../../models/ops/unary.ts';
import { activation } from '../../quant/ops/activation.ts';
import { entryOf } from '../../quant/ops/tables.ts';
import { quantize } from '../../quant/quantize.ts';
import { checkInt16, withRescales } from '../../quant/rescale.ts';

const q = (scale: number, zeroPoint: number): QuantParams => ({ scale: Math.fround(scale), zeroPoint });

function one(fn: ActivationFn, alpha?: number, x?: QuantParams, y?: QuantParams): Graph {
  const b = new GraphBuilder('one');
  const attrs = { fn, clamp: noClamp, ...(alpha !== undefined && { alpha }) };
  const input = b.input('x', { t: 8, f: 1, c: 2 }, x && { quant: x });
  b.output(b.node('activation', [input], attrs, 'f', y), 'y');
  return b.build();
}

function tableOf(fn: ActivationFn, alpha: number | undefined, x: QuantParams, y: QuantParams): Int8Array {
  const { nodes, tensors } = one(fn, alpha, x, y);
  const params = activation.prepare(nodes[0] as never, [tensors[0] as Tensor], tensors[1] as Tensor);
  assert.is(params.types, undefined);
  return (params as { table: Int8Array }).table;
}

test('no table entry is NaN, and infinities become the ends of the range', () => {
  const alphas: Partial<Record<ActivationFn, number[]>> = {
    pow: [-2, -0.5, 0, 0.3, 2.5, 3],
    celu: [0.1, -1],
    leakyrelu: [-1, 0],
  };
  for (const fn of unaryFns)
    for (const alpha of [undefined, ...(alphas[fn] ?? [])])
      for (const x of [q(1e-6, 0), q(0.05, -128), q(0.05, 3), q(0.05, 127), q(30, -7)])
        for (const y of [q(1e-4, 0), q(0.05, -128), q(4, 100)]) {
          const entry = entryOf({ fn, clamp: noClamp, ...(alpha !== undefined && { alpha }) }, x, y);
          for (let v = -128; v < 128; v++) assert.not.ok(Number.isNaN(entry(v)), `${fn} ${alpha} at ${v}`);
          assert.is(tableOf(fn, alpha, x, y).length, 256);
        }
});

test('outside its domain a function has its value at 0, or the end of the range if that is infinite', () => {
  const x = q(0.05, 0);
  const ends: Partial<Record<ActivationFn, number>> = { log: -128, rsqrt: 127, sqrt: -20 };
  for (const [fn, end] of Object.entries(ends)) {
    const table = tableOf(fn as ActivationFn, undefined, x, q(0.05, -20));
    for (let v = -128; v <= 0; v++) assert.is(table[v + 128], end, `${fn} at ${v}`);
    assert.ok(new Set(table.subarray(129)).size > 20, fn);
  }
  const inverse = tableOf('reciprocal', undefined, x, q(0.2, 10));
  assert.equal([...inverse.subarray(127, 130)], [-90, 127, 110]);
});

const calibrated = (graph: Graph, of: (i: number) => number) =>
  quantize(graph, [Float32Array.from({ length: 2 * 4000 }, (_, i) => of(i))], { hop: 4, preset: 'fast' });

test('every function can be calibrated on finite values', () => {
  for (const fn of unaryFns) {
    const { graph } = calibrated(
      one(fn, fn === 'pow' ? 1.5 : undefined),
      (i) => 0.05 + Math.abs(Math.sin(i)) + 0.3 * Math.sin(i / 7) + 0.3,
    );
    const { fixed } = unaryOf(fn);
    if (fixed) assert.equal(graph.tensors.at(-1)?.quant, fixed, fn);
  }
});

test('a calibration outside the domain is refused with the place, the reason and a remedy', () => {
  for (const fn of ['log', 'sqrt', 'rsqrt'] as const)
    assert.throws(
      () => calibrated(one(fn), (i) => Math.sin(i)),
      (e: unknown) => isRunletError(e) && e.code === 'RN414' && /\(f\)/.test(e.message) && e.message.includes(unaryOf(fn).domain as string) && /clamp/.test(e.message), // biome-ignore format: one line
      fn,
    );
});

test('int16: a function without an int16 form is refused, and --mixed adds rescales around it', () => {
  const wide: QuantParams = { scale: 1e-4, zeroPoint: 0, type: 'int16' };
  for (const fn of ['elu', 'abs', 'gelu'] as const) {
    const graph = one(fn, undefined, wide, q(0.05, 0));
    assert.throws(() => checkInt16(graph), (e: unknown) => isRunletError(e) && e.code === 'RN440'); // biome-ignore format: one line
    const names = withRescales(graph, () => q(0.05, 0)).nodes.map(({ attrs }) => (attrs as ActivationAttrs).fn);
    assert.equal(names, ['identity', fn]);
  }
});

test.run();
