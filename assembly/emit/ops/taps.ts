/** The first layer as partial tap sums: its fields and its calls, for conv and depthwise. Holds no operator. */
import * as B from '../../kernels/block.ts';
import { fetchCall } from './fetched.ts';
import type { Call, EmitContext, Fields, StepIo, TapsIo } from './op.ts';

export function tapsFields(io: TapsIo): Fields {
  const { taps, interior } = io;
  const { edge, step, newRows } = interior;
  return [
    [B.X, io.input],
    [B.T_ACC, io.accumulators],
    [B.T_ROWS, taps.accRows],
    [B.T_FIRST, taps.accFirst],
    [B.T_NEW_ROWS, newRows],
    [B.T_STEP, step],
    [B.T_GRID, taps.grid],
    [B.T_RIGHT, io.right],
    [B.T_RIGHT_ROWS, edge.right],
    [B.T_RIGHT_FIRST, (edge.rows - edge.right) * step],
    [B.T_LEFT, io.left],
    [B.T_LEFT_ROWS, io.leftRows],
    [B.T_RECORDS, io.records],
    [B.T_RECORD_SLOTS, Math.max(1, taps.records)],
    [B.T_CUT_AHEAD, taps.cutAhead],
    [B.T_COMPLETE_AHEAD, taps.completeAhead],
    [B.T_AHEAD, io.ahead],
    [B.T_WAITING, io.waiting],
    [B.T_WAITING_SLOTS, taps.waiting],
  ];
}

/** One hop: open, taps before the cut, cut, taps after it, close. */
export function tapsCalls(
  op: 'conv' | 'depthwise',
  io: StepIo<'conv'> | StepIo<'depthwise'>,
  block: number,
  ctx: EmitContext,
): Call[] {
  const { taps, interior, leftRows } = io.taps as TapsIo;
  const window = io.x[0]?.shape.t ?? 0;
  const first = window - interior.newRows * taps.grid;
  const sums = (from: number, to: number): Call[] =>
    to > from ? [...fetchCall(ctx, block), { fn: `${op}_taps_s8`, file: op, block, span: { first: from, rows: to - from } }] : [];
  const shared = (name: string, phase: boolean): Call => ({ fn: `taps_${name}_s8`, file: 'taps', block, phase });
  return [
    shared('open', false),
    ...sums(first, taps.cut),
    ...(leftRows > 0 ? [shared('cut', true)] : []),
    ...sums(taps.cut, window),
    shared('close', true),
  ];
}
