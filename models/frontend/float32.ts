/**
 * float32 arithmetic as C computes it on usual machines: every operation rounds to float32.
 *
 * Out: float32 values: the double result, rounded once. C libraries round cosf and powf in the same way,
 * except for rare cases near a half, and log1pf only since glibc 2.41. `classicLog1p` is the function of
 * newlib (ESP32), musl and older glibc. Both give the same filter weights, except for about one in 400, which
 * differs by 1 / 4096.
 */
export const f32 = Math.fround;

const view = new DataView(new ArrayBuffer(4));
const bitsOf = (x: number): number => {
  view.setFloat32(0, x);
  return view.getInt32(0);
};
const ofBits = (bits: number): number => {
  view.setInt32(0, bits);
  return view.getFloat32(0);
};

/** Returns ln(1 + x), rounded to float32. */
export const roundedLog1p = (x: number): number => f32(Math.log1p(x));

/** ln 2 in two parts, the first with trailing zeros; coefficients of (ln(1+f) - ln(1-f)) / f - 2 in f^2. */
const ln2 = [0x3f317180, 0x3717f7d1].map(ofBits) as [number, number];
const coefficients = [0x3f2aaaab, 0x3ecccccd, 0x3e924925, 0x3e638e29, 0x3e3a3325, 0x3e1cd04f, 0x3e178897].map(ofBits);

/**
 * Returns ln(1 + x) in float32, for x from 0 on. 1 + x = 2^k (1 + f) with 1 + f between sqrt(1/2) and
 * sqrt(2); ln(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s^2)), s = f / (2 + f). Source: the algorithm of
 * FreeBSD's s_log1pf.c (Sun Microsystems, 1993).
 */
export function classicLog1p(x: number): number {
  if (x < 2 ** -29) return x;
  let [k, f, correction] = [0, x, 0];
  let mantissa = 1; // 0 if f is below 2^-20
  if (bitsOf(x) >= 0x3ed413d7) {
    const u = f32(1 + x);
    k = (bitsOf(u) >> 23) - 127;
    correction = f32((k > 0 ? f32(1 - f32(u - x)) : f32(x - f32(u - 1))) / u);
    mantissa = bitsOf(u) & 0x7fffff;
    if (mantissa < 0x3504f7) f = f32(ofBits(mantissa | 0x3f800000) - 1);
    else {
      k++;
      f = f32(ofBits(mantissa | 0x3f000000) - 1);
      mantissa = (0x800000 - mantissa) >> 2;
    }
  }
  const halfSquare = f32(f32(0.5 * f) * f);
  const low = f32(f32(k * ln2[1]) + correction);
  const high = f32(k * ln2[0]);
  if (mantissa === 0) {
    const rest = f32(halfSquare * f32(1 - f32(f32(2 / 3) * f)));
    if (f === 0) return f32(high + f32(correction + f32(k * ln2[1])));
    return k === 0 ? f32(f - rest) : f32(high - f32(f32(rest - low) - f));
  }
  const s = f32(f / f32(2 + f));
  const z = f32(s * s);
  const rest = f32(z * coefficients.reduceRight((sum, c) => f32(c + f32(z * sum)), 0));
  const inner = f32(s * f32(halfSquare + rest));
  return k === 0 ? f32(f - f32(halfSquare - inner)) : f32(high - f32(f32(halfSquare - f32(inner + low)) - f));
}

/** Converts Hz to mel: 1127 ln(1 + Hz / 700). Source: FreqToMel, filterbank_util.c. */
export const mel = (hz: number, log1p = roundedLog1p): number => f32(1127 * log1p(f32(hz / 700)));

export const power = (base: number, exponent: number): number => f32(base ** exponent);

/** Rounds as Python does: a half goes to the even neighbour. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
