/**
 * depthwise where the input, the output or both are int16.
 *
 * In: x [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y [...][y_f][y_c], y_c = x_c * per;
 * output o reads input channel o / per. Weights as depthwise.ts: [kt][kf][o].  Padded taps are skipped.
 * Exact: quant/ops/depthwise.ts.  Cost: one multiply-add per tap; the same kernel for all targets.
 */
import { end_tap, first_tap } from "./fixed-point";
import { finish_int16 } from "./int16";
import { PlainBlock } from "./mac";

function depthwise_int16<TX, TY>(p: PlainBlock, first: i32, rows: i32): void {
  const bytes = <i32>sizeof<TX>();
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_f = p.kernel_f;
  const dilation_t = p.dilation_t;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = sizeof<TX>() == 2 ? 0 : p.x_zero;
  const x_pitch = dilation_t * x_f * x_c * bytes; // from one tap in time to the next
  const w_pitch = kernel_f * y_c;
  let y = p.y + first * p.y_f * y_c * <i32>sizeof<TY>();
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, p.kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      for (let o: i32 = 0; o < y_c; o++) {
        const x = p.x + (per == 1 ? o : o / per) * bytes; // TX [x_rows][x_f][x_c], from this channel
        const w = p.weights + o; // s8 [kernel_t][kernel_f][y_c], from this channel
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

export function depthwise_s16(p: PlainBlock, first: i32, rows: i32): void {
  depthwise_int16<i16, i16>(p, first, rows);
}

export function depthwise_s16_s8(p: PlainBlock, first: i32, rows: i32): void {
  depthwise_int16<i16, i8>(p, first, rows);
}

export function depthwise_s8_s16(p: PlainBlock, first: i32, rows: i32): void {
  depthwise_int16<i8, i16>(p, first, rows);
}
