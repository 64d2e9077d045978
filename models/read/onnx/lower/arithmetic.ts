/**
 * Lowers Add, Sub, Mul, Div, Neg, HardSigmoid and Concat.
 *
 * In: two activations of one shape, or an activation and a constant.  Out: add, mul, concat. A constant per
 * channel becomes a depthwise convolution of kernel 1 (y = scale[c] * x + offset[c]), which foldGraph folds
 * into its neighbours. A constant that differs from row to row, or that the file quantised with one scale,
 * stays an operand.
 * Source: ONNX Add-14, Mul-14, Concat-13 with their broadcasting.
 */
import { type Axis, type BinaryAttrs, type Constant, noClamp } from '../../../graph/types.ts';
import { commonOf, repeated } from '../../broadcast.ts';
import { dim, type Layout, raised, runOf, showLayout } from '../../layout.ts';
import { weighted } from '../../over-time.ts';
import { type Spread, spread, valuesOf } from '../../spread.ts';
import { concat } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Const, countOf } from '../tensor.ts';
import {
  type Activation,
  axisOfDim,
  dimsOf,
  type Elements,
  sameLayout,
  type Value,
  type Weighted,
  wholeAxis,
} from '../values.ts';
import { asMask } from './mask.ts';
import { flattened, withChannels, withQuant, withSameAxes } from './regroup.ts';

export function lowerArithmetic(ctx: Lowering, node: NodeView): Value[] {
  const [a, b] = node.inputs;
  if (node.inputs.length !== 2 || !a || !b) return refuse('it takes two inputs');
  const isComputed = ({ kind }: Value) => kind === 'activation' || kind === 'weighted';
  if (isComputed(a) && isComputed(b)) return [twoActivations(ctx, node)];
  const constantFirst = a.kind === 'const';
  const given = ctx.activation(node, constantFirst ? 1 : 0, { raw: true });
  const stated = ctx.constant(node, constantFirst ? 0 : 1, 'operand');
  const operand = node.op === 'Add' ? asMask(ctx, node, stated) : stated;
  const x = { ...given, layout: raised(given.layout, operand.dims.length) };
  const laid = laidOver(ctx, node, x, operand);
  const { f } = ctx.builder.shape(x.tensor);
  const integers = x.dequantised && node.op !== 'Div' ? integerOperand(laid, operand) : undefined;
  if (integers) return [withOperand(ctx, node, x, integers, constantFirst)];
  const values = valuesOf(laid, operand.data, laid.over === 'c' ? ctx.channelsOf(x) : undefined);
  if (laid.over === 'c') return [withValues(ctx, node, x, values, constantFirst)];
  if (ctx.quantised)
    refuse(`its constant of [${operand.dims.join(', ')}] varies along ${laid.over}, and has more than one scale`);
  if (laid.over === 'f' && f <= maxRows) return [byRows(ctx, node, x, values, constantFirst)];
  return [withWindow(ctx, node, x, values, constantFirst)];
}

/** Returns which element of the constant belongs to each element of x. */
function laidOver(ctx: Lowering, node: NodeView, x: Activation, { dims, data }: Const): Spread {
  if (data.length === 0) refuse('an empty constant');
  const laid = spread(x.layout, dims);
  if (!laid) return refuse(`a constant of [${dims.join(', ')}] would enlarge [${dimsOf(x).join(', ')}]`);
  ctx.budget.spend(laid.places.length, node.name);
  return laid;
}

/** Emits an add or mul with the constant as its second operand. */
const withOperand = (ctx: Lowering, node: NodeView, x: Activation, constant: Constant, constantFirst: boolean): Activation =>
  ctx.activationOf(emit(ctx, node, [x.tensor], { clamp: noClamp, constant }, constantFirst ? 0 : 1), x.layout);

/** Lowers a constant that differs from row to row, such as a positional encoding or a window function. */
function withWindow(ctx: Lowering, node: NodeView, given: Activation, values: Float64Array, constantFirst: boolean): Activation {
  const isQuotient = node.op === 'Div';
  const x = isQuotient && constantFirst ? inverted(ctx, node, given) : real(ctx, node, given);
  const data = Float32Array.from(values, (v) => (isQuotient && !constantFirst ? 1 / v : v));
  if (!data.every(Number.isFinite)) refuse('its constant is not finite');
  return withOperand(ctx, { ...node, op: isQuotient ? 'Mul' : node.op }, x, { data }, constantFirst);
}

