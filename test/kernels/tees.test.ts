/**
 * Replacement of tees in innermost loops by sets and gets: the function stays the same, and no tee remains
 * after an operation that computes a value.
 *
 * In: a function as bytes, and a build for interp.  Out: the replaced module.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { moduleOf } from '../../assembly/emit/patch.ts';
import { withoutTees } from '../../assembly/emit/tees.ts';

/** Returns a module with the function `body` of n: i32; with `sum` it computes n + (n - 1) + ... + 1. */
const moduleWith = (body: number[]): Uint8Array =>
  moduleOf([
    { id: 1, body: Uint8Array.of(1, 0x60, 1, 0x7f, 1, 0x7f) },
    { id: 3, body: Uint8Array.of(1, 0) },
    { id: 7, body: Uint8Array.of(1, 1, 0x66, 0, 0) },
    { id: 10, body: Uint8Array.of(1, body.length, ...body) },
  ]);
// local 1 += local 0; local 0 tee (local 0 - 1); br_if
const loop = [0x03, 0x40, 0x20, 1, 0x20, 0, 0x6a, 0x21, 1, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b];
const sum = [1, 1, 0x7f, ...loop, 0x20, 1, 0x0b];

const call = async (wasm: Uint8Array, n: number): Promise<number> => {
  const { instance } = await WebAssembly.instantiate(wasm as BufferSource);
  return (instance.exports as { f(n: number): number }).f(n);
};

test('a tee becomes a set and a get, and the function computes the same', async () => {
  const before = moduleWith(sum);
  const after = withoutTees(before);
  assert.is(after.length, before.length + 2);
  assert.is(await call(before, 100), 5050);
  assert.is(await call(after, 100), 5050);
  // a second pass changes nothing
  assert.equal(withoutTees(after), after);
});

test('tees outside loops, in outer loops and after a get are kept', async () => {
  const outer = [0x03, 0x40, 0x20, 0, 0x41, 0, 0x6a, 0x22, 0, 0x1a, ...loop, 0x0b];
  const outside = [0x20, 0, 0x41, 0, 0x6a, 0x22, 0, 0x1a];
  const copied = [0x03, 0x40, 0x20, 0, 0x22, 1, 0x1a, 0x0b];
  const body = [1, 1, 0x7f, ...outside, ...copied, 0x41, 0, 0x21, 1, ...outer, 0x20, 1, 0x0b];
  const before = moduleWith(body);
  const after = withoutTees(before);
  assert.is(after.length, before.length + 2);
  assert.is(await call(after, 10), 55);
});

test('a function with an unknown opcode is unchanged', () => {
  const bulk = [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0];
  const module = moduleWith([1, 1, 0x7f, ...loop, ...bulk, 0x20, 1, 0x0b]);
  assert.equal(withoutTees(module), module);
});

test.run();
