/**
 * Lowers functions of one value, MAXIMUM, MINIMUM, POW, PRELU, SQUARED_DIFFERENCE, SOFTMAX, LOG_SOFTMAX,
 * QUANTIZE and DEQUANTIZE.
 *
 * In: any layout.
 * Out: activation or softmax nodes. QUANTIZE and DEQUANTIZE at the borders of an integer model make no node:
 * the graph's port states what the host converts.
 * Source: TensorFlow Lite reference kernels; LOGISTIC, TANH and SOFTMAX have fixed output parameters (1/256,
 * -128 and 1/128, 0) in the 8-bit quantisation specification.
 */

import {
  type ActivationAttrs,
  type Constant,
  fixedInt16,
  isInt16,
  noClamp,
  type QuantParams,
  sameParams,
} from '../../../graph/types.ts';
import { softmaxOutput } from '../../../ops/softmax.ts';
import { powerOf, unaryNames, unaryOf } from '../../../ops/unary.ts';
import { showLayout } from '../../layout.ts';
import { isWindow, softmaxOfRows, turnedScores } from '../../over-time.ts';
import { framesOf, softmaxOverTime } from '../../refused.ts';
import { extremeOf, logOfSoftmax, slopesOf } from '../../spelled.ts';
import { spread, valuesOf } from '../../spread.ts';
import { isConstant, readDequantised, readFloats, readHalves, readStored } from '../constants.ts';
import { type Context, factorsOf, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator, TfTensor } from '../model.ts';
import { activationQuant, bad, sameQuant } from '../quantisation.ts';
import type { TfType } from '../schema.ts';
import { alike } from './binary.ts';
import { lowerFakeQuantize } from './fake.ts';
import { foldClamp } from './fold.ts';

/** Lowers a function of one value, which the operator's name gives (models/ops/unary.ts). */
export function lowerUnary(context: Context, op: TfOperator): void {
  const form = op.op === 'GELU' && context.options(op)?.bool(0) ? '.tanh' : '';
  apply(context, op, unaryNames.tflite.get(op.op + form) as ActivationAttrs);
}

function apply(context: Context, op: TfOperator, attrs: ActivationAttrs, i = 0): void {
  const value = context.value(op, i);
  const { fixed, noInt8, int16 } = unaryOf(attrs.fn);
  if (context.isInt8 && noInt8 && !op.isReal) throw new Refusal(noInt8);
  if (fixed) checkFixed(context, op, fixed);
  const isWide = [context.input(op, i), context.output(op)].some(({ type }) => type === 'int16');
  if (context.isInt8 && isWide && !int16) throw new Refusal('it has no int16 kernel');
  if (attrs.fn === 'identity' && foldClamp(context, op, value, attrs.clamp)) return;
  context.emit(op, 'activation', [value.id], { ...attrs }, () => value.layout);
}

export function lowerLeakyRelu(context: Context, op: TfOperator): void {
  const alpha = context.needOptions(op).float32(0);
  if (!Number.isFinite(alpha)) throw malformed(op, `alpha ${alpha} is not finite`);
  apply(context, op, { fn: 'leakyrelu', alpha, clamp: noClamp });
}

/** Lowers a SELECT between branches that form one function (pieces.ts). */
export function lowerPiece(context: Context, op: TfOperator): void {
  if (!op.piece) throw new Refusal('it chooses between values; only a SELU, an ELU or a leaky ReLU in this form is read');
  if (context.isInt8) throw new Refusal('it is read in float models only');
  const { fn, alpha, scale } = op.piece;
  const attrs: ActivationAttrs = { fn, ...(alpha !== undefined && { alpha }), clamp: noClamp };
  if (scale === 1) {
    apply(context, op, attrs);
    return;
  }
  const value = context.value(op, 0);
  const id = context.node('activation', [value.id], attrs, `${op.name}/function`, undefined);
  const constant = { data: Float32Array.of(scale) };
  context.emit(op, 'mul', [id], { clamp: noClamp, constant }, () => value.layout);
}

/** Returns the only real value of a constant operand. @param unbounded an infinity that is allowed */
function singleOf(context: Context, op: TfOperator, tensor: TfTensor, unbounded?: number): number {
  const data = context.isInt8 ? readStored(context, op, tensor) : readFloats(context, op, tensor, unbounded);
  const [first] = data;
  if (first === undefined || data.some((v) => v !== first))
    throw new Refusal(`its constant has ${data.length} values; one for all is read`);
  if (!context.isInt8) return first;
  const { scale, zeroPoint } = activationQuant(tensor);
  return scale * (first - zeroPoint);
}

/**
 * Lowers MAXIMUM and MINIMUM; with a constant they are clamps. In int8 the kernels compare integers, so the
 * constant must have the scale and zero point of input and output.
 */
