/**
 * Lowers fake quantisation in float models: FAKE_QUANT, and QUANTIZE followed by DEQUANTIZE.
 *
 * In: an activation and the range of the grid that training rounded it to.
 * Out: a clamp to that range, in the operator before if possible. The file's rounding is left out, so a value
 * differs from the file's by half a step at most; Runlet rounds when it quantises, to the same range.
 * Constants are rounded as in the file.
 * Source: TensorFlow Lite reference kernels fake_quant.h (nudged range), quantize.h.
 */
import type { Clamp } from '../../../graph/types.ts';
import { isConstant, readFloats } from '../constants.ts';
import { type Context, malformed, Refusal, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { activationQuant } from '../quantisation.ts';
import { foldClamp } from './fold.ts';

/** Adds a clamp to the producer of `value` or as a node. @param type of the output of `op` in the file */
function clampTo(context: Context, op: TfOperator, value: Value, clamp: Clamp, type: Value['type']): void {
  const [low, high] = clamp.map((bound) => Number(bound.toPrecision(6)));
  context.builder.notes.push(`${op.name}: its range from ${low} to ${high} is kept, its rounding is left out`);
  if (foldClamp(context, op, value, clamp, type)) return;
  const id = context.node('activation', [value.id], { fn: 'identity', clamp }, op.name, undefined);
  context.bind(op, { ...value, id, type });
}

export function lowerFakeQuant(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('it rounds in float in an int8 model');
  const options = context.needOptions(op);
  const [min, max, bits] = [options.float32(0), options.float32(1), options.int32(2)];
  const lowest = options.bool(3) ? 1 : 0;
  const highest = 2 ** bits - 1;
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max)) throw malformed(op, `its range is ${min} to ${max}`);
  if (!(bits >= 2 && bits <= 16)) throw malformed(op, `${bits} bits; 2 to 16 are read`);
  const scale = (max - min) / (highest - lowest);
  const zero = Math.min(highest, Math.max(lowest, Math.round(lowest - min / scale)));
  const clamp: Clamp = [(lowest - zero) * scale, (highest - zero) * scale];
  const tensor = context.input(op, 0);
  if (!isConstant(context, tensor)) {
    clampTo(context, op, context.value(op, 0), clamp, 'float32');
    return;
  }
  const rounded = readFloats(context, op, tensor).map((x) => {
    const inside = Math.min(clamp[1], Math.max(clamp[0], x));
    return Math.floor((inside - clamp[0]) / scale + 0.5) * scale + clamp[0];
  });
  context.model.view.spend(0, 4 * rounded.length);
  context.folded.set(context.output(op).index, rounded);
}

/** Lowers QUANTIZE in a float model. DEQUANTIZE must follow, because nothing else reads integers there. */
export function lowerFakeQuantize(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  const to = context.output(op);
  if (to.type !== 'int8' && to.type !== 'uint8') throw new Refusal(`it turns float32 into ${to.type} in a float model`);
  const { scale, zeroPoint } = activationQuant(to);
  const [low, high] = to.type === 'int8' ? [-128, 127] : [0, 255];
  clampTo(context, op, value, [scale * (low - zeroPoint), scale * (high - zeroPoint)], to.type);
}
