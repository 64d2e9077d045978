/**
 * Real FFT in 16-bit fixed point, in place.
 *
 * In: `buffer` s16 [points][2], pairs of samples at the positions that `place` gives.  Out: the spectrum s16
 * [points + 1][2], divided by 2 * points. Radix 2 if the number of bits is odd, then radix 4, then the pass
 * that separates even from odd samples. The first twiddle, 32767 / 32768, is left out: its factors are
 * below half the range, so it would not change them.
 * Source: kissfft (kiss_fft.c, kiss_fftr.c, FIXED_POINT 16).  Exact: quant/frontend/fft.ts, which recurses as
 * kissfft does.
 */

/** floor(32767 / 2) and floor(32767 / 4): a pass divides by its radix. */
const HALF: i32 = 16383;
const QUARTER: i32 = 8191;

// @ts-ignore: decorator
@inline
function round15(x: i32): i32 {
  return (x + 0x4000) >> 15;
}

/**
 * Returns the position of complex sample `index`: its digits in base 4 reversed, where the highest one has
 * base 2 if the number of bits is odd.
 */
export function place(index: i32, points: i32): i32 {
  let at = 0;
  let left = points;
  while (left > 2) {
    left >>= 2;
    at += (index & 3) * left;
    index >>= 2;
  }
  return left == 2 ? at + index : at;
}

function pairs(buffer: usize, points: i32): void {
  for (let p = buffer; p < buffer + (points << 2); p += 2) {
    const a = round15(load<i16>(p) * HALF);
    const b = round15(load<i16>(p, 4) * HALF);
    store<i16>(p, a + b);
    store<i16>(p, a - b, 4);
    // real part, imaginary part, then skip the partner
    if ((p - buffer) & 2) p += 4;
  }
}

function fours(
  buffer: usize, // s16 [points][2]
  twiddles: usize, // s16 [points][2]
  points: i32,
  m: i32,
): void {
  const stride: usize = points / m; // bytes: points / (4 m) twiddles
  const one: usize = m << 2;
  for (let group = buffer; group < buffer + (points << 2); group += one << 2) {
    let turn: usize = 0;
    for (let p = group; p < group + one; p += 4) {
      const p1 = p + one;
      const p2 = p1 + one;
      const p3 = p2 + one;
      const r0 = round15(load<i16>(p) * QUARTER);
      const i0 = round15(load<i16>(p, 2) * QUARTER);
      let r1 = round15(load<i16>(p1) * QUARTER);
      let i1 = round15(load<i16>(p1, 2) * QUARTER);
      let r2 = round15(load<i16>(p2) * QUARTER);
      let i2 = round15(load<i16>(p2, 2) * QUARTER);
      let r3 = round15(load<i16>(p3) * QUARTER);
      let i3 = round15(load<i16>(p3, 2) * QUARTER);
      if (turn) {
        let t = twiddles + turn;
        let c: i32 = load<i16>(t);
        let s: i32 = load<i16>(t, 2);
        let r = r1;
        r1 = round15(r * c - i1 * s);
        i1 = round15(r * s + i1 * c);
        t += turn;
        c = load<i16>(t);
        s = load<i16>(t, 2);
        r = r2;
        r2 = round15(r * c - i2 * s);
        i2 = round15(r * s + i2 * c);
        t += turn;
        c = load<i16>(t);
        s = load<i16>(t, 2);
        r = r3;
        r3 = round15(r * c - i3 * s);
        i3 = round15(r * s + i3 * c);
      }
      turn += stride;
      const evenR = r0 + r2;
      const evenI = i0 + i2;
      const oddR = r0 - r2;
      const oddI = i0 - i2;
      const sumR = r1 + r3;
      const sumI = i1 + i3;
      const differenceR = r1 - r3;
      const differenceI = i1 - i3;
      store<i16>(p, evenR + sumR);
      store<i16>(p, evenI + sumI, 2);
      store<i16>(p1, oddR + differenceI);
      store<i16>(p1, oddI - differenceR, 2);
      store<i16>(p2, evenR - sumR);
      store<i16>(p2, evenI - sumI, 2);
      store<i16>(p3, oddR - differenceI);
      store<i16>(p3, oddI + differenceR, 2);
    }
  }
}

/** Combines the spectra of even and odd samples, packed as real and imaginary part, to one. */
function separate(
  buffer: usize, // s16 [points + 1][2]
  last: usize, // s16 [points / 2][2]
  points: i32,
): void {
  const even = round15(load<i16>(buffer) * HALF);
  const odd = round15(load<i16>(buffer, 2) * HALF);
  let q = buffer + (points << 2);
  store<i16>(buffer, even + odd);
  store<i16>(buffer, 0, 2);
  store<i16>(q, even - odd);
  store<i16>(q, 0, 2);
  for (let p = buffer + 4; p < q; p += 4) {
    q -= 4;
    const pr = round15(load<i16>(p) * HALF);
    const pi = round15(load<i16>(p, 2) * HALF);
    const qr = round15(load<i16>(q) * HALF);
    const qi = round15(<i32>(<i16>-load<i16>(q, 2)) * HALF);
    const c: i32 = load<i16>(last);
    const s: i32 = load<i16>(last, 2);
    last += 4;
    const r = pr - qr;
    const i = pi - qi;
    const tr = <i32>(<i16>round15(r * c - i * s));
    const ti = <i32>(<i16>round15(r * s + i * c));
    store<i16>(p, (pr + qr + tr) >> 1);
    store<i16>(p, (pi + qi + ti) >> 1, 2);
    store<i16>(q, (pr + qr - tr) >> 1);
    store<i16>(q, (ti - pi - qi) >> 1, 2);
  }
}

export function rfft_s16(
  buffer: usize, // s16 [points + 1][2]
  twiddles: usize, // s16 [points][2]
  last: usize, // s16 [points / 2][2]
  points: i32,
): void {
  let m = 1;
  if (ctz<i32>(points) & 1) {
    pairs(buffer, points);
    m = 2;
  }
  for (; m < points; m <<= 2) fours(buffer, twiddles, points, m);
  separate(buffer, last, points);
}
