/**
 * Folds over parts of a window: the blocks of the shared ring and of one fold, and their calls. Helpers only,
 * no operator.
 *
 * In: a step with method `parts`, and the block that finishes its results.  Out: calls. The first fold of a
 * ring adds the new rows.
 */
import { join } from '../../../models/lists.ts';
import type { Part, SharedRing, Stream } from '../../../models/stream/edge/layout.ts';
import { edgeRowsOf } from '../../../models/stream/edge/parts.ts';
import { type At, packBlock, zeros } from '../block.ts';
import { GlobalBlock, PartBlock, PartsBlock, RingBlock } from '../blocks.ts';
import { type Call, callNamed, callOf, type EmitContext, type FoldIo, type StepIo } from './op.ts';

/** Returns the block of a part: its two rows in the ring, and its rows in the edges. */
function partBlock(part: Part, { levels }: SharedRing, stream: Stream): PartBlock {
  const [left, right] = edgeRowsOf(part, stream);
  return {
    rows: part.interior ? 2 : 0,
    level: part.level,
    first: levels.slice(0, part.level).reduce((sum, rows) => sum + rows, 0),
    enters: part.enters,
    leaves: part.leaves,
    left_row: left > 0 ? part.from : 0,
    left_rows: left,
    right_row: right > 0 ? part.to - right - (stream.rows - stream.right) : 0,
    right_rows: right,
  };
}

/** Packs what the results of a pool need: their number in a row, the places of an average, their limits. */
export function poolResults(io: StepIo<'avgpool'> | StepIo<'maxpool'>, ctx: EmitContext): At<GlobalBlock> {
  const { geometry, min, max } = io.params;
  return ctx.block(GlobalBlock, {
    ...zeros(GlobalBlock),
    y: io.y,
    count: io.out.f * io.out.c,
    min,
    max,
    places: geometry.kernelT,
  });
}

/** Returns the call of a fold, and before it that of the ring if the fold is its first. @param own results */
export function partsCalls(
  { x: [x] }: Pick<StepIo<'globalavg'>, 'x'>,
  { fold, ring, ...at }: FoldIo,
  ctx: EmitContext,
  kernel: 'globalavg_parts_s8' | 'globalmax_parts_s8' | 'gem_parts_s8',
  own: At<GlobalBlock>,
): Call[] {
  const { shared, stream } = fold;
  if (!shared || !ring) return [];
  const rows = ctx.block(RingBlock, {
    new_at: at.newAddress,
    new_rows: stream.newRows,
    row: (x?.shape.f ?? 0) * (x?.shape.c ?? 0),
    step: stream.phases,
    ring: ring.rows,
    slots: ctx.table(Int32Array.from(shared.levels)),
    newest: ring.positions,
    levels: shared.levels.length,
  });
  const packed = shared.parts.map((part) => packBlock(PartBlock, partBlock(part, shared, stream)).bytes);
  const parts = ctx.block(PartsBlock, {
    ring: rows,
    own,
    newest: stream.newest,
    parts: ctx.table(new Int32Array(join(Uint8Array, packed).buffer)),
    part_count: shared.parts.length,
    totals: at.totals,
    left: at.leftAddress,
    right: at.rightAddress,
  });
  return [...(shared.first ? [callOf('parts_ring_s8', rows)] : []), callNamed(kernel, parts)];
}
