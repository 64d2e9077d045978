/**
 * Lowers ADD, SUB, MUL, DIV, ADD_N, NEG, PACK and CONCATENATION to add, mul and concat. In a float model a
 * constant operand becomes a depthwise scale and bias. A quotient becomes a product with the inverse.
 *
 * In: tensors of one shape and axis order, possibly after repetition; or a tensor and a constant.
 * Out: one node, and the nodes that repeat or invert its operands.
 * Source: TensorFlow Lite ADD, SUB, MUL, DIV (numpy broadcasting), CONCATENATION (int8 keeps scale and zero
 * point).
 */
import { type Axis, type BinaryAttrs, type Clamp, isInt16, kernelOfOne, noClamp } from '../../../graph/types.ts';
import { commonOf, repeated } from '../../broadcast.ts';
import { type Factor, fileShapeOf, type Layout, orderOf, raised, showLayout, wholeOrderOf } from '../../layout.ts';
import { weighted, weightsAsRows } from '../../over-time.ts';
import { type Laid, withSameRows } from '../../rows.ts';
import { spread, valuesOf } from '../../spread.ts';
import { isConstant, readFloats, readStored } from '../constants.ts';
import { axisOf, type Context, factorsOf, fusedClamp, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator, TfTensor } from '../model.ts';
import { activationQuant, sameQuant } from '../quantisation.ts';
import { foldAffine } from './fold.ts';
import { lowerInputStateConcat, lowerStateConcat } from './state.ts';

export function lowerBinary(context: Context, op: TfOperator): void {
  const clamp = fusedClamp(op, context.options(op), 0);
  const [left, right] = [context.input(op, 0), context.input(op, 1)];
  if (isConstant(context, right)) withConstant(context, op, 0, context.value(op, 0), right, clamp);
  else if (isConstant(context, left)) withConstant(context, op, 1, context.value(op, 1), left, clamp);
  else withTensor(context, op, context.value(op, 0), context.value(op, 1), clamp);
}

/** Lowers DIV to a product with the inverse of the divisor. */
export function lowerDiv(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('a quotient has no int8 kernel');
  const clamp = fusedClamp(op, context.options(op), 0);
  const [left, right] = [context.input(op, 0), context.input(op, 1)];
  const product = { ...op, op: 'MUL' };
  if (isConstant(context, right)) {
    withConstant(context, product, 0, context.value(op, 0), right, clamp, (v) => 1 / v);
    return;
  }
  const divisor = context.value(op, 1);
  const id = context.node('activation', [divisor.id], { fn: 'reciprocal', clamp: noClamp }, `${op.name}/inverse`, undefined);
  const inverse = { ...divisor, id };
  if (isConstant(context, left)) withConstant(context, product, 1, inverse, left, clamp);
  else withTensor(context, product, context.value(op, 0), inverse, clamp);
}

/** Lowers ADD_N: sums its inputs one after the other. */
export function lowerAddN(context: Context, op: TfOperator): void {
  if (context.isInt8) throw new Refusal('TensorFlow Lite has no int8 kernel for it');
  const values = op.inputs.map((_, i) => context.value(op, i));
  const sum = values.reduce((a, b, i) => {
    const { ids, layout } = alike(context, op, a, b);
    return { type: a.type, id: context.node('add', ids, { clamp: noClamp }, `${op.name}/${i}`, undefined), layout };
  });
  context.bind(op, sum);
}

