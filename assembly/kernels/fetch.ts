/**
 * fetch: copies weights that are not in memory from the host, just before they are used.
 *
 * In: a block.  Out: its weights in memory.  The module's only import, `weights(dst, src, n)` of `runlet`,
 * copies n bytes from byte src of the weights to dst.  A tile begins with the requantisation data of its
 * outputs, padded to a multiple of 8 bytes (native: multiplier i32 [tile_outputs], shift s8 [tile_outputs];
 * interp: finish-interp.ts). Then come the weights of `tile_outputs` outputs of one group, in the layout of
 * embedded weights; the last tile of a group has those of the remaining outputs.  Kernels without tiles fetch
 * all weights at once.
 */
import { PlainBlock } from "./mac";
import { GROUPS } from "./needs";
import { TileBlock } from "./patch";

/** A tile is copied to `bias`; the other addresses point into it. */
@unmanaged
export class FetchedBlock extends TileBlock {
  source: usize; // offset of the layer's first tile among all weights
  tile_outputs: i32; // outputs per tile; the last tile of a group has the remaining ones
  tile_bytes: i32;
  last_bytes: i32; // bytes of the last tile of a group
}

// @ts-ignore: decorator
@external("runlet", "weights")
declare function weights(dst: usize, src: usize, n: i32): void;

/** Outputs of the tile in memory. Initially 0, so that WAMR does not take this for its stack pointer. */
export let tile_outputs: i32 = 0;

/** Fetches the tile that begins with output o; returns its outputs. */
export function fetch_tile(block: TileBlock, o: i32, groups: i32): i32 {
  const p = changetype<FetchedBlock>(block);
  const most = p.tile_outputs;
  const bytes = p.tile_bytes;
  const last = p.last_bytes;
  let left = p.y_c;
  let from = p.source;
  if (GROUPS) {
    left /= groups;
    from += (o / left) * (((left - 1) / most) * bytes + last);
    o %= left;
  }
  left -= o;
  weights(p.bias, from + (o / most) * bytes, left > most ? bytes : last);
  tile_outputs = min(most, left);
  return tile_outputs;
}

/** Fetches all weights of a layer, for a kernel that reads them in the operator's order. */
export function fetch_s8(p: PlainBlock): void {
  weights(p.weights, p.all_source, p.all_bytes);
}
