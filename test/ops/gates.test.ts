/** The table of the logistic function: its linear interpolation errs equally in both directions. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gateTable, logistic16 } from '../../quant/ops/gates.ts';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const step = 1 / 24;
/** Largest second derivative of the logistic function. */
const steepest = 1 / (6 * Math.sqrt(3));

test('the error of linear interpolation is at most a sixteenth of the squared step times the second derivative, plus rounding', () => {
  // the next derivative adds less than a hundredth over half a step
  const bound = (65536 * steepest * step ** 2) / 16 + 0.5 + 0.01;
  let [above, below] = [0, 0];
  for (let i = 0; i < 254; i++)
    for (let part = 0; part < 1; part += 1 / 16) {
      const line = (gateTable[i] as number) * (1 - part) + (gateTable[i + 1] as number) * part;
      const off = line - 65536 * logistic((i + part) * step);
      above = Math.max(above, off);
      below = Math.max(below, -off);
    }
  assert.ok(above <= bound, `${above} above, and ${bound} are allowed`);
  assert.ok(below <= bound, `${below} below`);
});

test('logistic16 of every int16 is within the error of the table and its rounding, and never decreases', () => {
  // values have 15 bits, half of the table's 16, and are rounded once more
  const bound = ((65536 * steepest * step ** 2) / 16 + 0.5 + 0.01) / 2 + 0.5;
  let before = -1;
  for (let x = -32768; x <= 32767; x++) {
    const y = logistic16(x);
    // 32767 is the largest int16, and the last table entry represents 1
    const exact = Math.min(32767, 32768 * logistic(x / 4096));
    assert.ok(Math.abs(y - exact) <= bound, `${x}: ${y}, not ${exact}`);
    assert.ok(y >= before, `${x}: ${y} after ${before}`);
    before = y;
  }
});

test.run();