function withTensor(context: Context, op: TfOperator, a: Value, b: Value, clamp: Clamp): void {
  const [p, q] = [shapeOf(a), shapeOf(b)];
  if (p.t === q.t && p.f === q.f && p.c === q.c && orderOf(a.layout).join() === orderOf(b.layout).join()) {
    const wider = a.layout.length >= b.layout.length ? a : b;
    emit(context, op, [a.id, b.id], { clamp }, 1, wider);
    return;
  }
  const found = op.op === 'MUL' && !context.stateful ? weighted(context, laidOf(a), laidOf(b)) : undefined;
  if (found && (context.isInt8 || clamp !== noClamp)) {
    const { tensor, layout } = weightsAsRows(context, found, op.name);
    withTensor(context, op, found.rows.tensor === a.id ? a : b, { type: a.type, id: tensor, layout }, clamp);
    return;
  }
  if (found) {
    context.bind(op, { type: a.type, id: found.rows.tensor, layout: found.rows.layout, weighted: found });
    return;
  }
  const { ids, layout } = alike(context, op, a, b);
  emit(context, op, ids, { clamp }, 1, { ...a, layout });
}

const laidOf = ({ id, layout }: Value): Laid => ({ tensor: id, layout });

/** Brings two values to one shape and returns their tensors. @throws Refusal if that is not possible */
export function alike(context: Context, op: TfOperator, a: Value, b: Value): { ids: [number, number]; layout: Layout } {
  const given = [laidOf(a), laidOf(b)] as const;
  const pair = commonOf(a.layout, b.layout) || context.stateful ? given : withSameRows(context, given, op.name);
  const common = commonOf(pair[0].layout, pair[1].layout);
  if (!common) throw new Refusal(`its inputs differ: ${showLayout(a.layout)} and ${showLayout(b.layout)}`);
  const ids = pair.map(({ tensor: id }, i) => {
    const repeat = common.repeats[i];
    if (repeat && repeat.c > 1 && context.isInt8) throw new Refusal('it broadcasts one channel to many in an int8 model');
    const quant = context.builder.tensors[id]?.quant;
    return repeat ? repeated(id, repeat, (kind, x, attrs) => context.node(kind, [x], attrs, `${op.name}/repeated`, quant)) : id;
  }) as [number, number];
  return { ids, layout: common.layout };
}

/** Adds the node of ADD, SUB or MUL. @param minus index of the operand that SUB subtracts */
function emit(context: Context, op: TfOperator, ids: number[], attrs: BinaryAttrs, minus: 0 | 1, { layout }: Value): void {
  const isWide = context.output(op).type === 'int16';
  // the field is true if it is absent
  if (isWide && op.op !== 'MUL' && context.options(op)?.int8(1, 1) !== 0)
    throw new Refusal('it shifts by scales that are powers of two (pot_scale_int16), which no kernel supports');
  if (op.op === 'MUL') context.emit(op, 'mul', ids, attrs, () => layout);
  else context.emit(op, 'add', ids, { ...attrs, ...(op.op === 'SUB' && { minus }) }, () => layout);
}

type Floats = Float32Array | null;

/** Lowers an operator with a constant; `given` is operand `i`. @param of maps the constant's values */
function withConstant(
  context: Context,
  op: TfOperator,
  i: 0 | 1,
  given: Value,
  tensor: TfTensor,
  clamp: Clamp,
  of: (v: number) => number = (v) => v,
): void {
  const value = { ...given, layout: raised(given.layout, tensor.shape.length) };
  const laid = spread(value.layout, tensor.shape);
  if (!laid) throw new Refusal(`its constant [${tensor.shape.join(', ')}] would enlarge ${showLayout(value.layout)}`);
  context.model.view.spend(0, 8 * laid.places.length);
  const minus = i === 0 ? 1 : 0;
  if (context.isInt8) {
    const quant = activationQuant(tensor);
    const isWide = value.type === 'int16';
    if (isWide !== isInt16(quant)) throw new Refusal(`its constant is ${tensor.type} beside ${value.type}`);
    if (isWide && op.op !== 'MUL') throw new Refusal('a sum of a constant and int16 has no kernel');
    const stored = valuesOf(laid, readStored(context, op, tensor));
    const data = isWide ? Int16Array.from(stored) : Int8Array.from(stored);
    emit(context, op, [value.id], { clamp, constant: { data, quant } }, minus, value);
    return;
  }
  const floats = readFloats(context, op, tensor).map(of);
  if (!floats.every(Number.isFinite)) throw new Refusal('it divides by zero');
  const data = Float32Array.from(valuesOf(laid, floats, laid.over === 'c' ? shapeOf(value).c : undefined));
  if (laid.over !== 'c') {
    emit(context, op, [value.id], { clamp, constant: { data } }, minus, value);
    return;
  }
  const negative = op.op === 'SUB' && i === 1;
  const bias = op.op === 'SUB' && i === 0 ? data.map((x) => -x) : data;
  if (op.op === 'MUL') affine(context, op, value, data, null, clamp);
  else affine(context, op, value, negative ? data.map(() => -1) : null, bias, clamp);
}