export function lowerExtreme(context: Context, op: TfOperator): void {
  const i = isConstant(context, context.input(op, 0)) ? 1 : 0;
  const tensor = context.input(op, 1 - i);
  if (!isConstant(context, tensor)) {
    extremeOfTwo(context, op);
    return;
  }
  for (const other of [context.input(op, i), context.output(op)]) sameQuant(tensor, other, op.name);
  const bound = singleOf(context, op, tensor, noClamp[op.op === 'MAXIMUM' ? 0 : 1]);
  apply(context, op, { fn: 'identity', clamp: op.op === 'MAXIMUM' ? [bound, noClamp[1]] : [noClamp[0], bound] }, i);
}

function extremeOfTwo(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('it has no int8 kernel for two computed tensors');
  const value = context.value(op, 0);
  const { ids, layout } = alike(context, op, value, context.value(op, 1));
  context.bind(op, { ...value, id: extremeOf(context.add, ids, op.op === 'MAXIMUM', op.name), layout });
}

/** Returns the values of a constant and how they broadcast over a value of a float model. */
function laidOver(context: Context, op: TfOperator, { layout }: Value, tensor: TfTensor) {
  const laid = spread(layout, tensor.shape);
  if (!laid) throw new Refusal(`its constant [${tensor.shape.join(', ')}] does not fit ${showLayout(layout)}`);
  context.model.view.spend(0, 8 * laid.places.length);
  return { laid, floats: readFloats(context, op, tensor) };
}

/** Lowers PRELU: its constant holds the slopes for values below zero. */
export function lowerPrelu(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('it has no int8 kernel here; LEAKY_RELU has one');
  const value = context.value(op, 0);
  const { laid, floats } = laidOver(context, op, value, context.input(op, 1));
  const id = slopesOf(context.add, { tensor: value.id, c: shapeOf(value).c }, laid, floats, op.name);
  context.bind(op, { ...value, id });
}

export function lowerSquaredDifference(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('it is read in float models only');
  const i = isConstant(context, context.input(op, 0)) ? 1 : 0;
  const value = context.value(op, i);
  const other = context.input(op, 1 - i);
  const less = (ids: number[], constant?: Constant) =>
    context.node('add', ids, { clamp: noClamp, minus: 1, ...(constant && { constant }) }, `${op.name}/difference`, undefined);
  const difference = () => {
    if (!isConstant(context, other)) {
      const { ids, layout } = alike(context, op, value, context.value(op, 1));
      return { id: less(ids), layout };
    }
    const { laid, floats } = laidOver(context, op, value, other);
    return { id: less([value.id], { data: Float32Array.from(valuesOf(laid, floats)) }), layout: value.layout };
  };
  const { id, layout } = difference();
  context.emit(op, 'activation', [id], { fn: 'square', clamp: noClamp }, () => layout);
}

export function lowerPow(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('TensorFlow Lite has no int8 kernel for it');
  if (!isConstant(context, context.input(op, 1))) throw new Refusal('its exponent is not constant');
  apply(context, op, powerOf(singleOf(context, op, context.input(op, 1))));
}

export function lowerSoftmax(context: Context, op: TfOperator): void {
  const beta = context.needOptions(op).float32(0);
  if (!(Number.isFinite(beta) && beta > 0)) throw malformed(op, `beta ${beta} is not positive`);
  const given = context.value(op, 0);
  const shape = shapeOf(given);
  const x = { tensor: given.id, layout: given.layout };
  const isOverTime = !context.stateful && isWindow(given.layout.at(-1) ?? [], shape);
  const turned = isOverTime ? turnedScores(context, x, op.name) : undefined;
  if (turned) context.folds = true;
  else if (isOverTime && !context.isInt8 && beta === 1 && shape.f === 1) {
    const { tensor, layout } = softmaxOfRows(context, x, op.name);
    context.bind(op, { ...given, id: tensor, layout });
    return;
  }
  const value = turned ? { ...given, id: turned.tensor, layout: turned.layout } : overChannels(context, op);
  checkFixed(context, op, softmaxOutput);
  context.emit(op, 'softmax', [value.id], { beta }, () => value.layout);
}

/**
 * Lowers LOG_SOFTMAX to a softmax and a logarithm. In int8 the softmax has steps of 1/256, so all
 * probabilities below 1/512 give the smallest output. Likely classes keep their order, the others are equal.
 */
export function lowerLogSoftmax(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('it has no int8 kernel here; end the model before it, or with SOFTMAX');
  const value = overChannels(context, op);
  const id = context.node('softmax', [value.id], { beta: 1 }, `${op.name}/softmax`, undefined);
  context.emit(op, 'activation', [id], logOfSoftmax, () => value.layout);
}

