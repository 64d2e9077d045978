/**
 * The rounding rule in TypeScript and in AssemblyScript against a BigInt oracle.
 *
 * In: edge values and random ones.  Out: 0 differences between quant/fixed-point.ts,
 * assembly/kernels/fixed-point.ts and the definition. x << shift wraps to int32 on every side. Not tested: a
 * = b = -2^31, which kernels never pass.
 */
import { instantiateSync } from '@assemblyscript/loader';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../assembly/emit/compile.ts';
import { clampInt, frexp, mulHigh, quantizeMultiplier, requantise, roundingShift } from '../../quant/fixed-point.ts';
import { random } from '../property/random-network.ts';

const count = 100_000;
const [lowest, highest] = [-(2 ** 31), 2 ** 31 - 1];
const rnd = random(0x5eed);
const int = (min: number, max: number) => min + Math.floor(rnd() * (max - min + 1));
const pick = (items: number[]): number => items[int(0, items.length - 1)] as number;

const edges = [
  lowest,
  lowest + 1,
  -(2 ** 30),
  -65537,
  -65536,
  -32768,
  -129,
  -128,
  -2,
  -1,
  0,
  1,
  2,
  127,
  128,
  32768,
  65535,
  65536,
];
const values = [...edges, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 1, highest - 1, highest];
const multipliers = [0, 1, 2 ** 30, 2 ** 30 + 1, 1518500250, highest - 1, highest];
/** Returns a random int32: uniform, of any magnitude, or an edge value. */
function anyInt32(): number {
  const kind = int(0, 3);
  if (kind === 0) return pick(values);
  return kind === 1 ? int(lowest, highest) : int(lowest, highest) >> int(0, 31);
}

interface Harness extends Record<string, unknown> {
  mul_high(a: number, b: number): number;
  rounding_shift(x: number, exponent: number): number;
  requantise(x: number, multiplier: number, shift: number): number;
  clamp(x: number, low: number, high: number): number;
  first_tap(start: number, dilation: number): number;
  end_tap(start: number, dilation: number, length: number, kernel: number): number;
}

const source = `import * as F from "./kernels/fixed-point";
export { __heap_base, __data_end };
export function mul_high(a: i32, b: i32): i32 { return F.mul_high(a, b); }
export function rounding_shift(x: i32, exponent: i32): i32 { return F.rounding_shift(x, exponent); }
export function requantise(x: i32, multiplier: i32, shift: i32): i32 { return F.requantise(x, multiplier, shift); }
export function clamp(x: i32, low: i32, high: i32): i32 { return F.clamp(x, low, high); }
export function first_tap(start: i32, dilation: i32): i32 { return F.first_tap(start, dilation); }
export function end_tap(start: i32, dilation: i32, length: i32, kernel: i32): i32 { return F.end_tap(start, dilation, length, kernel); }
`;
const kernel = instantiateSync<Harness>(
  (await compile({ 'module.ts': source }, 0, 'interp')) as BufferSource & Uint8Array,
).exports;

/** Returns floor((a * b + 2^30) / 2^31). */
const oracleHigh = (a: number, b: number): number => Number((BigInt(a) * BigInt(b) + (1n << 30n)) >> 31n);

/** Returns x / 2^exponent, rounded with halves away from zero. */
function oracleShift(x: number, exponent: number): number {
  const half = exponent === 0 ? 0n : 1n << BigInt(exponent - 1);
  const magnitude = (BigInt(Math.abs(x)) + half) >> BigInt(exponent);
  return Number(x < 0 ? -magnitude : magnitude);
}

const oracleRequantise = (x: number, m: number, shift: number): number =>
  shift > 0 ? oracleHigh(Number(BigInt.asIntN(32, BigInt(x) << BigInt(shift))), m) : oracleShift(oracleHigh(x, m), -shift);

let compared = 0;
/** Compares TypeScript and AssemblyScript with the oracle; 0 and -0 are equal. */
function agree(what: string, wanted: number, ...got: number[]): void {
  compared++;
  if (got.some((value) => value + 0 !== wanted + 0)) throw new Error(`${what}: ${got.join(' and ')}, ${wanted} is right`);
}

test('mulHigh equals the oracle for edge and random values', () => {
  const check = (a: number, b: number) => {
    if (a === lowest && b === lowest) return;
    agree(`mulHigh(${a}, ${b})`, oracleHigh(a, b), mulHigh(a, b), kernel.mul_high(a, b));
  };
  for (const a of values) for (const b of [...values, ...multipliers]) check(a, b);
  for (let i = 0; i < count; i++) check(anyInt32(), anyInt32());
  assert.is(mulHigh(lowest, lowest), highest); // saturates, only in TypeScript
});