/**
 * Applies clamp(scale[c] * x + bias[c]) in the layer before, or in a depthwise convolution. A null `scale` is
 * 1, a null `bias` is 0.
 */
function affine(context: Context, op: TfOperator, value: Value, scale: Floats, bias: Floats, clamp: Clamp): void {
  if (foldAffine(context, op, value, scale, bias, clamp)) return;
  const data = scale ?? new Float32Array(shapeOf(value).c).fill(1);
  context.builder.notes.push(`${op.name}: its constant operand became a depthwise ${bias ? 'bias' : 'scale'}`);
  context.emit(
    op,
    'depthwise',
    [value.id],
    { ...kernelOfOne, multiplier: 1, weights: { data }, bias, clamp },
    () => value.layout,
  );
}

export function lowerNeg(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  if (context.isInt8) throw new Refusal('TensorFlow Lite has no int8 kernel for it');
  const { c } = shapeOf(value);
  context.model.view.spend(0, 8 * c);
  affine(context, op, value, new Float32Array(c).fill(-1), null, noClamp);
}

/** Returns the inputs of an operator that joins them; all have the output's scale and zero point. */
function partsOf(context: Context, op: TfOperator): { values: Value[]; first: Value } {
  const values = op.inputs.map((_, i) => context.value(op, i));
  op.inputs.forEach((_, i) => {
    sameQuant(context.input(op, i), context.output(op), op.name);
  });
  const [first] = values;
  if (!first) throw malformed(op, 'it has no input');
  return { values, first };
}

export function lowerConcat(context: Context, op: TfOperator): void {
  const options = context.options(op);
  const clamp = fusedClamp(op, options, 1);
  if (clamp !== noClamp) throw new Refusal('its fused activation has no kernel');
  const at = options?.int32(0) ?? 0;
  if (lowerInputStateConcat(context, op, at) || lowerStateConcat(context, op, at)) return;
  const parts = partsOf(context, op).values;
  const rank = (parts[0] as Value).layout.length;
  const dim = at < 0 ? at + rank : at;
  if (dim < 0 || dim >= rank || parts.some((v) => v.layout.length !== rank)) {
    throw malformed(op, `axis ${at} does not fit inputs of ${rank} dimensions`);
  }
  const values = flattened(context, op, parts, dim);
  const [first] = values as [Value];
  const axis = concatAxis(values, dim);
  const template = values.map((v) => v.layout);
  const others = template.map((layout) => layout.map((_, d) => (d === dim ? '' : showDim(layout, d))).join());
  if (others.some((text) => text !== others[0])) {
    throw new Refusal(`its inputs order their axes differently: ${template.map(showLayout).join(', ')}`);
  }
  const total = values.reduce((sum, v) => sum + (fileShapeOf(v.layout)[dim] as number), 0);
  const joined: Factor[] = [{ axis, length: total }];
  const layout = first.layout.map((factors, d) => (d === dim ? joined : factors));
  context.emit(
    op,
    'concat',
    values.map((v) => v.id),
    { axis },
    () => layout,
  );
}

