/**
 * depthwise with one filter per channel, in blocks of four channels: for targets without SIMD.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: as depthwise.ts with `per` 1.  Weights are in blocks of four channels:
 * i32 [4], the start values of sums, then s8 [taps][4]. The input's zero point is folded into the bias. `per`
 * is x_c here, so that a patch (patch.ts) has all channels; `runs` is 1 if taps lie only along time.
 * Exact. Up to three channels past the last are read; their sums are dropped.
 */
import { fetch_tile, tile_outputs } from "./fetch";
import { finish_row } from "./finish";
import { DILATIONS, FEATURES, FETCH, PATCHES } from "./needs";
import { TileBlock, taps_s8 } from "./patch";

/** Computes the sums of one position. */
function channels(
  p: TileBlock,
  x: usize, // s8 [taps][pitch]
  pitch: i32,
  taps: i32,
): void {
  let w = p.weights;
  const end = x + (FETCH ? tile_outputs : p.y_c);
  let sums = p.sums;
  do {
    let a0 = load<i32>(w);
    let a1 = load<i32>(w, 4);
    let a2 = load<i32>(w, 8);
    let a3 = load<i32>(w, 12);
    w += 16;
    let from = x;
    let left = taps;
    do {
      a0 += <i32>load<i8>(w) * <i32>load<i8>(from);
      a1 += <i32>load<i8>(w, 1) * <i32>load<i8>(from, 1);
      a2 += <i32>load<i8>(w, 2) * <i32>load<i8>(from, 2);
      a3 += <i32>load<i8>(w, 3) * <i32>load<i8>(from, 3);
      from += pitch;
      w += 4;
    } while (--left);
    store<i32>(sums, a0);
    store<i32>(sums, a1, 4);
    store<i32>(sums, a2, 8);
    store<i32>(sums, a3, 12);
    sums += 16;
    x += 4;
  } while (x < end);
}

export function depthwise_s8_blocks(p: TileBlock, first: i32, rows: i32): void {
  const y_f = FEATURES ? p.y_f : 1;
  const y_c = p.y_c;
  const taps = p.kernel_t * (FEATURES ? p.kernel_f : 1);
  const pitch = (DILATIONS ? p.dilation_t : 1) * (FEATURES ? p.x_f : 1) * y_c;
  let o: i32 = 0;
  do {
    // all channels, or one tile of channels at all positions
    const outputs = FETCH ? fetch_tile(p, o, 1) : 0;
    let y = p.y + first * y_f * y_c + o;
    for (let t = first; t < first + rows; t++) {
      for (let f: i32 = 0; f < y_f; f++) {
        const x = taps_s8(p, t, f, 0);
        channels(p, x + o, PATCHES && x == p.patch ? y_c : pitch, taps);
        finish_row(p, y);
        y += y_c;
      }
    }
    o += outputs;
  } while (FETCH && o < y_c);
}
