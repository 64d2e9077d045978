/** The front end's integer functions against what they stand for, at the edges of their ranges. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logTable } from '../../models/frontend/log-table.ts';
import { logarithm, root, shiftedProduct, shrink } from '../../quant/frontend/integers.ts';

test('root: the nearest whole number, and 65535 is not rounded up where the C code has 32 bits', () => {
  for (const x of [0, 1, 2, 3, 6, 7, 12, 13, 2 ** 31, 2 ** 40, 2 ** 47 + 12345])
    assert.is(root(x), Math.round(Math.sqrt(x)), `${x}`);
  assert.is(root(2 ** 32 - 1), 65535);
  assert.is(root(65535 * 65536 + 65535), 65535);
  // of 64 bits it is rounded
  assert.is(root(65536 * 65536 + 65537), 65537);
});

test('shrink: x^2 / 4 below 2, x - 1 from there, 12 bits of fraction in and 6 out, one curve', () => {
  for (let x = 0; x < 40000; x += 7) {
    const real = x / 4096;
    const wanted = 64 * (real < 2 ? real ** 2 / 4 : real - 1);
    assert.ok(Math.abs(shrink(x) - wanted) <= 1, `${x}: ${shrink(x)} for ${wanted}`);
    if (x > 0) assert.ok(shrink(x) >= shrink(x - 7));
  }
});

test('logarithm: within a step of scale * ln(x), and in the mean no lower', () => {
  const table = logTable();
  let sum = 0;
  let count = 0;
  for (let x = 2; x < 2 ** 31; x = Math.ceil(1.37 * x)) {
    const off = logarithm(x, 64, table) - 64 * Math.log(x);
    assert.ok(Math.abs(off) <= 0.6, `${x}: off by ${off}`);
    sum += off;
    count++;
  }
  assert.ok(Math.abs(sum / count) < 0.25, `${sum / count} in the mean: rounded to the nearest`);
});

test('products keep their low 32 bits, beyond 2^53 as well', () => {
  for (const [a, b, shift] of [
    [2 ** 32 - 1, 2 ** 32 - 1, 14],
    [2 ** 31 + 5, 2 ** 30 + 7, 3],
    [12345, 6789, 4],
  ] as const)
    assert.is(shiftedProduct(a, b, shift), Number(BigInt.asUintN(32, (BigInt(a) * BigInt(b)) >> BigInt(shift))));
});

test('the table of the logarithm: 129 values, 0 at both ends, and the largest where the chord is farthest', () => {
  const table = logTable();
  assert.equal([table.length, table[0], table[128], table[64]], [129, 0, 0, Math.round(65536 * (Math.log2(1.5) - 0.5))]);
  assert.is(table.indexOf(Math.max(...table)), 57);
});

test.run();