/** Returns the input of a softmax. @throws Refusal if the softmax does not run over all channels */
function overChannels(context: Context, op: TfOperator): Value {
  const value = context.value(op, 0);
  const last = factorsOf(value.layout, value.layout.length - 1);
  const { c } = shapeOf(value);
  if (last.some((f) => f.axis !== 'c') || last.reduce((n, f) => n * f.length, 1) !== c) {
    if (last.some((f) => f.axis === 't')) throw new Refusal(softmaxOverTime(framesOf(value.layout)));
    throw new Refusal(`it runs over ${showLayout([last])}, not over the channels`);
  }
  return value;
}

function checkFixed(context: Context, op: TfOperator, fixed: QuantParams): void {
  if (!context.isInt8) return;
  const quant = context.quantOf(context.output(op));
  const { scale, zeroPoint } = isInt16(quant) ? fixedInt16 : fixed;
  if (quant?.scale === scale && quant.zeroPoint === zeroPoint) return;
  throw bad(
    op.name,
    `its output has scale ${quant?.scale} and zero point ${quant?.zeroPoint}; ${scale} and ${zeroPoint} are fixed`,
  );
}

const isStored = (type: TfType): type is 'int8' | 'int16' => type === 'int8' || type === 'int16';

export function lowerQuantize(context: Context, op: TfOperator): void {
  if (!context.isInt8) {
    lowerFakeQuantize(context, op);
    return;
  }
  const value = context.laid(context.rawValue(op, 0));
  const [from, to] = [context.input(op, 0), context.output(op)];
  if (value.pad || value.batched) throw new Refusal('it reads a padded tensor');
  if (isStored(value.type) && isStored(to.type)) {
    context.emit(op, 'activation', [value.id], { fn: 'identity', clamp: noClamp }, () => value.layout);
    return;
  }
  if (value.type === 'int8' && to.type === 'uint8') {
    const [int8, uint8] = [activationQuant(from), activationQuant(to)];
    if (isShift(int8, uint8)) context.bind(op, { ...value, type: 'uint8' });
    else requantise(context, op, value, { scale: uint8.scale, zeroPoint: uint8.zeroPoint - 128 });
    return;
  }
  const tensor = context.builder.tensors[value.id];
  const isInput = context.builder.inputs.some((port) => port.tensor === value.id);
  if (!isStored(to.type) || !tensor || !isInput) throw new Refusal(`it turns ${value.type} into ${to.type} inside the model`);
  const quant = activationQuant(to);
  if (value.type === 'uint8') checkShifted(op, quant, activationQuant(from));
  if (tensor.quant && !sameParams(tensor.quant, quant)) {
    throw new Refusal('the graph input is quantised with two different scales');
  }
  tensor.quant = quant;
  context.bind(op, { ...value, type: to.type });
}

/**
 * Binds a uint8 output with another scale than its int8 input. The value is requantised to int8 with the
 * output's scale; this is the uint8 value minus 128.
 */
function requantise(context: Context, op: TfOperator, value: Value, quant: QuantParams): void {
  const attrs = { fn: 'identity' as const, clamp: noClamp };
  const id = context.node('activation', [value.id], attrs, op.name, quant);
  context.bind(op, { ...value, id, type: 'uint8' });
}

const isShift = (int8: QuantParams, uint8: QuantParams): boolean =>
  int8.scale === uint8.scale && int8.zeroPoint + 128 === uint8.zeroPoint;

/** Checks that a uint8 border is its int8 tensor plus 128: the same scale, the zero point 128 higher. */
function checkShifted(op: TfOperator, int8: QuantParams, uint8: QuantParams): void {
  if (isShift(int8, uint8)) return;
  throw new Refusal(
    `its uint8 side (scale ${uint8.scale}) is not its int8 side (scale ${int8.scale}) plus 128; ${op.op} is not a shift`,
  );
}

export function lowerDequantize(context: Context, op: TfOperator): void {
  const [from, to] = [context.input(op, 0), context.output(op)];
  if (to.type !== 'float32') throw new Refusal(`it turns ${from.type} into ${to.type}`);
  if (from.constant) {
    const read = from.type === 'float16' ? readHalves : readDequantised;
    context.folded.set(to.index, read(context, op, from));
    return;
  }
  const value = context.laid(context.rawValue(op, 0));
  const isRead = isStored(value.type) || (value.type === 'uint8' && !context.isInt8);
  if (!isRead) throw new Refusal(`it dequantises ${value.type}; int8 and int16 are read`);
  if (value.pad || value.batched) throw new Refusal('it reads a padded tensor');
  context.bind(op, { ...value, type: 'float32' });
}
