/**
 * conv and dense where the input, the output or both are int16.
 *
 * In: x [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y [...][y_f][y_c].  Weights as conv.ts:
 * [o][kt][kf][c / groups].  Padded taps are skipped.  Exact: quant/ops/conv.ts, quant/ops/dense.ts.  Cost:
 * one multiply-add per tap, eight taps per instruction with SIMD128; the same kernel for all targets.
 */
import { end_tap, first_tap } from "./fixed-point";
import { dot_int16, finish_int16 } from "./int16";
import { PlainBlock } from "./mac";

function conv_int16<TX, TY>(p: PlainBlock, first: i32, rows: i32): void {
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_t = p.kernel_t;
  const kernel_f = p.kernel_f;
  const dilation_t = p.dilation_t;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = p.x_zero;
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1; // the taps of one row are adjacent
  let y = p.y + first * p.y_f * y_c * <i32>sizeof<TY>();
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      const all = beside_f && dilation_t == 1 && kernel_f == x_f && kf1 - kf0 == x_f; // the taps of all rows are adjacent
      for (let o: i32 = 0; o < y_c; o++) {
        const w = p.weights + o * kernel_t * kernel_f * per; // s8 [kernel_t][kernel_f][per]
        // TX [x_rows][x_f][x_c], from the group's first channel
        const group = p.x + (o / out_per) * per * <i32>sizeof<TX>();
        let acc: i64 = 0;
        if (all) {
          if (kt1 > kt0) {
            const from = group + (t0 + kt0) * x_f * x_c * <i32>sizeof<TX>();
            acc = dot_int16<TX>(from, w + kt0 * kernel_f * per, (kt1 - kt0) * kernel_f * per, zero);
          }
        } else {
          const runs = beside_f ? min(1, kf1 - kf0) : kf1 - kf0;
          const taps = beside_f ? (kf1 - kf0) * per : per;
          for (let kt = kt0; kt < kt1; kt++) {
            for (let k: i32 = 0; k < runs; k++) {
              const at = ((t0 + kt * dilation_t) * x_f + f0 + (kf0 + k) * dilation_f) * x_c;
              acc += dot_int16<TX>(group + at * <i32>sizeof<TX>(), w + (kt * kernel_f + kf0 + k) * per, taps, zero);
            }
          }
        }
        finish_int16<TY>(p, y, o, acc);
        y += sizeof<TY>();
      }
    }
  }
}

export function conv_s16(p: PlainBlock, first: i32, rows: i32): void {
  conv_int16<i16, i16>(p, first, rows);
}

export function conv_s16_s8(p: PlainBlock, first: i32, rows: i32): void {
  conv_int16<i16, i8>(p, first, rows);
}

export function conv_s8_s16(p: PlainBlock, first: i32, rows: i32): void {
  conv_int16<i8, i16>(p, first, rows);
}

function dense_int16<TX, TY>(p: PlainBlock): void {
  const n = p.per;
  let y = p.y;
  let w = p.weights;
  for (let o: i32 = 0; o < p.y_c; o++) {
    finish_int16<TY>(p, y, o, dot_int16<TX>(p.x, w, n, p.x_zero));
    y += sizeof<TY>();
    w += n;
  }
}

export function dense_s16(p: PlainBlock): void {
  dense_int16<i16, i16>(p);
}

export function dense_s16_s8(p: PlainBlock): void {
  dense_int16<i16, i8>(p);
}

export function dense_s8_s16(p: PlainBlock): void {
  dense_int16<i8, i16>(p);
}
