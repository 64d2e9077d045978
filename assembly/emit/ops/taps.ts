/**
 * The first layer as partial tap sums: its blocks and its calls, for conv and depthwise. Holds no operator.
 */
import { TapsBlock, TapsRowBlock } from '../blocks.ts';
import { type Call, callOf, type EmitContext, type StepIo, type TapsIo } from './op.ts';
import { fetchCall, frameElements, plainFields } from './sliding.ts';

type FirstIo = StepIo<'conv'> | StepIo<'depthwise'>;

function tapsFields(io: FirstIo, own: TapsIo, ctx: EmitContext): TapsBlock {
  const { taps } = own;
  const { rows, right, phases, newRows } = own.stream;
  return {
    ...plainFields(io, io.params, ctx),
    x: own.input,
    acc: own.accumulators,
    acc_rows: taps.accRows,
    acc_first: taps.accFirst,
    new_rows: newRows,
    step: phases,
    grid: taps.grid,
    right: own.right,
    right_rows: right,
    right_first: (rows - right) * phases,
    left: own.left,
    left_rows: Math.min(own.leftRows, taps.recorded),
    records: own.records,
    record_slots: Math.max(1, taps.records),
    cut_ahead: taps.cutAhead,
    complete_ahead: taps.recordsAhead,
    ahead: own.ahead,
    waiting: own.waiting,
    waiting_slots: taps.waiting,
  };
}

/** One hop: open, taps before the cut, cut, taps after it, close; then left rows without a record. */
export function tapsCalls(op: 'conv' | 'depthwise', io: FirstIo, own: TapsIo, ctx: EmitContext): Call[] {
  const { taps, stream } = own;
  const fields = tapsFields(io, own, ctx);
  const block = ctx.block(TapsBlock, fields);
  const window = io.x[0]?.shape.t ?? 0;
  const first = window - stream.newRows * taps.grid;
  const sums = (from: number, to: number): Call[] =>
    to > from ? [...fetchCall(ctx, block), callOf(`${op}_taps_s8`, block, { first: from, rows: to - from })] : [];
  return [
    callOf('taps_open_s8', block),
    ...sums(first, taps.cut),
    ...(fields.left_rows > 0 ? [callOf('taps_cut_s8', block)] : []),
    ...sums(taps.cut, window),
    callOf('taps_close_s8', block),
    ...againCalls(op, io, own, fields, ctx),
  ];
}

/**
 * Taps before a window are summed in one row of accumulators. Windows that share a row of the stream add to
 * them.
 */
function againCalls(op: 'conv' | 'depthwise', io: FirstIo, own: TapsIo, fields: TapsBlock, ctx: EmitContext): Call[] {
  const { taps, again: queue, ahead } = own;
  const rows = taps.again.filter(({ row }) => row < own.leftRows);
  if (rows.length === 0) return [];
  const bytes = frameElements(io);
  // behind weights that were fetched
  const before = ctx.work(fields.all_bytes + 4 * bytes) + fields.all_bytes;
  const y = queue.slots > 0 ? queue.address : own.left + taps.recorded * bytes;
  const slots = Math.max(1, queue.slots);
  const calls = rows.flatMap((row, i) => {
    const last = rows[i - 1]?.at === row.at ? rows[i - 1] : undefined;
    const block = ctx.block(TapsBlock, { ...fields, acc: before, acc_rows: 1, acc_first: row.at, new_rows: 1 });
    const done = last?.taps ?? 0;
    const span = {
      first: row.at * taps.grid - fields.pad_t + done * fields.dilation_t,
      rows: (row.taps - done - 1) * fields.dilation_t + 1,
    };
    const left = ctx.block(TapsRowBlock, {
      ...fields,
      y: y + (row.row - taps.recorded) * bytes,
      total: own.accumulators + 4 * (row.at - taps.accFirst) * bytes,
      before,
      ahead: row.ahead - ahead,
      slots,
      slot_bytes: queue.slotBytes,
    });
    return [
      ...(last ? [] : [callOf('taps_open_s8', block)]),
      ...(row.taps > done ? [callOf(`${op}_taps_s8`, block, span)] : []),
      callOf('taps_left_s8', left),
    ];
  });
  if (queue.slots === 0) return calls;
  const copy = { to: own.left + taps.recorded * bytes, from: queue, bytes: queue.slotBytes };
  return [...calls, { fn: 'taps_left_s8', block: 0, copy }];
}
