/**
 * median: the middle value under a sliding kernel in int8.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s8 [...][y_f][x_c].  The middle value
 * is the one that as many are below as above: no memory is needed.  Exact: quant/ops/median.ts.
 */
import { clamp } from "./fixed-point";
import { DILATIONS, FEATURES } from "./needs";
import { PoolBlock } from "./sliding";

export function median_s8(p: PoolBlock, first: i32, rows: i32): void {
  const dilation_t = DILATIONS ? p.dilation_t : 1; // more than 1 where several phases are interleaved
  const x_f = FEATURES ? p.x_f : 1;
  const y_f = FEATURES ? p.y_f : 1;
  const x_c = p.x_c;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const places = p.kernel_t * kernel_f;
  let y = p.y + first * y_f * x_c;
  for (let t = first; t < first + rows; t++) {
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * p.stride_f : 0;
      for (let c: i32 = 0; c < x_c; c++) {
        const from = p.x + (t * p.stride_t * x_f + f0) * x_c + c;
        let middle = 0;
        for (let k: i32 = 0; k < places; k++) {
          const v = <i32>load<i8>(from + ((k / kernel_f) * dilation_t * x_f + (k % kernel_f)) * x_c);
          let below = 0;
          let equal = 0;
          for (let j: i32 = 0; j < places; j++) {
            const w = <i32>load<i8>(from + ((j / kernel_f) * dilation_t * x_f + (j % kernel_f)) * x_c);
            below += i32(w < v);
            equal += i32(w == v);
          }
          const half = places >> 1;
          if (below <= half && below + equal > half) middle = v;
        }
        store<i8>(y++, clamp(middle, p.min, p.max));
      }
    }
  }
}
