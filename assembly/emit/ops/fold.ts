/** The fields of a fold as accumulators of waiting windows, for globalavg, globalmax and dense. Holds no operator. */
import * as B from '../../kernels/block.ts';
import type { Fields, FoldIo, StepIo } from './op.ts';

export function foldFields(io: Pick<StepIo<'dense'>, 'fold' | 'x'>): Fields {
  const { fold, ...at } = io.fold as FoldIo;
  const { newest, newRows, edge, step } = fold.interior;
  const [x] = io.x;
  return [
    [B.F_NEW, at.newAddress],
    [B.F_NEW_ROWS, newRows],
    [B.F_NEWEST, newest],
    [B.F_STEP, step],
    [B.F_OPEN, at.openAddress],
    [B.F_OPEN_ROWS, fold.openRows],
    [B.F_RIGHT, at.rightAddress],
    [B.F_RIGHT_ROWS, edge.right],
    [B.F_LEFT, at.leftAddress],
    [B.F_LEFT_ROWS, edge.left],
    [B.F_QUEUE, at.queue],
    [B.F_SLOTS, fold.slots],
    [B.F_TOTALS, at.totals],
    [B.F_ROW, (x?.shape.f ?? 0) * (x?.shape.c ?? 0)],
  ];
}
