/**
 * conv and dense for compiled code on 32-bit cores: blocks of four outputs that share their inputs.
 *
 * In: adjacent taps (patch.ts).  Out: as conv.ts.  Weights of each group are in blocks: i32 [4], the start
 * values of sums, then s8 [taps][4]; zeros pad the last block and the last four taps. If one or two outputs
 * remain, each of them may have i32 and s8 [taps] instead. A sum starts at the bias, with the input's zero
 * point folded into it.
 * Exact: int32 sums in another order.  Up to three bytes past the taps are read, and multiplied by 0.
 */
import { fetch_tile } from "./fetch";
import { finish_row } from "./finish";
import { FEW_TAPS, last_rows } from "./last-rows";
import { FEATURES, FETCH, GROUPS, LEFT_OVER } from "./needs";
import { TileBlock, taps_s8 } from "./patch";

/** Computes the sums of one position and group. Returns where the following weights begin. */
function row_s8_native(
  sums: usize, // i32 [outputs]
  end: usize, // end of the sums
  x: usize, // s8 [taps]
  w: usize, // [outputs / 4]: i32 [4], s8 [taps][4]
  taps: i32,
): usize {
  const last: usize = LEFT_OVER && taps > FEW_TAPS ? 8 : 0; // bytes of sums outside tiles
  if (!LEFT_OVER || sums + last < end)
    do {
      let a0 = load<i32>(w);
      let a1 = load<i32>(w, 4);
      let a2 = load<i32>(w, 8);
      let a3 = load<i32>(w, 12);
      w += 16;
      let from = x;
      let i = (taps + 3) >> 2;
      do {
        let v = <i32>load<i8>(from);
        a0 += <i32>load<i8>(w) * v;
        a1 += <i32>load<i8>(w, 1) * v;
        a2 += <i32>load<i8>(w, 2) * v;
        a3 += <i32>load<i8>(w, 3) * v;
        v = <i32>load<i8>(from, 1);
        a0 += <i32>load<i8>(w, 4) * v;
        a1 += <i32>load<i8>(w, 5) * v;
        a2 += <i32>load<i8>(w, 6) * v;
        a3 += <i32>load<i8>(w, 7) * v;
        v = <i32>load<i8>(from, 2);
        a0 += <i32>load<i8>(w, 8) * v;
        a1 += <i32>load<i8>(w, 9) * v;
        a2 += <i32>load<i8>(w, 10) * v;
        a3 += <i32>load<i8>(w, 11) * v;
        v = <i32>load<i8>(from, 3);
        a0 += <i32>load<i8>(w, 12) * v;
        a1 += <i32>load<i8>(w, 13) * v;
        a2 += <i32>load<i8>(w, 14) * v;
        a3 += <i32>load<i8>(w, 15) * v;
        from += 4;
        w += 16;
      } while (--i);
      store<i32>(sums, a0);
      store<i32>(sums, a1, 4);
      store<i32>(sums, a2, 8);
      store<i32>(sums, a3, 12); // an incomplete tile has room past its end
      sums += 16;
    } while (sums + last < end);
  return LEFT_OVER ? last_rows(sums, end, x, w, taps, 4) : w;
}

export function conv_s8_native(p: TileBlock, first: i32, rows: i32): void {
  const y_f = FEATURES ? p.y_f : 1;
  const y_c = p.y_c;
  const per = p.per;
  const groups = GROUPS ? p.x_c / per : 1;
  const bytes = (y_c / groups) << 2; // bytes of the sums of a group
  const taps = p.kernel_t * (FEATURES ? p.kernel_f : 1) * per;
  const sums = p.sums;
  let o: i32 = 0;
  do {
    // all outputs, or one tile of outputs at all positions
    const outputs = FETCH ? fetch_tile(p, o, groups) : 0;
    let y = p.y + first * y_f * y_c + o;
    for (let t = first; t < first + rows; t++) {
      for (let f: i32 = 0; f < y_f; f++) {
        let w = p.weights;
        if (FETCH) row_s8_native(sums, sums + (outputs << 2), taps_s8(p, t, f, GROUPS ? (o << 2) / bytes : 0), w, taps);
        else {
          for (let g: i32 = 0; g < groups; g++) {
            w = row_s8_native(sums + g * bytes, sums + (g + 1) * bytes, taps_s8(p, t, f, g), w, taps);
          }
        }
        finish_row(p, y);
        y += y_c;
      }
    }
    o += outputs;
  } while (FETCH && o < y_c);
}

export function dense_s8_native(p: TileBlock): void {
  const sums = p.sums;
  let o: i32 = 0;
  do {
    const outputs = FETCH ? fetch_tile(p, o, 1) : p.y_c;
    row_s8_native(sums, sums + (outputs << 2), p.x, p.weights, p.per);
    finish_row(p, p.y + o);
    o += outputs;
  } while (FETCH && o < p.y_c);
}
