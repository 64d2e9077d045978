/**
 * fetch: weights that do not lie in memory, copied from where the host has them just before they are used.
 *
 * In: a MAC block.  Out: its weights in memory.  The module's only import, `weights(dst, src, n)` of `runlet`, copies n bytes from byte src of the weights
 * to dst.  A tile is what its outputs are requantised by, filled up to whole eights (native: multiplier i32 [TILE_OUTPUTS], shift s8 [TILE_OUTPUTS]; interp: finish-interp.ts), and the weights
 * of so many outputs of one group, as embedded ones have them; the last tile of a group has weights for those that are left.  Kernels without tiles take all weights at once.
 */
import { ALL_BYTES, ALL_SOURCE, BIAS, LAST_BYTES, SOURCE, TILE_BYTES, TILE_OUTPUTS, WEIGHTS, Y_C } from "./block";
import { GROUPS } from "./needs";

// @ts-ignore: decorator
@external("runlet", "weights")
declare function weights(dst: usize, src: usize, n: i32): void;

/** Outputs of the tile that is in memory. 0 at first: WAMR looks for its stack pointer among other globals. */
export let tile_outputs: i32 = 0;

/** The tile that begins with output o; returns its outputs. */
export function fetch_tile(p: usize, o: i32, groups: i32): i32 {
  const most = load<i32>(p, TILE_OUTPUTS);
  const bytes = load<i32>(p, TILE_BYTES);
  const last = load<i32>(p, LAST_BYTES);
  let left = load<i32>(p, Y_C);
  let from = <usize>load<i32>(p, SOURCE);
  if (GROUPS) {
    left /= groups;
    from += (o / left) * (((left - 1) / most) * bytes + last);
    o %= left;
  }
  left -= o;
  weights(load<i32>(p, BIAS), from + (o / most) * bytes, left > most ? bytes : last);
  tile_outputs = min(most, left);
  return tile_outputs;
}

/** All weights of a layer, for the call that follows: its kernel reads them in the operator's own order. */
export function fetch_s8(p: usize): void {
  weights(load<i32>(p, WEIGHTS), load<i32>(p, ALL_SOURCE), load<i32>(p, ALL_BYTES));
}
