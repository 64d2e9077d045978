/**
 * Fields of a fold that keeps accumulators of waiting windows, for globalavg, globalmax and dense. Helpers
 * only, no operator.
 */
import type { DenseFoldBlock, PlainBlock } from '../blocks.ts';
import type { FoldIo, StepIo } from './op.ts';

export type FoldFields = Omit<DenseFoldBlock, keyof PlainBlock>;

export function foldFields({ fold, ...at }: FoldIo, [x]: StepIo<'dense'>['x']): FoldFields {
  const { newest, newRows, left, right, phases } = fold.stream;
  return {
    new_at: at.newAddress,
    new_rows: newRows,
    newest,
    step: phases,
    open: at.openAddress,
    open_rows: fold.openRows,
    right: at.rightAddress,
    right_rows: right,
    left: at.leftAddress,
    left_rows: left,
    queue: at.queue,
    waiting: fold.slots,
    totals: at.totals,
    row: (x?.shape.f ?? 0) * (x?.shape.c ?? 0),
  };
}
