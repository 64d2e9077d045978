/**
 * Parameter blocks of lstm, gru and rnn. Helpers only, no operator.
 *
 * In: a step with its addresses, and its state if that is carried from row to row.  Out: fields of parameter
 * blocks.
 */

import type { OpName } from '../../../models/graph/types.ts';
import { gateTable } from '../../../quant/ops/gates.ts';
import type { RecurrentParams } from '../../../quant/ops/op.ts';
import { type At, zeros } from '../block.ts';
import { BeforeBlock, PlainBlock, type RecurrentBlock } from '../blocks.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';

type RecurrentIo = StepIo<'lstm'> | StepIo<'gru'> | StepIo<'rnn'>;

/** The values of the table, two per word. */
const words = Int32Array.from({ length: 128 }, (_, i) => (gateTable[2 * i] as number) | ((gateTable[2 * i + 1] as number) << 16));

/**
 * Returns the fields of the block, and the address of `more` bytes of workspace. The workspace also holds
 * fetched weights (home `tile`), and the state if it restarts at every call.
 */
export function recurrentFields(io: RecurrentIo, ctx: EmitContext, more = 0): { fields: RecurrentBlock; own: number } {
  const p: RecurrentParams = io.params;
  const { units, weights } = p;
  const fetched = new Int8Array(ctx.home === 'tile' ? 4 * Math.ceil(weights.length / 4) : 0);
  fetched.set(weights.subarray(0, fetched.length));
  const cellBytes = 4 * Math.ceil(units / 2);
  const work = ctx.work(fetched.length + cellBytes + more + units);
  const [cell, own, last] = [work + fetched.length, work + fetched.length + cellBytes, work + fetched.length + cellBytes + more];
  const fields: RecurrentBlock = {
    ...zeros(PlainBlock),
    x: io.x[0]?.address ?? 0,
    y: io.y,
    y_c: units,
    x_zero: p.zero,
    weights: ctx.home === 'tile' ? work : ctx.weights(weights),
    all_source: ctx.home === 'tile' ? ctx.weights(fetched) : 0,
    all_bytes: fetched.length,
    bias: ctx.table(p.bias),
    multiplier: ctx.table(p.multiplier),
    shift: ctx.table(Int8Array.from(p.shift)),
    cell,
    last,
    count: 0,
    skip: 0,
    ...(io.state && { cell: io.state.cell, last: io.state.last, count: io.state.count, skip: io.state.skip }),
    carry: io.state ? 1 : 0,
    reverse: p.reverse ? 1 : 0,
    table: ctx.table(words),
    slope: p.slope,
    gate_shift: p.gateShift,
    output_mult: p.output.multiplier,
    output_shift: p.output.shift,
  };
  return { fields, own };
}

/** Returns the call. With home `tile`, a fetch of the weights comes before it. */
export const recurrentCalls = (ctx: EmitContext, block: At<PlainBlock>, call: Call): Call[] =>
  ctx.home === 'tile' ? [callOf('fetch_s8', block), call] : [call];

/** Returns a call after a layer whose rows before the signal would otherwise reach a carried state. */
export function beforeCalls(io: StepIo<OpName>, ctx: EmitContext): Call[] {
  if (!io.state || 'recurrent' in io.node.attrs) return [];
  const { count, skip, row, before } = io.state;
  return [callOf('before_s8', ctx.block(BeforeBlock, { y: io.y, row, value: before, count, skip }))];
}
