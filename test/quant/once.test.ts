/**
 * One rounding in integers equals LiteRT's rounding in doubles: round(sum * real), halves away from zero.
 *
 * RUNLET_ONCE outputs (default 300), RUNLET_SEED (1): every sum next to a step and random ones, also with
 * scales that give exact halves.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { clampInt, isOnce, ONCE, requantise, roundOnce } from '../../quant/fixed-point.ts';
import { lowBits, onceMultipliers } from '../../quant/once.ts';
import { random } from '../property/random-network.ts';

const count = Number(process.env.RUNLET_ONCE ?? 300);
const rnd = random(Number(process.env.RUNLET_SEED ?? 1));

/** Returns std::round of the product, clamped to `steps`. */
function wanted(sum: number, real: number, steps: number): number {
  const product = sum * real;
  const whole = Math.trunc(product);
  const rounded = Math.abs(product - whole) >= 0.5 ? whole + Math.sign(product) : whole;
  return clampInt(rounded, -steps, steps) + 0;
}

function sumsBeside(real: number, largest: number, steps: number): number[] {
  const found = [0, largest, -largest];
  for (let i = 0; i < 400; i++) {
    const step = 1 + Math.floor(rnd() * steps);
    const at = Math.round((step - 0.5) / real) + Math.floor(rnd() * 5) - 2;
    const any = Math.floor((rnd() * 2 - 1) * largest);
    for (const sum of [at, -at, any]) if (Math.abs(sum) <= largest) found.push(sum);
  }
  return found;
}

for (const wide of [false, true]) {
  test(`one rounding equals doubles for ${count} outputs of ${wide ? 'int16' : 'int8'}`, () => {
    const steps = wide ? 65535 : 255;
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const exact = i % 3 === 0;
      const power = 2 ** -Math.floor(1 + rnd() * (wide ? 20 : 14));
      const real = exact ? power : power * (0.5 + rnd());
      const largest = Math.floor(Math.min(2 ** (wide ? 34 : 30), ((0.1 + 2 * rnd()) * steps) / real));
      const options = { reals: Float64Array.of(real), largest: Float64Array.of(largest), steps, wide, where: 'dense' };
      try {
        const { multiplier, shift, low } = onceMultipliers(options);
        const [m, s] = [multiplier[0] as number, shift[0] as number];
        assert.ok(isOnce(s) && s <= 127 && m >= 0);
        for (const sum of sumsBeside(real, largest, steps)) {
          const got = low ? roundOnce(sum, m * 2 ** lowBits + (low[0] as number), s - ONCE + lowBits) : requantise(sum, m, s);
          assert.is(clampInt(got, -steps, steps), wanted(sum, real, steps), `${sum} * ${real}, up to ${largest}`);
        }
      } catch (error) {
        if (!isRunletError(error) || error.code !== 'RN444') throw error;
        refused++;
      }
    }
    assert.ok(refused <= count / 50, `${refused} of ${count} refused`);
  });
}

test('sums without a defined result are refused with RN444', () => {
  const options = { steps: 255, wide: false, where: 'dense' };
  for (const [real, largest] of [
    [0.5, 2 ** 31],
    [3, 2 ** 29],
  ] as const)
    assert.throws(
      () => onceMultipliers({ ...options, reals: Float64Array.of(real), largest: Float64Array.of(largest) }),
      (e: unknown) => isRunletError(e) && e.code === 'RN444' && e.parts.where === 'dense',
    );
});

test('one rounding rounds halves away from zero', () => {
  const { multiplier, shift } = onceMultipliers({
    reals: Float64Array.of(1 / 256),
    largest: Float64Array.of(2 ** 20),
    steps: 255,
    wide: false,
    where: 'dense',
  });
  const at = (sum: number) => requantise(sum, multiplier[0] as number, shift[0] as number) + 0;
  assert.equal([128, 127, -127, -128, 384, -384].map(at), [1, 0, 0, -1, 2, -2]);
});

test.run();
