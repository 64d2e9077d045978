/**
 * Converts IEEE 754 binary16 to a number; model files and .npy files hold such values.
 *
 * In: 16 bits as an unsigned integer.  Out: the value, exact.  Source: IEEE 754-2019, section 3.4.
 */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