/** Lowers the operator with one constant value per channel. */
function withValues(ctx: Lowering, node: NodeView, y: Activation, values: Float64Array, constantFirst: boolean): Activation {
  const negative = (v: Float64Array): Float64Array => v.map((one) => -one);
  const scaled = (x: Activation, by: Float64Array, offset: Float64Array | null = null): Activation =>
    ctx.scaleAndOffset(x, by, offset, node.name);
  switch (node.op) {
    case 'Add':
      return offsetBy(ctx, node, y, values);
    case 'Sub':
      if (!constantFirst) return offsetBy(ctx, node, y, negative(values));
      return scaled(real(ctx, node, y), new Float64Array(values.length).fill(-1), values);
    case 'Mul':
      return scaled(real(ctx, node, y), values);
    case 'Div':
      if (constantFirst && ctx.quantised) refuse('a constant divided by an activation, in a quantised graph');
      if (constantFirst) return scaled(inverted(ctx, node, y), values);
      return scaled(real(ctx, node, y), values.map((v) => 1 / v)); // biome-ignore format: one line
  }
  return refuse(`operator ${node.op}`);
}

/** Largest number of feature rows that are computed separately. A choice: each needs three operators. */
const maxRows = 8;

/** Lowers the operator separately for each feature row. */
function byRows(ctx: Lowering, node: NodeView, x: Activation, values: Float64Array, constantFirst: boolean): Activation {
  const { f, c } = ctx.builder.shape(x.tensor);
  ctx.activation({ ...node, inputs: [x] }, 0);
  const rows = Array.from({ length: f }, (_, row) => {
    const name = `${node.name}/${row}`;
    const part = ctx.activationOf(ctx.emit('slice', [x.tensor], { axis: 'f', from: row, to: row + 1 }, `${name}/row`), x.layout);
    return withValues(ctx, { ...node, name }, part, values.slice(row * c, (row + 1) * c), constantFirst).tensor;
  });
  return ctx.activationOf(ctx.emit('concat', rows, { axis: 'f' }, node.name), x.layout);
}

/** Emits Add, Sub or Mul. @param minus index of the operand that Sub subtracts. */
const emit = (ctx: Lowering, { op, name }: NodeView, xs: number[], attrs: BinaryAttrs, minus: 0 | 1): number =>
  op === 'Mul' ? ctx.emit('mul', xs, attrs, name) : ctx.emit('add', xs, { ...attrs, ...(op === 'Sub' && { minus }) }, name);

const inverted = (ctx: Lowering, node: NodeView, { tensor, layout }: Activation): Activation =>
  ctx.activationOf(ctx.emit('activation', [tensor], { fn: 'reciprocal', clamp: noClamp }, `${node.name}/reciprocal`), layout);

export function lowerNeg(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const minus = new Float64Array(ctx.channelsOf(x)).fill(-1);
  return [ctx.scaleAndOffset(x, minus, null, node.name)];
}

/** Lowers max(0, min(1, alpha * x + beta)) as a scale, an offset and a clamp. */
export function lowerHardSigmoid(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const c = ctx.channelsOf(x);
  const alpha = new Float64Array(c).fill(node.attributes.float('alpha', 0.2));
  const beta = new Float64Array(c).fill(node.attributes.float('beta', 0.5));
  return [ctx.scaleAndOffset(x, alpha, beta, node.name, [0, 1])];
}

/** Returns the activation, and checks that it is quantised in an int8 graph. */
function real(ctx: Lowering, node: NodeView, y: Activation): Activation {
  ctx.activation({ ...node, inputs: [y] }, 0);
  return y;
}

