/** Shapes and real values of operators in edge cases: lengths, padding, parts, and refused attributes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { noClamp, type OpAttrs, type OpName, type Shape } from '../../models/graph/types.ts';
import { opOf } from '../../models/ops/index.ts';
import { type OpDef, slidingLength } from '../../models/ops/op.ts';

const shape = (t: number, f: number, c: number): Shape => ({ t, f, c });
const count = ({ t, f, c }: Shape): number => t * f * c;
/** Runs one operator on the values 1, 2, 3, ... */
function run<K extends OpName>(op: K, attrs: OpAttrs[K], ...shapes: Shape[]): { out: Shape; values: number[] } {
  const def = opOf(op) as unknown as OpDef<OpName>;
  const out = def.shape(shapes, attrs as never, 'node');
  let next = 1;
  const xs = shapes.map((s) => ({ shape: s, data: Float32Array.from({ length: count(s) }, () => next++) }));
  return { out, values: [...def.float(xs, attrs as never, out)] };
}
const refused = (run: () => unknown): void => assert.throws(run, (e: unknown) => isRunletError(e) && e.code === 'RN301');

test('a sliding kernel gives as many outputs as windows fit inside', () => {
  for (let length = 1; length < 9; length++)
    for (const [kernel, stride, dilation, before, after] of [
      [1, 1, 1, 0, 0],
      [3, 2, 1, 0, 0],
      [2, 3, 2, 1, 0],
      [3, 1, 3, 2, 2],
      [4, 2, 1, 0, 3],
    ] as const) {
      // biome-ignore format: a table
      let windows = 0;
      for (let at = -before; at + (kernel - 1) * dilation < length + after; at += stride) windows++;
      assert.is(slidingLength(length, kernel, stride, dilation, [before, after]), windows, `${length} ${kernel} ${stride}`);
    }
});

const pool = { kernelT: 3, kernelF: 1, strideT: 1, strideF: 1, padF: [0, 0], clamp: noClamp } as const;

test('pools read only the input, divide by the count inside or by all, and refuse windows that consist only of padding', () => {
  const max = run('maxpool', { ...pool, padT: [0, 2] }, shape(4, 1, 1));
  assert.equal(max.values, [3, 4, 4, 4]);
  assert.equal(run('avgpool', { ...pool, padT: [1, 1] }, shape(4, 1, 1)).values, [1.5, 2, 3, 3.5]);
  const all = run('avgpool', { ...pool, padT: [1, 1], countIncludePad: true }, shape(4, 1, 1)).values;
  assert.equal(all.map((v) => Math.round(3 * v)), [3, 6, 9, 7]); // biome-ignore format: one line
  run('avgpool', { ...pool, padT: [0, 2] }, shape(4, 1, 1));
  refused(() => run('avgpool', { ...pool, padT: [0, 3] }, shape(4, 1, 1)));
  refused(() => run('avgpool', { ...pool, padT: [3, 0] }, shape(4, 1, 1)));
  run('avgpool', { ...pool, padT: [0, 3], countIncludePad: true }, shape(4, 1, 1));
});

test('concat joins channels of every feature row or feature rows of every frame, and refuses other lengths', () => {
  assert.equal(run('concat', { axis: 'c' }, shape(1, 2, 1), shape(1, 2, 2)).values, [1, 3, 4, 2, 5, 6]);
  assert.equal(run('concat', { axis: 'f' }, shape(2, 1, 2), shape(2, 1, 2)).values, [1, 2, 5, 6, 3, 4, 7, 8]);
  refused(() => run('concat', { axis: 'c' }, shape(2, 1, 1), shape(3, 1, 1)));
  refused(() => run('concat', { axis: 'c' }, shape(2, 1, 1), shape(2, 2, 1)));
  refused(() => run('concat', { axis: 'f' }, shape(2, 1, 1), shape(2, 1, 2)));
});

test('a slice has at least one channel or row, and is within the input', () => {
  assert.equal(run('slice', { axis: 'f', from: 1, to: 3 }, shape(1, 3, 2)).values, [3, 4, 5, 6]);
  assert.equal(run('slice', { axis: 'c', from: 1, to: 2 }, shape(2, 2, 2)).values, [2, 4, 6, 8]);
  for (const [from, to] of [[1, 1], [2, 1], [-1, 1], [1, 4]] as const) refused(() => run('slice', { axis: 'f', from, to }, shape(1, 3, 2))); // biome-ignore format: a table
});

test('a history has at least one row', () => {
  assert.equal(run('history', { before: 2, after: -1 }, shape(3, 1, 1)).values, [0, 0, 1, 2]);
  assert.equal(run('history', { before: 0, after: -2 }, shape(3, 1, 1)).values, [1]);
  refused(() => run('history', { before: 0, after: -3 }, shape(3, 1, 1)));
});

test('softmax multiplies its inputs by beta', () => {
  const [a, b] = run('softmax', { beta: 2 }, shape(1, 1, 2)).values as [number, number];
  assert.ok(Math.abs(a + b - 1) < 1e-6 && Math.abs(Math.log(b / a) - 2) < 1e-5, `${a} ${b}`);
});

test.run();