test('roundingShift equals the oracle for edge and random values with exponents 0..31', () => {
  const check = (x: number, e: number) =>
    agree(`roundingShift(${x}, ${e})`, oracleShift(x, e), roundingShift(x, e), kernel.rounding_shift(x, e));
  for (let e = 0; e <= 31; e++) {
    for (const x of values) check(x, e);
    const half = e === 0 ? 0 : 2 ** (e - 1);
    for (const x of [half - 1, half, half + 1, 3 * half]) for (const sign of [-1, 1]) if (x <= highest) check(sign * x, e);
  }
  for (let i = 0; i < count; i++) check(anyInt32(), int(0, 31));
});

test('requantise equals the oracle for edge and random values with shifts -31..30', () => {
  const check = (x: number, m: number, s: number) =>
    agree(`requantise(${x}, ${m}, ${s})`, oracleRequantise(x, m, s), requantise(x, m, s), kernel.requantise(x, m, s));
  for (let s = -31; s <= 30; s++) for (const x of values) for (const m of multipliers) check(x, m, s);
  for (let i = 0; i < count; i++) check(anyInt32(), rnd() < 0.2 ? pick(multipliers) : int(2 ** 30, highest), int(-31, 30));
});

test('clamp limits to both ends, for random values', () => {
  for (let i = 0; i < count / 10; i++) {
    const [x, low, high] = [anyInt32(), int(-128, 127), int(-128, 127)];
    if (low > high) continue;
    agree(`clamp(${x}, ${low}, ${high})`, x < low ? low : Math.min(x, high), clampInt(x, low, high), kernel.clamp(x, low, high));
  }
});

test('first_tap and end_tap enclose exactly the taps inside the input', () => {
  for (let dilation = 1; dilation <= 4; dilation++) {
    for (let length = 1; length <= 9; length++) {
      for (let taps = 1; taps <= 5; taps++) {
        for (let start = -20; start <= 12; start++) {
          const inside = Array.from({ length: taps }, (_, k) => start + k * dilation).map((at) => at >= 0 && at < length);
          const first = kernel.first_tap(start, dilation);
          const end = kernel.end_tap(start, dilation, length, taps);
          const got = inside.map((_, k) => k >= first && k < end);
          assert.equal(got, inside, `start ${start}, dilation ${dilation}, length ${length}, kernel ${taps}`);
          compared++;
        }
      }
    }
  }
});

test('quantizeMultiplier is normalised and within 2^-31 of the real number', () => {
  for (let i = 0; i < count; i++) {
    const real = (0.5 + rnd() / 2) * 2 ** int(-30, 30);
    const { multiplier, shift } = quantizeMultiplier(real);
    const { fraction, exponent } = frexp(real);
    assert.ok(multiplier >= 2 ** 30 && multiplier <= highest && fraction >= 0.5 && fraction < 1);
    assert.is(fraction * 2 ** exponent, real);
    assert.ok(Math.abs((multiplier * 2 ** (shift - 31)) / real - 1) <= 2 ** -31, `${real}`);
    compared++;
  }
  for (let e = -31; e < 30; e++) assert.equal(quantizeMultiplier(2 ** e), { multiplier: 2 ** 30, shift: e + 1 }, `2^${e}`);
  for (const real of [2 ** 30, Number.POSITIVE_INFINITY, Number.NaN, -1]) assert.throws(() => quantizeMultiplier(real), /RN402/);
  assert.equal(quantizeMultiplier(0), { multiplier: 0, shift: 0 });
  assert.equal(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 });
  assert.equal(quantizeMultiplier(1 - 2 ** -40), { multiplier: 2 ** 30, shift: 1 });
});

test('negative control: rounding once instead of twice gives other values', () => {
  const once = (x: number, m: number, shift: number): number => {
    const by = BigInt(31 - shift);
    return Number((BigInt(x) * BigInt(m) + (1n << (by - 1n))) >> by);
  };
  let different = 0;
  for (let i = 0; i < count / 10; i++) {
    const [x, m, shift] = [int(-(2 ** 20), 2 ** 20), int(2 ** 30, highest), -int(1, 10)];
    if (once(x, m, shift) !== kernel.requantise(x, m, shift)) different++;
  }
  assert.ok(different > 0);
  assert.throws(() => agree('off by one', oracleHigh(5, 2 ** 30), kernel.mul_high(5, 2 ** 30) + 1), /is right/);
});

test('more than 300,000 values were compared', () => {
  console.log(`  ${compared} values of fixed-point arithmetic compared, 0 differ`);
  assert.ok(compared > 3 * count);
});

test.run();
