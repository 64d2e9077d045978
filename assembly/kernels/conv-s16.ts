/**
 * conv and dense where the input, the output or both are int16.
 *
 * In: X [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y [...][Y_F][Y_C].  Weights as conv.ts: [o][kt][kf][c / groups].  Padded taps are
 * skipped.  Exact: quant/ops/conv.ts, quant/ops/dense.ts.  Cost: one multiply-add a tap, eight taps an instruction with SIMD128; all targets.
 */
import {
  DILATION_F,
  DILATION_T,
  KERNEL_F,
  KERNEL_T,
  PAD_F,
  PAD_T,
  PER,
  STRIDE_F,
  STRIDE_T,
  WEIGHTS,
  X,
  X_C,
  X_F,
  X_ROWS,
  X_ZERO,
  Y,
  Y_C,
  Y_F,
} from "./block";
import { end_tap, first_tap } from "./fixed-point";
import { dot_int16, finish_int16 } from "./int16";

function conv_int16<TX, TY>(p: usize, first: i32, rows: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_t = load<i32>(p, DILATION_T);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1; // the taps of one row are one run
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * y_c * <i32>sizeof<TY>());
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), kernel_t);
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      const all = beside_f && dilation_t == 1 && kernel_f == x_f && kf1 - kf0 == x_f; // so are those of all rows
      for (let o: i32 = 0; o < y_c; o++) {
        const w = <usize>(load<i32>(p, WEIGHTS) + o * kernel_t * kernel_f * per); // s8 [kernel_t][kernel_f][per]
        const group = <usize>(load<i32>(p, X) + (o / out_per) * per * <i32>sizeof<TX>()); // TX [x_rows][x_f][x_c], from the group's first channel
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

export function conv_s16(p: usize, first: i32, rows: i32): void {
  conv_int16<i16, i16>(p, first, rows);
}

export function conv_s16_s8(p: usize, first: i32, rows: i32): void {
  conv_int16<i16, i8>(p, first, rows);
}

export function conv_s8_s16(p: usize, first: i32, rows: i32): void {
  conv_int16<i8, i16>(p, first, rows);
}

function dense_int16<TX, TY>(p: usize): void {
  const n = load<i32>(p, PER);
  let y = <usize>load<i32>(p, Y);
  let w = <usize>load<i32>(p, WEIGHTS);
  for (let o: i32 = 0; o < load<i32>(p, Y_C); o++) {
    finish_int16<TY>(p, y, o, dot_int16<TX>(load<i32>(p, X), w, n, load<i32>(p, X_ZERO)));
    y += sizeof<TY>();
    w += n;
  }
}

export function dense_s16(p: usize): void {
  dense_int16<i16, i16>(p);
}

export function dense_s16_s8(p: usize): void {
  dense_int16<i16, i8>(p);
}

export function dense_s8_s16(p: usize): void {
  dense_int16<i8, i16>(p);
}
