/**
 * The first layer as partial tap sums: its block and its calls, for conv and depthwise. Holds no operator.
 */
import { TapsBlock } from '../blocks.ts';
import { type Call, callOf, type EmitContext, type StepIo, type TapsIo } from './op.ts';
import { fetchCall, plainFields } from './sliding.ts';

function tapsBlock(io: StepIo<'conv'> | StepIo<'depthwise'>, own: TapsIo, ctx: EmitContext) {
  const { taps } = own;
  const { edge, step, newRows } = own.interior;
  return ctx.block(TapsBlock, {
    ...plainFields(io, io.params, ctx),
    x: own.input,
    acc: own.accumulators,
    acc_rows: taps.accRows,
    acc_first: taps.accFirst,
    new_rows: newRows,
    step,
    grid: taps.grid,
    right: own.right,
    right_rows: edge.right,
    right_first: (edge.rows - edge.right) * step,
    left: own.left,
    left_rows: own.leftRows,
    records: own.records,
    record_slots: Math.max(1, taps.records),
    cut_ahead: taps.cutAhead,
    complete_ahead: taps.completeAhead,
    ahead: own.ahead,
    waiting: own.waiting,
    waiting_slots: taps.waiting,
  });
}

/** One hop: open, taps before the cut, cut, taps after it, close. */
export function tapsCalls(
  op: 'conv' | 'depthwise',
  io: StepIo<'conv'> | StepIo<'depthwise'>,
  own: TapsIo,
  ctx: EmitContext,
): Call[] {
  const { taps, interior, leftRows } = own;
  const block = tapsBlock(io, own, ctx);
  const window = io.x[0]?.shape.t ?? 0;
  const first = window - interior.newRows * taps.grid;
  const sums = (from: number, to: number): Call[] =>
    to > from ? [...fetchCall(ctx, block), callOf(`${op}_taps_s8`, block, { first: from, rows: to - from })] : [];
  return [
    callOf('taps_open_s8', block),
    ...sums(first, taps.cut),
    ...(leftRows > 0 ? [callOf('taps_cut_s8', block)] : []),
    ...sums(taps.cut, window),
    callOf('taps_close_s8', block),
  ];
}