/** Adds a constant per channel. In int8 graphs it joins the bias of a layer whose scale is not set yet. */
function offsetBy(ctx: Lowering, node: NodeView, y: Activation, offset: Float64Array): Activation {
  if (ctx.quantised && !y.dequantised) {
    const producer = ctx.soleProducer(y.tensor);
    if (producer && (producer.op === 'conv' || producer.op === 'depthwise' || producer.op === 'dense')) {
      const { attrs } = producer;
      const scales = ctx.accumulatorScales(offset.length, producer.inputs[0] as number, attrs.weights);
      if (attrs.clamp[0] === noClamp[0] && attrs.clamp[1] === noClamp[1]) {
        attrs.bias = Int32Array.from(offset, (v, o) => Math.round(v / (scales[o] as number)) + (attrs.bias?.[o] ?? 0));
        return y;
      }
    }
  }
  return ctx.scaleAndOffset(
    real(ctx, node, y),
    offset.map(() => 1),
    offset,
    node.name,
  );
}

/** Returns a constant that is quantised with one scale as int8; undefined for other constants. */
function integerOperand(laid: Spread, { quantised: q }: Const): Constant | undefined {
  if (q?.scales.length !== 1 || q.data instanceof Int32Array) return undefined;
  const shift = q.data instanceof Uint8Array ? 128 : 0;
  const data = Int8Array.from(valuesOf(laid, q.data), (v) => v - shift);
  return { data, quant: { scale: q.scales[0] as number, zeroPoint: (q.zeroPoints[0] as number) - shift } };
}

/** Brings two values to one shape. */
export function alike(ctx: Lowering, node: NodeView, a: Activation, b: Activation): { pair: [number, number]; layout: Layout } {
  const common = commonOf(a.layout, b.layout);
  if (!common) return refuse(`the axes of its inputs differ: ${showLayout(a.layout)} and ${showLayout(b.layout)}`);
  const pair = [a, b].map(({ tensor }, i) => {
    const repeat = common.repeats[i];
    if (repeat && ctx.quantised) refuse('it repeats rows of an operand, in a quantised graph');
    return repeat ? repeated(tensor, repeat, (op, x, attrs) => ctx.emit(op, [x], attrs, `${node.name}/repeated`)) : tensor;
  }) as [number, number];
  return { pair, layout: common.layout };
}

function twoActivations(ctx: Lowering, node: NodeView): Activation | Weighted {
  const [first, second] = [ctx.activation(node, 0), ctx.activation(node, 1)];
  const rows = node.op === 'Mul' ? weighted(ctx, first, second) : undefined;
  if (rows) return { kind: 'weighted', ...rows };
  const [a, b] = withSameAxes(ctx, node, first, second);
  const { pair, layout } = alike(ctx, node, a, node.op === 'Div' ? inverted(ctx, node, b) : b);
  const product = { ...node, op: node.op === 'Div' ? 'Mul' : node.op };
  return ctx.activationOf(emit(ctx, product, pair, { clamp: noClamp }, 1), layout);
}

/** Lowers a Concat of a state, which holds earlier rows of a signal, and the new rows. */
function behindState(ctx: Lowering, node: NodeView, { ids }: Elements): Value[] {
  const x = ctx.activation(node, 1);
  const { layout } = x;
  const at = axisIn(node.attributes.int('axis', 0), layout.length);
  const dims = dimsOf(x);
  if (ids.dims.length !== dims.length || ids.dims.some((d, i) => i !== at && d !== dims[i]))
    refuse(`a state of [${ids.dims.join(', ')}] before [${dims.join(', ')}]`);
  const own = layout[at] ?? [];
  const isTime = own.length === 0 ? ctx.builder.shape(x.tensor).t === 1 : own.length === 1 && own[0]?.axis === 't';
  if (!isTime) refuse(`its state lies along dimension ${at} of ${showLayout(layout)}, which is not time`);
  const [rows, fresh] = [ids.dims[at] as number, dims[at] as number];
  const sides: [number, number, number] = [countOf(dims.slice(0, at)), rows, countOf(dims.slice(at + 1))];
  const source = `${x.tensor} ${showLayout(layout)}`;
  const data = ctx.states.join(ids.data, sides, fresh, source) ?? refuse('its state also belongs to another layer');
  const tensor = ctx.emit('history', [x.tensor], { before: rows, after: 0 }, node.name);
  const whole = layout.map((factors, i) => (i === at ? dim('t', rows + fresh) : factors));
  return [{ ...ctx.activationOf(tensor, whole), next: { ...ids, dims: dims.with(at, rows + fresh), data } }];
}

