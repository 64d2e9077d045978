/**
 * The first layer as partial tap sums: blocks and calls, for conv and depthwise. Helpers only, no operator.
 */
import { TapsBlock, TapsRowBlock } from '../blocks.ts';
import { type Call, callOf, type EmitContext, type StepIo, type TapsIo } from './op.ts';
import { fetchCall, frameElements, plainFields } from './sliding.ts';

type FirstIo = StepIo<'conv'> | StepIo<'depthwise'>;

function tapsFields(io: FirstIo, tapsIo: TapsIo, ctx: EmitContext): TapsBlock {
  const { taps } = tapsIo;
  const { rows, right, phases, newRows } = tapsIo.stream;
  return {
    ...plainFields(io, io.params, ctx),
    x: tapsIo.input,
    acc: tapsIo.accumulators,
    acc_rows: taps.accRows,
    acc_first: taps.accFirst,
    new_rows: newRows,
    step: phases,
    grid: taps.grid,
    right: tapsIo.right,
    right_rows: right,
    right_first: (rows - right) * phases,
    left: tapsIo.left,
    left_rows: Math.min(tapsIo.leftRows, taps.recorded),
    records: tapsIo.records,
    record_slots: Math.max(1, taps.records),
    cut_ahead: taps.cutAhead,
    complete_ahead: taps.recordsAhead,
    ahead: tapsIo.ahead,
    waiting: tapsIo.waiting,
    waiting_slots: taps.waiting,
  };
}

/** Returns one hop: open, taps before the cut, cut, later taps, close; then rows without a record. */
export function tapsCalls(op: 'conv' | 'depthwise', io: FirstIo, tapsIo: TapsIo, ctx: EmitContext): Call[] {
  const { taps, stream } = tapsIo;
  const fields = tapsFields(io, tapsIo, ctx);
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
    ...againCalls(op, io, tapsIo, fields, ctx),
  ];
}

/**
 * Returns the calls for left-edge rows without a record. They sum the taps before a window in one row of
 * accumulators. Windows that share a row of the stream continue the same sums.
 */
function againCalls(op: 'conv' | 'depthwise', io: FirstIo, tapsIo: TapsIo, fields: TapsBlock, ctx: EmitContext): Call[] {
  const { taps, again: queue, ahead } = tapsIo;
  const rows = taps.unrecorded.filter(({ row }) => row < tapsIo.leftRows);
  if (rows.length === 0) return [];
  const bytes = frameElements(io);
  // behind fetched weights
  const before = ctx.work(fields.all_bytes + 4 * bytes) + fields.all_bytes;
  const y = queue.slots > 0 ? queue.address : tapsIo.left + taps.recorded * bytes;
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
      total: tapsIo.accumulators + 4 * (row.at - taps.accFirst) * bytes,
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
  const copy = { to: tapsIo.left + taps.recorded * bytes, from: queue, bytes: queue.slotBytes };
  return [...calls, { fn: 'taps_left_s8', block: 0, copy }];
}
