/**
 * The integer functions of the front end: square root, gain, logarithm, output scale. Values are unsigned 32
 * bits unless stated otherwise; sums wrap.
 *
 * Source: micro front end, filterbank.c (Sqrt64), pcan_gain_control.c (WideDynamicFunction, PcanShrink),
 * log_scale.c (Log); signal/src has the same functions. Bit-exact. The kernels
 * (assembly/kernels/frontend*.ts) implement them in AssemblyScript.
 */
import { logSegments } from '../../models/frontend/log-table.ts';
import type { OutputScale } from '../../models/frontend/types.ts';

export const bitLength = (x: number): number => 32 - Math.clz32(x);

/**
 * Square root of an integer below 2^53, rounded to nearest. A root of 65535 is not rounded up if x is below
 * 2^32. (The C code takes 64 bits; energies of 16-bit sound stay below 2^47, because the FFT divides by its
 * length.)
 */
export function root(x: number): number {
  let r = Math.floor(Math.sqrt(x));
  if (r * r > x) r--;
  const small = x < 2 ** 32;
  return x - r * r > r && !(small && r === 0xffff) ? r + 1 : r;
}

/** The low 32 bits of floor(a * b / 2^shift). */
export function shiftedProduct(a: number, b: number, shift: number): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / 2 ** shift) % 2 ** 32;
  return Number(BigInt.asUintN(32, (BigInt(a) * BigInt(b)) >> BigInt(shift)));
}

/** The gain of x, int16: a parabola for each power of two, from `table` int16 [125] (pcan-table.ts). */
export function wideFunction(x: number, table: Int16Array): number {
  if (x <= 2) return table[x] as number;
  const interval = bitLength(x);
  const at = 4 * interval - 6;
  const fraction = (interval < 11 ? x << (11 - interval) : x >>> (interval - 11)) & 0x3ff;
  const curve = (((table[at + 2] as number) * fraction) >> 5) + ((table[at + 1] as number) << 5);
  const rounded = (Math.imul(curve, fraction) + (1 << 14)) >> 15;
  return ((rounded + (table[at] as number)) << 16) >> 16;
}

/** x^2 / 4 for x below 2, else x - 1; 12 fraction bits in, 6 out. */
export const shrink = (x: number): number => (x < 8192 ? (x * x) >>> 20 : (x >>> 6) - 64);

/** scale * ln(x) for x >= 1. */
export function logarithm(x: number, scale: number, table: Int16Array): number {
  const integer = bitLength(x) - 1;
  const rest = x - 2 ** integer;
  const fraction = integer < 16 ? rest << (16 - integer) : rest >>> (integer - 16);
  const segment = fraction >> 9;
  const [c0, c1] = [table[segment] as number, table[segment + 1] as number];
  const between = ((c1 - c0) * (fraction - (65536 / logSegments) * segment)) >> 16;
  const log2 = integer * 65536 + fraction + c0 + between;
  const ln = Math.floor((45426 * log2 + 32768) / 65536);
  return ((Math.imul(scale, ln) + 32768) >>> 0) >>> 16;
}

/** Converts a feature to int8. */
export function outputOf(feature: number, { multiply, add, divide, offset, low, high }: OutputScale): number {
  const value = Math.trunc((feature * multiply + add) / divide) + offset;
  return Math.min(high, Math.max(low, value));
}