const zerosOf = (dims: number[]): Const => ({ kind: 'const', type: 'float32', dims, data: new Float32Array(countOf(dims)) });

/**
 * Lowers a Concat along time as the sum of its parts, each between frames of zeros, and of its constant
 * frames. Zeros at both ends become padding. Undefined if it joins along another axis.
 */
function joinedFrames(ctx: Lowering, node: NodeView): Activation | undefined {
  const activations = node.inputs.flatMap((v) => (v?.kind === 'activation' ? [v] : []));
  const [first] = activations;
  // padding before the rows of a stream is its past, not constant frames
  const isPast = ctx.states.any && activations.length < node.inputs.length;
  if (!first || ctx.quantised || isPast) return undefined;
  const at = axisIn(node.attributes.int('axis', 0), first.layout.length);
  if (!activations.some(({ layout }) => layout[at]?.some(({ axis }) => axis === 't'))) return undefined;
  const parts = node.inputs.map((v, i) => {
    const x = v?.kind === 'const' ? v : ctx.activation(node, i);
    const dims = dimsOf(x);
    const isLike = (d: number, k: number) => k === at || d === dimsOf(first)[k];
    const { t } = x.kind === 'const' ? { t: 0 } : ctx.builder.shape(x.tensor);
    const isAlone = x.kind === 'const' || x.layout[at]?.every(({ axis, length }) => axis === 't' && length === t);
    if (dims.length !== first.layout.length || !dims.every(isLike) || !isAlone)
      return refuse(`it joins [${dims.join(', ')}] to [${dimsOf(first).join(', ')}]`);
    return { x, rows: dims[at] as number };
  });
  const isPart = ({ x }: { x: Const | Activation }) => x.kind === 'activation';
  const [from, to] = [parts.findIndex(isPart), parts.findLastIndex(isPart) + 1];
  const rowsOf = (list: typeof parts) => list.reduce((sum, { rows }) => sum + rows, 0);
  const inner = parts.slice(from, to);
  const sum = inner.reduce<number | undefined>((tensor, { x, rows }, i) => {
    if (x.kind !== 'activation') return tensor;
    const name = `${node.name}/${i}`;
    const before = rowsOf(inner.slice(0, i));
    const after = rowsOf(inner) - before - rows;
    const placed = before + after === 0 ? x.tensor : ctx.emit('history', [x.tensor], { before, after, own: 'zero' }, name);
    return tensor === undefined ? placed : ctx.emit('add', [tensor, placed], { clamp: noClamp }, `${name}/joined`);
  }, undefined) as number;
  const layout = first.layout.with(at, dim('t', rowsOf(parts)));
  const t: [number, number] = [rowsOf(parts.slice(0, from)), rowsOf(parts.slice(to))];
  const constants = parts.map(({ x }) => (x.kind === 'const' ? x : zerosOf(dimsOf(x))));
  if (constants.some(({ data }) => data.some((value: number) => value !== 0))) {
    const whole = ctx.emit('history', [sum], { before: t[0], after: t[1], own: 'zero' }, `${node.name}/rows`);
    const frames = concat(constants, at);
    const view = { ...node, op: 'Add', inputs: [ctx.activationOf(whole, layout), frames], inputNames: ['', ''] };
    const [joined] = lowerArithmetic(ctx, view);
    return joined?.kind === 'activation' ? joined : refuse('it joins frames that are weighted over time');
  }
  return { ...ctx.activationOf(sum, layout), ...(t[0] + t[1] > 0 && { pads: { t, f: [0, 0] } }) };
}

