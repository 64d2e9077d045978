/** The front end's integer functions against their real-valued definitions, at the ends of their ranges. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logTable } from '../../models/frontend/log-table.ts';
import { logarithm, root, shiftedProduct, shrink } from '../../quant/frontend/integers.ts';

test('root gives the nearest whole number, except that 65535 is not rounded up for 32-bit arguments', () => {
  for (const x of [0, 1, 2, 3, 6, 7, 12, 13, 2 ** 31, 2 ** 40, 2 ** 47 + 12345])
    assert.is(root(x), Math.round(Math.sqrt(x)), `${x}`);
  assert.is(root(2 ** 32 - 1), 65535);
  assert.is(root(65535 * 65536 + 65535), 65535);
  // arguments of more than 32 bits are rounded
  assert.is(root(65536 * 65536 + 65537), 65537);
});

test('shrink is x^2 / 4 below 2 and x - 1 from there, monotonic, with 12 fraction bits in and 6 out', () => {
  for (let x = 0; x < 40000; x += 7) {
    const real = x / 4096;
    const wanted = 64 * (real < 2 ? real ** 2 / 4 : real - 1);
    assert.ok(Math.abs(shrink(x) - wanted) <= 1, `${x}: ${shrink(x)} for ${wanted}`);
    if (x > 0) assert.ok(shrink(x) >= shrink(x - 7));
  }
});

test('logarithm is within a step of scale * ln(x), without a bias', () => {
  const table = logTable();
  let sum = 0;
  let count = 0;
  for (let x = 2; x < 2 ** 31; x = Math.ceil(1.37 * x)) {
    const off = logarithm(x, 64, table) - 64 * Math.log(x);
    assert.ok(Math.abs(off) <= 0.6, `${x}: off by ${off}`);
    sum += off;
    count++;
  }
  assert.ok(Math.abs(sum / count) < 0.25, `${sum / count} mean error of rounding to the nearest`);
});

test('products keep their low 32 bits, also beyond 2^53', () => {
  for (const [a, b, shift] of [
    [2 ** 32 - 1, 2 ** 32 - 1, 14],
    [2 ** 31 + 5, 2 ** 30 + 7, 3],
    [12345, 6789, 4],
  ] as const)
    assert.is(shiftedProduct(a, b, shift), Number(BigInt.asUintN(32, (BigInt(a) * BigInt(b)) >> BigInt(shift))));
});

test('the table of the logarithm has 129 values, 0 at both ends and its largest value at the largest distance from the chord', () => {
  const table = logTable();
  assert.equal([table.length, table[0], table[128], table[64]], [129, 0, 0, Math.round(65536 * (Math.log2(1.5) - 0.5))]);
  assert.is(table.indexOf(Math.max(...table)), 57);
});

test.run();
