/**
 * depthwise where the input, the output or both are int16.
 *
 * In: X [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y [...][Y_F][Y_C], Y_C = X_C * PER; output o reads input channel o / PER.
 * Weights as depthwise.ts: [kt][kf][o].  Padded taps are skipped.  Exact: quant/ops/depthwise.ts.  Cost: one multiply-add a tap; all targets.
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
import { finish_int16 } from "./int16";

function depthwise_int16<TX, TY>(p: usize, first: i32, rows: i32): void {
  const bytes = <i32>sizeof<TX>();
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_t = load<i32>(p, DILATION_T);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = sizeof<TX>() == 2 ? 0 : load<i32>(p, X_ZERO);
  const x_pitch = dilation_t * x_f * x_c * bytes; // from one tap in time to the next
  const w_pitch = kernel_f * y_c;
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * y_c * <i32>sizeof<TY>());
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), load<i32>(p, KERNEL_T));
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      for (let o: i32 = 0; o < y_c; o++) {
        const x = <usize>(load<i32>(p, X) + (per == 1 ? o : o / per) * bytes); // TX [x_rows][x_f][x_c], from this channel
        const w = <usize>(load<i32>(p, WEIGHTS) + o); // s8 [kernel_t][kernel_f][y_c], from this channel
        let acc: i64 = 0;
        for (let kf = kf0; kf < kf1; kf++) {
          let from = x + ((t0 + kt0 * dilation_t) * x_f + f0 + kf * dilation_f) * x_c * bytes;
          let at = w + (kt0 * kernel_f + kf) * y_c;
          for (let kt = kt0; kt < kt1; kt++) {
            // a product has 23 bits
            acc += <i64>(<i32>load<i8>(at) * (<i32>load<TX>(from) - zero));
            from += x_pitch;
            at += w_pitch;
          }
        }
        finish_int16<TY>(p, y, o, acc);
        y += sizeof<TY>();
      }
    }
  }
}

export function depthwise_s16(p: usize, first: i32, rows: i32): void {
  depthwise_int16<i16, i16>(p, first, rows);
}

export function depthwise_s16_s8(p: usize, first: i32, rows: i32): void {
  depthwise_int16<i16, i8>(p, first, rows);
}

export function depthwise_s8_s16(p: usize, first: i32, rows: i32): void {
  depthwise_int16<i8, i16>(p, first, rows);
}
