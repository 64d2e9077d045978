/**
 * Calls of conv, depthwise and dense in a target's kernels, their weights in tiles. Holds no operator.
 *
 * In: a step that computes whole outputs (no partial tap sums, no waiting accumulators).  Out: the call, or nothing where the target has no
 * kernel for it (several filters a channel; sums or multipliers out of the ordinary), and the operator's own kernel is taken.
 */
import { fetchedBlock } from './fetched.ts';
import { isPadded, type MacIo, sideBySide, tapsFirst, tileBlock, tiledWeights, workspace } from './mac-block.ts';
import { depthwiseSimd, macSimd } from './mac-simd.ts';
import { type Call, callOf, type EmitContext, type StepIo } from './op.ts';
import { channelBlocks, foldedBias, isSmall, sumBytes, type TileShape } from './tiles.ts';

/** Taps are copied unless they lie side by side and none is padding. */
const needsPatch = (op: 'conv' | 'dense', io: MacIo): boolean => op === 'conv' && (isPadded(io) || !sideBySide(io));

/** conv and dense: `shape` says where weights stand. */
export function macCall(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined {
  if (!isSmall(io.params, shape, ctx.target)) return undefined;
  if (ctx.target === 'simd') return macSimd(op, io, shape, ctx);
  const patch = needsPatch(op, io);
  if (patch) ctx.need('PATCHES');
  const patchBytes = patch ? shape.taps : 0;
  const layer = { per: io.params.per, runs: sideBySide(io) ? 1 : 0 };
  const block =
    ctx.home === 'tile'
      ? fetchedBlock(op, io, shape, ctx, patchBytes, layer)
      : tileBlock(io, shape, tiledWeights(io, shape, ctx), ctx, {
          ...layer,
          ...workspace(ctx, sumBytes(shape.outputs, ctx.target), patchBytes),
        });
  return callOf(`${op}_s8_${ctx.target}`, block);
}

/** depthwise with one filter a channel. */
export function depthwiseCall(io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined {
  if (io.params.per !== 1 || !isSmall(io.params, tapsFirst(io), ctx.target)) return undefined;
  return ctx.target === 'simd' ? depthwiseSimd(io, ctx) : depthwiseBlocks(io, ctx);
}

/** Weights are in blocks of four channels; a patch is as long as all taps of all channels. */
function depthwiseBlocks(io: StepIo<'depthwise'>, ctx: EmitContext): Call {
  const { geometry: g, weights } = io.params;
  const shape = tapsFirst(io);
  const inTime = g.kernelF === 1 && g.padF[0] === 0 && g.padF[1] === 0;
  const patch = !inTime || isPadded(io);
  if (patch) ctx.need('PATCHES');
  const patchBytes = patch ? shape.taps * io.out.c + (ctx.target === 'interp' ? 8 : 4) : 0;
  const layer = { per: io.out.c, runs: inTime ? 1 : 0 };
  const interp = ctx.target === 'interp';
  const block =
    ctx.home === 'tile'
      ? fetchedBlock('depthwise', io, shape, ctx, patchBytes, layer)
      : tileBlock(io, shape, interp ? weights : channelBlocks(weights, shape, foldedBias(io.params, shape)), ctx, {
          ...layer,
          ...workspace(ctx, sumBytes(io.out.c, ctx.target), patchBytes),
        });
  return callOf(interp ? 'depthwise_s8_interp' : 'depthwise_s8_blocks', block);
}