/** Returns the tensor whose single rows the Concat joins again in their order; undefined for other inputs. */
function rejoinedRows(ctx: Lowering, node: NodeView): Activation | undefined {
  const [first] = node.inputs;
  if (first?.kind !== 'activation' || node.inputs.length < 2) return undefined;
  const at = axisIn(node.attributes.int('axis', 0), first.layout.length);
  const sources = node.inputs.map((x, row) => {
    if (x?.kind !== 'activation' || x.pads || (x.layout[at] ?? []).length > 0 || !sameLayout(x.layout, first.layout))
      return undefined;
    const crop = ctx.builder.nodes.findLast(({ output }) => output === x.tensor);
    const isRow = crop && 'before' in crop.attrs && crop.attrs.before === -row && crop.attrs.own === undefined;
    return isRow && ctx.builder.shape(x.tensor).t === 1 ? crop.inputs[0] : undefined;
  });
  const [whole] = sources;
  if (whole === undefined || sources.some((source) => source !== whole) || ctx.builder.shape(whole).t !== sources.length)
    return undefined;
  return withQuant(ctx, first, ctx.activationOf(whole, first.layout.with(at, dim('t', sources.length))));
}

/** Turns whole windows in the joined dimension into channels, unless all inputs hold only time there. */
function flattenedParts(ctx: Lowering, node: NodeView): (Value | undefined)[] {
  const at = node.attributes.int('axis', 0);
  const held = node.inputs.map((v) => (v?.kind === 'activation' ? (v.layout.at(at) ?? []) : []));
  const isTime = (factors: Layout[number]) => factors.every(({ axis }) => axis === 't');
  if (held.every(isTime)) return node.inputs;
  return node.inputs.map((v, i) => {
    const hasTime = held[i]?.some(({ axis }) => axis === 't');
    return v?.kind === 'activation' && hasTime ? flattened(ctx, { ...node, name: `${node.name}/${i}` }, v) : v;
  });
}

export function lowerConcat(ctx: Lowering, asked: NodeView): Value[] {
  const [past] = asked.inputs;
  if (past?.kind === 'elements' && past.when === 'now' && asked.inputs.length === 2) return behindState(ctx, asked, past);
  const node = { ...asked, inputs: flattenedParts(ctx, asked) };
  const frames = rejoinedRows(ctx, node) ?? joinedFrames(ctx, node);
  if (frames) return [frames];
  const given = node.inputs.map((_, i) => ctx.activation(node, i, { raw: true }));
  const rank = given[0]?.layout.length ?? refuse('it joins nothing');
  const at = axisIn(node.attributes.int('axis', 0), rank);
  // features and channels in one dimension become channels
  const isMixed = ({ layout }: Activation) => (layout[at] ?? []).length > 1;
  const regrouped = given.map((p) => (isMixed(p) ? withChannels(ctx, node, p) : p));
  const parts = regrouped.map((p) => (isMixed(p) && ctx.builder.shape(p.tensor).t === 1 ? flattened(ctx, node, p) : p));
  const [first] = parts as [Activation];
  if (parts.length === 1) return [first];
  const axes = new Set(parts.flatMap((p) => (p.layout[at] ?? []).map((f) => f.axis)));
  const rest = (layout: Layout): Layout => layout.map((factors, i) => (i === at ? [] : factors));
  if (parts.some((p) => p.layout.length !== rank || !sameLayout(rest(p.layout), rest(first.layout)))) {
    refuse(`the axes of its inputs differ: ${parts.map((p) => showLayout(p.layout)).join(', ')}`);
  }
  if (axes.size > 1 || parts.some((p) => (p.layout[at] ?? []).length > 1))
    refuse(`dimension ${at} of ${showLayout(first.layout)} mixes axes`);
  const axis: Axis = [...axes][0] ?? axisOfDim(first.layout, at, 'f');
  if (axis === 't') return refuse('it joins frames (time), in a quantised graph or in a model with states');
  // whole groups of channels are stacked
  const isOuter = axis === 'c' && parts.every(({ layout }) => layout[at]?.length === 1 && runOf(layout, at, axis) !== undefined);
  if (!isOuter) wholeAxis(first.layout, at, axis);
  const tensor = ctx.emit(
    'concat',
    parts.map((p) => p.tensor),
    { axis },
    node.name,
  );
  const whole = isOuter ? parts.reduce((sum, part) => sum + (dimsOf(part)[at] as number), 0) : ctx.builder.shape(tensor)[axis];
  const layout = first.layout.map((factors, i) => (i === at ? dim(axis, whole) : factors));
  return [ctx.activationOf(tensor, layout)];
}
