/** globalavg: over the whole window at once, or accumulate / finish / rotate where partial results are kept. */
import type { GlobalParams } from '../../../quant/ops/op.ts';
import * as B from '../../kernels/block.ts';
import { globalBlock, globalCalls } from './global.ts';
import type { Call, EmitContext, EmitOp, StepIo } from './op.ts';
import { type Finish, finishFields, mayRequantise } from './requantise-simd.ts';

const finishes = new WeakMap<GlobalParams, Finish>();

/** The requantisation of a mean as that of a layer with one output; the same object for every packing run, so that its floats are searched once. */
function finishOf(p: GlobalParams): Finish {
  const finish = finishes.get(p) ?? {
    multiplier: Int32Array.of(p.scale.multiplier),
    shift: Int32Array.of(p.scale.shift),
    bias: Int32Array.of(-p.count * p.xZero),
    yZero: p.yZero,
    min: p.min,
    max: p.max,
  };
  finishes.set(p, finish);
  return finish;
}

/** simd: a mean whose sums are requantised as those of a convolution; nothing where they are averaged by division, or accumulated. */
function simdCalls(io: StepIo<'globalavg'>, ctx: EmitContext): Call[] | undefined {
  const { params: p, out } = io;
  const finish = finishOf(p);
  const largest = () => 255 * p.count;
  if (ctx.target !== 'simd' || p.types || p.rule !== 'mean' || io.step.kind === 'accumulate' || !mayRequantise(finish, largest))
    return undefined;
  const count = out.f * out.c;
  const mac = ctx.block(B.MAC_SIMD_BYTES, [
    [B.Y_C, count],
    [B.MIN, p.min],
    [B.MAX, p.max],
    [B.SUMS, ctx.work(4 * (count + 8))],
    ...finishFields(finish, largest, ctx, { outputs: count }),
  ]);
  const block = globalBlock(io, ctx, [[B.G_MAC, mac]]);
  return globalCalls('globalavg', io, block).map((call) => ({ ...call, fn: `${call.fn}_simd`, file: 'globalavg-simd' }));
}

export const globalavg: EmitOp<'globalavg'> = {
  name: 'globalavg',
  emit: (io, ctx) => simdCalls(io, ctx) ?? globalCalls('globalavg', io, globalBlock(io, ctx)),
  rotate: (io, ctx) => [{ fn: 'globalavg_rotate_s8', file: 'globalavg', block: globalBlock(io, ctx) }],
};
