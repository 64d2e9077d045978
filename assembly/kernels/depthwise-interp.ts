/**
 * depthwise with one filter per channel, in blocks of eight channels: for interpreters, in which a loop costs
 * as much as its body.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: as depthwise.ts with `per` 1.  Weights s8 [taps][y_c], or of a tile's
 * channels (fetch.ts); the input's zero point is folded into the bias. `per` is x_c here, so that a patch
 * (patch.ts) has all channels; `runs` is 1 if taps lie only along time.  Exact. Up to seven channels past
 * the last are read; their sums are dropped.
 */
import { fetch_tile, tile_outputs } from "./fetch";
import { finish_row_interp } from "./finish-interp";
import { DILATIONS, FEATURES, FETCH, PATCHES, WIDE } from "./needs";
import { TileBlock, taps_s8 } from "./patch";

/** Channels of a block. */
const CHANNELS: i32 = WIDE ? 8 : 4;

/** Computes the sums of one position. */
function channels(
  p: TileBlock,
  x: usize, // s8 [taps][pitch]
  pitch: i32,
  taps: i32,
): void {
  const y_c = FETCH ? tile_outputs : p.y_c;
  let w = p.weights;
  const end = w + y_c;
  let sums = p.sums;
  do {
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let a4 = 0;
    let a5 = 0;
    let a6 = 0;
    let a7 = 0;
    let from = x;
    let at = w;
    let left = taps;
    do {
      a0 += <i32>load<i8>(at) * <i32>load<i8>(from);
      a1 += <i32>load<i8>(at, 1) * <i32>load<i8>(from, 1);
      a2 += <i32>load<i8>(at, 2) * <i32>load<i8>(from, 2);
      a3 += <i32>load<i8>(at, 3) * <i32>load<i8>(from, 3);
      if (WIDE) {
        a4 += <i32>load<i8>(at, 4) * <i32>load<i8>(from, 4);
        a5 += <i32>load<i8>(at, 5) * <i32>load<i8>(from, 5);
        a6 += <i32>load<i8>(at, 6) * <i32>load<i8>(from, 6);
        a7 += <i32>load<i8>(at, 7) * <i32>load<i8>(from, 7);
      }
      from += pitch;
      at += y_c;
    } while (--left);
    store<i32>(sums, a0);
    store<i32>(sums, a1, 4);
    store<i32>(sums, a2, 8);
    store<i32>(sums, a3, 12);
    if (WIDE) {
      store<i32>(sums, a4, 16);
      store<i32>(sums, a5, 20);
      store<i32>(sums, a6, 24);
      store<i32>(sums, a7, 28);
    }
    sums += CHANNELS << 2;
    x += CHANNELS;
    w += CHANNELS;
  } while (w < end);
}

export function depthwise_s8_interp(p: TileBlock, first: i32, rows: i32): void {
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
        finish_row_interp(p, y);
        y += y_c;
      }
    }
    o += outputs;
  } while (FETCH && o < y_c);
}