/** Returns the inputs of a concatenation; whole windows become channels if the axes in `dim` differ. */
function flattened(context: Context, op: TfOperator, values: Value[], dim: number): Value[] {
  const axes = values.map((v) => factorsOf(v.layout, dim).map((f) => f.axis));
  const isWhole = ({ layout }: Value, i: number) =>
    layout.every((_, d) => d === dim || factorsOf(layout, d).length === 0) && (axes[i] as Axis[]).some((axis) => axis !== 'c');
  if (context.stateful || axes.every((names) => names.length < 2 && names.join() === axes[0]?.join())) return values;
  return values.map((v, i) => {
    if (!isWhole(v, i)) return v;
    const order = wholeOrderOf(v.layout);
    const name = `${op.name}/${i}`;
    const id = context.add('permute', [v.id], { order, t: 1, f: 1 }, name, context.quantOf(context.input(op, i)));
    const length = fileShapeOf(v.layout)[dim] as number;
    return { ...v, id, layout: v.layout.map((factors, d) => (d === dim ? [{ axis: 'c', length }] : factors)) };
  });
}

/**
 * Lowers PACK, which joins inputs of one shape along a new dimension: channels if it is the innermost,
 * feature rows if only channels lie inside it. A single input needs no node.
 */
export function lowerPack(context: Context, op: TfOperator): void {
  const stated = context.options(op)?.int32(1) ?? 0;
  const { values, first } = partsOf(context, op);
  const rank = first.layout.length;
  const dim = stated < 0 ? stated + rank + 1 : stated;
  if (dim < 0 || dim > rank) throw malformed(op, `axis ${stated} does not fit inputs of ${rank} dimensions`);
  if (values.some((v) => showLayout(v.layout) !== showLayout(first.layout)))
    throw new Refusal(`its inputs differ: ${values.map((v) => showLayout(v.layout)).join(', ')}`);
  const withDim = (factors: Factor[]): Layout => first.layout.toSpliced(dim, 0, factors);
  if (values.length === 1) {
    context.bind(op, { ...first, layout: withDim([]) });
    return;
  }
  const inside = new Set(first.layout.flatMap((_, d) => (d >= dim ? factorsOf(first.layout, d) : [])).map((f) => f.axis));
  const { f, c } = shapeOf(first);
  const axis = inside.size === 0 && c === 1 ? 'c' : f === 1 && [...inside].every((a) => a === 'c') ? 'f' : undefined;
  if (
    axis === undefined ||
    (axis === 'f' && first.layout.some((_, d) => d < dim && factorsOf(first.layout, d).some((x) => x.axis === 'c')))
  )
    throw new Refusal(`its new dimension ${dim} of ${showLayout(first.layout)} is neither channels nor feature rows`);
  const ids = values.map((v) => v.id);
  context.emit(op, 'concat', ids, { axis }, () => withDim([{ axis, length: values.length }]));
}

/**
 * Returns the axis of dimension `dim`. An input of length 1 there takes the axis of the others; if none has
 * an axis, the last dimension is channels.
 */
function concatAxis(values: Value[], dim: number): 'c' | 'f' {
  const axes = new Set(values.map((v) => axisOf(v.layout, dim)).filter((axis) => axis !== undefined));
  const last = dim === (values[0]?.layout.length ?? 0) - 1;
  const [axis = last ? 'c' : undefined] = axes;
  if (axis === 't') throw new Refusal('it joins frames along time');
  if (axes.size > 1 || axis === undefined)
    throw new Refusal(`dimension ${dim} is not one axis: ${values.map((v) => showLayout(v.layout)).join(', ')}`);
  const elsewhere = values.some((v) => v.layout.some((_, d) => d !== dim && factorsOf(v.layout, d).some((f) => f.axis === axis)));
  if (elsewhere) throw new Refusal(`axis ${axis} lies in two dimensions of its inputs`);
  return axis;
}

const showDim = (layout: Layout, dim: number): string =>
  factorsOf(layout, dim)
    .map((f) => `${f.axis}${f.length}`)
    .join('*');
