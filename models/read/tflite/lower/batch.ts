/**
 * Lowers SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND to one dilated convolution.
 *
 * In: the padded input, whose batch entries hold every block-th frame; a VALID convolution of stride 1; the
 * entries interleaved again and cropped.
 * Out: conv with dilation = block and padding = paddings - crops, which is the same sum for every output
 * frame. Until BATCH_TO_SPACE_ND the value is `batched`: its layout holds the lengths of one batch entry. A
 * length is (n + pad) / block, after the convolution (n + pad - (k - 1) * block) / block.
 * Source: TensorFlow Lite SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND.
 */
import type { ConvAttrs } from '../../../graph/types.ts';
import type { Layout } from '../../layout.ts';
import { readIntegers } from '../constants.ts';
import { axisOf, type Batched, type Context, malformed, type PendingPad, Refusal, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { sameQuant } from '../quantisation.ts';
import { unitAxis } from './shape.ts';

export function lowerSpaceToBatch(context: Context, op: TfOperator): void {
  const raw = context.rawValue(op, 0);
  const isPast = raw.history !== undefined && raw.history.after === 0 && raw.history.before >= 0;
  const { history, ...value } = context.value(op, 0, isPast ? 'history' : true);
  sameQuant(context.input(op, 0), context.output(op), op.name);
  const { blocks, amounts } = blocksOf(context, op, value.layout);
  const past = history?.before ?? 0;
  const pad = { t: value.pad?.t ?? [past, 0], f: value.pad?.f ?? [0, 0] } as { t: PendingPad['t']; f: PendingPad['f'] };
  const block = { t: 1, f: 1 };
  const layout: Layout = value.layout.map((factors, dim) => {
    const by = blocks[dim - 1] ?? 1;
    const [before = 0, after = 0] = amounts.slice(2 * (dim - 1));
    if (dim === 0 || dim > blocks.length || (by === 1 && before + after === 0)) return factors;
    const axis = axisOf(value.layout, dim) ?? unitAxis(value.layout, dim);
    if (axis === 'c' || factors.length > 1) throw new Refusal(`it splits dimension ${dim}, which is not time or features`);
    const padded = (factors[0]?.length ?? 1) + before + after;
    if (padded % by !== 0) throw malformed(op, `block ${by} does not divide ${padded}`);
    pad[axis] = [pad[axis][0] + before, pad[axis][1] + after];
    block[axis] = by;
    return [{ axis, length: padded / by }];
  });
  context.bind(op, { ...value, layout, pad, batched: { block, past: context.isStream(value.id) ? past : undefined } });
}

/** Keeps a convolution between the two operators until the crops are known. */
export function deferConv<A extends Omit<ConvAttrs, 'groups' | 'outChannels'>>(
  context: Context,
  op: TfOperator,
  batched: Batched,
  attrs: A,
  layout: Layout,
  emit: (attrs: A, to: TfOperator, layout: Layout) => void,
): void {
  const plain = attrs.strideT === 1 && attrs.strideF === 1 && attrs.dilationT === 1 && attrs.dilationF === 1;
  if (!plain || batched.finish)
    throw new Refusal('between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only one convolution of stride 1 is read');
  const finish: Batched['finish'] = (to, crops, whole) => {
    const cropped = (pad: readonly [number, number], crop: readonly [number, number]) => {
      if (crop[0] > pad[0] || crop[1] > pad[1]) throw new Refusal('it crops more than was padded');
      return [pad[0] - crop[0], pad[1] - crop[1]] as const;
    };
    const { t, f } = batched.block;
    context.builder.notes.push(`${op.name}: dilation ${t > 1 ? t : f}, from SPACE_TO_BATCH_ND`);
    const dilated = {
      ...attrs,
      dilationT: t,
      dilationF: f,
      padT: cropped(attrs.padT, crops.t),
      padF: cropped(attrs.padF, crops.f),
    };
    if (batched.past !== undefined && (dilated.padT[0] !== batched.past || dilated.padT[1] !== 0))
      throw new Refusal('it pads the rows of one step, but the rows of steps follow one another');
    emit(dilated, to, whole);
  };
  context.bind(op, { id: -1, layout, type: context.input(op, 0).type as Value['type'], batched: { ...batched, finish } });
}

export function lowerBatchToSpace(context: Context, op: TfOperator): void {
  const value = context.rawValue(op, 0);
  const finish = value.batched?.finish;
  if (!value.batched || !finish) throw new Refusal('it does not follow SPACE_TO_BATCH_ND and one convolution');
  sameQuant(context.input(op, 0), context.output(op), op.name);
  const { blocks, amounts } = blocksOf(context, op, value.layout);
  const left = { ...value.batched.block };
  const crops = { t: [0, 0] as readonly [number, number], f: [0, 0] as readonly [number, number] };
  const layout: Layout = value.layout.map((factors, dim) => {
    const by = blocks[dim - 1] ?? 1;
    const [before = 0, after = 0] = amounts.slice(2 * (dim - 1));
    if (dim === 0 || dim > blocks.length || (by === 1 && before + after === 0)) return factors;
    const axis = axisOf(value.layout, dim) ?? factors[0]?.axis ?? (left.t > 1 ? 't' : 'f');
    if (axis === 'c' || left[axis] !== by) throw new Refusal('its blocks are not those of SPACE_TO_BATCH_ND');
    left[axis] = 1;
    crops[axis] = [before, after];
    return [{ axis, length: (factors[0]?.length ?? 1) * by - before - after }];
  });
  if (left.t !== 1 || left.f !== 1) throw new Refusal('its blocks are not those of SPACE_TO_BATCH_ND');
  finish(op, crops, layout);
}

/** Returns the block lengths of dimensions 1, 2, ... and their [before, after] amounts. */
function blocksOf(context: Context, op: TfOperator, layout: Layout): { blocks: number[]; amounts: number[] } {
  const blocks = readIntegers(context, op, context.input(op, 1));
  const amounts = readIntegers(context, op, context.input(op, 2));
  const inRange = blocks.every((n) => n >= 1 && n <= 65535) && amounts.every((n) => n >= 0 && n <= 65535);
  if (!inRange || blocks.length >= layout.length || amounts.length !== 2 * blocks.length) {
    throw malformed(
      op,
      `blocks [${blocks.slice(0, 8)}] and amounts [${amounts.slice(0, 8)}] do not fit ${layout.length} dimensions`,
    );
  }
  return { blocks, amounts };
}
