/** globalavg: over the whole window at once, or accumulate / finish / rotate if partial results are kept. */
import type { GlobalParams } from '../../../quant/ops/op.ts';
import { zeros } from '../block.ts';
import { SimdBlock } from '../blocks.ts';
import { type Finish, finishFields, mayRequantise } from '../targets/requantise-simd.ts';
import { globalBlock, globalCall, globalParts } from './global.ts';
import { type Call, callOf, type EmitContext, type EmitOp, type StepIo } from './op.ts';

const finishes = new WeakMap<GlobalParams, Finish>();

/**
 * Returns the requantisation of a mean as that of a layer with one output. All modules of a plan get the same
 * object, so that its floats are searched once.
 */
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

/**
 * simd: returns the call for a mean whose sums are requantised like those of a convolution; undefined if the
 * mean divides, or accumulates.
 */
function simdCall(io: StepIo<'globalavg'>, ctx: EmitContext): Call | undefined {
  const { params: p, out } = io;
  const finish = finishOf(p);
  const largest = () => 255 * p.count;
  if (!ctx.target.vectors || p.types || p.rule !== 'mean' || io.step.kind === 'accumulate' || !mayRequantise(finish, largest))
    return undefined;
  const count = out.f * out.c;
  const mac = ctx.block(SimdBlock, {
    // only the fields of requantisation are used
    ...zeros(SimdBlock),
    y_c: count,
    min: p.min,
    max: p.max,
    sums: ctx.work(4 * (count + 8)),
    ...finishFields(finish, largest, ctx, { outputs: count }),
  });
  return globalCall('globalavg', io, globalBlock(io, ctx, mac), '_simd');
}

export const globalavg: EmitOp<'globalavg'> = {
  name: 'globalavg',
  emit: (io, ctx) =>
    globalParts('globalavg', io, ctx) ?? [simdCall(io, ctx) ?? globalCall('globalavg', io, globalBlock(io, ctx))],
  rotate: (io, ctx) => [callOf('globalavg_rotate_s8', globalBlock(io, ctx))],
};
