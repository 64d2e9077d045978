/**
 * Parameter blocks that conv, depthwise, dense and the pools share. Helpers only, no operator.
 *
 * In: a step with its addresses.  Out: fields of parameter blocks.
 */
import type { SlidingGeometry } from '../../../models/ops/sliding.ts';
import { isOnce } from '../../../quant/fixed-point.ts';
import type { MacParams, PoolParams, Range } from '../../../quant/ops/op.ts';
import type { At } from '../block.ts';
import { PlainBlock, PoolBlock, type SlidingBlock } from '../blocks.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';

type AnyIo = Pick<StepIo<'conv'>, 'step' | 'x' | 'y' | 'out'>;

/**
 * Returns x, y and the sliding geometry, and requests the needs of the layer. Padding along time is that of
 * the step; the trunk has none, because history takes its place.
 */
export function slidingFields(io: AnyIo, g: SlidingGeometry, range: Range, xZero: number, ctx: EmitContext): SlidingBlock {
  const [x] = io.x;
  const rule = io.step.rule;
  const pads = [...(rule.kind === 'window' ? rule.pad : []), ...g.padF];
  if (pads.some((pad) => pad !== 0)) ctx.need('EDGES');
  if (rule.kind === 'window' && rule.dilation > 1) ctx.need('DILATIONS');
  if (range.min > -128 || range.max < 127) ctx.need('CLAMPS');
  if ((x?.shape.f ?? 1) > 1 || io.out.f > 1 || g.kernelF > 1) ctx.need('FEATURES');
  return {
    x: x?.address ?? 0,
    y: io.y,
    x_rows: x?.rows ?? 0,
    pad_t: rule.kind === 'window' ? rule.pad[0] : 0,
    kernel_t: g.kernelT,
    stride_t: rule.kind === 'window' ? rule.stride : 1,
    dilation_t: rule.kind === 'window' ? rule.dilation : 1,
    x_f: x?.shape.f ?? 0,
    x_c: x?.shape.c ?? 0,
    y_f: io.out.f,
    y_c: io.out.c,
    pad_f: g.padF[0],
    kernel_f: g.kernelF,
    stride_f: g.strideF,
    dilation_f: g.dilationF ?? 1,
    x_zero: xZero,
    min: range.min,
    max: range.max,
  };
}

/** Packs the block of maxpool and avgpool. */
export const poolBlock = (io: AnyIo, p: PoolParams, ctx: EmitContext): At<PoolBlock> =>
  ctx.block(PoolBlock, { ...slidingFields(io, p.geometry, p, p.xZero, ctx), include_pad: p.countIncludePad ? 1 : 0 });

type Weights = Pick<PlainBlock, 'weights' | 'all_source' | 'all_bytes'>;

/** Packs weights in the operator's order. With home `tile` also says where they are fetched from. */
function weightFields({ weights }: MacParams, ctx: EmitContext): Weights {
  if (ctx.home !== 'tile') return { weights: ctx.weights(weights), all_source: 0, all_bytes: 0 };
  const words = new Int8Array(4 * Math.ceil(weights.length / 4));
  words.set(weights);
  return { weights: ctx.work(words.length), all_source: ctx.weights(words), all_bytes: words.length };
}

/** Requests the need ONCE if sums are rounded once. */
export const needOnce = ({ shift }: Pick<MacParams, 'shift'>, ctx: EmitContext): void => {
  if (shift.some(isOnce)) ctx.need('ONCE');
};

/**
 * Returns the fields of conv, depthwise and dense: sliding fields, weights in the operator's order, bias and
 * multipliers.
 */
export function plainFields(io: AnyIo, p: MacParams, ctx: EmitContext): PlainBlock {
  needOnce(p, ctx);
  return {
    ...slidingFields(io, p.geometry, p, p.xZero, ctx),
    y_zero: p.yZero,
    per: p.per,
    ...weightFields(p, ctx),
    bias: ctx.table(p.bias),
    multiplier: ctx.table(p.multiplier),
    shift: ctx.table(Int8Array.from(p.shift)),
    low: p.low ? ctx.table(p.low) : 0,
  };
}

export const plainBlock = (io: AnyIo, p: MacParams, ctx: EmitContext): At<PlainBlock> =>
  ctx.block(PlainBlock, plainFields(io, p, ctx));

/** Returns the fetch before a call whose kernel reads all weights of its layer in the operator's order. */
export const fetchCall = (ctx: EmitContext, block: At<PlainBlock>): Call[] =>
  ctx.home === 'tile' ? [callOf('fetch_s8', block)] : [];

/** Returns the elements of one output frame. */
export const frameElements = (io: AnyIo): number => io.out.f * io.out.c;
