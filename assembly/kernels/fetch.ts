/**
 * fetch: weights that do not lie in memory, copied from where the host has them just before they are used.
 *
 * In: a block.  Out: its weights in memory.  The module's only import, `weights(dst, src, n)` of `runlet`,
 * copies n bytes from byte src of the weights to dst.  A tile is what its outputs are requantised by, filled
 * up to whole eights (native: multiplier i32 [tile_outputs], shift s8 [tile_outputs]; interp:
 * finish-interp.ts), and the weights of so many outputs of one group, as embedded ones have them; the last
 * tile of a group has weights for those that are left.  Kernels without tiles take all weights at once.
 */
import { PlainBlock } from "./mac";
import { GROUPS } from "./needs";
import { TileBlock } from "./patch";

/** A tile goes to `bias`; the other addresses lie inside it. */
@unmanaged
export class FetchedBlock extends TileBlock {
  source: usize; // where the layer's first tile stands among all weights
  tile_outputs: i32; // outputs of a tile; the last one of a group has those that are left
  tile_bytes: i32;
  last_bytes: i32; // of a group's last tile
}

// @ts-ignore: decorator
@external("runlet", "weights")
declare function weights(dst: usize, src: usize, n: i32): void;

/**
 * Outputs of the tile that is in memory. 0 at first: WAMR looks for its stack pointer among other globals.
 */
export let tile_outputs: i32 = 0;

/** The tile that begins with output o; returns its outputs. */
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

/** All weights of a layer, for the call that follows: its kernel reads them in the operator's own order. */
export function fetch_s8(p: PlainBlock): void {
  weights(p.weights, p.all_source, p.all_bytes);
}
