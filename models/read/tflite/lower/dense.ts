/**
 * Lowers FULLY_CONNECTED, and BATCH_MATMUL with a constant matrix, to dense over the whole window, or to a
 * convolution of kernel 1 if it works frame by frame.
 *
 * In: input of any rank, weights [units][in] with `in` in the file's element order, bias [units].
 * Out: dense with weights [units][t][f][c]; conv if the input holds several rows of `in` elements (a Dense
 * layer over [1, T, C]).
 * Source: TensorFlow Lite reference kernel fully_connected.h. The weights' scale rule records that the layer
 * was a FULLY_CONNECTED, whichever node it becomes.
 */
import { type DenseAttrs, elementsOf, kernelOfOne, noClamp, type Weights } from '../../../graph/types.ts';
import { dim, fileShapeOf, type Layout, orderOf, reshapeLayout, showLayout, toNormalForm, transposed } from '../../layout.ts';
import { isWindow, linearOverTime } from '../../over-time.ts';
import { isConstant, readBias, readReals, readWeights } from '../constants.ts';
import { type Context, fusedClamp, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { lowerProduct } from './product.ts';

/** Maps the layout of an output to the dimensions of the file. */
type Shaped = (layout: Layout) => Layout;

export function lowerDense(context: Context, op: TfOperator): void {
  const value = streamed(context, op) ?? context.value(op, 0);
  const filter = context.input(op, 1);
  const [units = 0, inputs = 0] = filter.shape;
  const shape = shapeOf(value);
  const elements = elementsOf(shape);
  if (filter.shape.length !== 2 || units < 1 || inputs < 1 || elements % inputs !== 0) {
    throw malformed(op, `weights [${filter.shape.join(', ')}] do not fit ${elements} inputs`);
  }
  const options = context.options(op);
  if ((options?.int8(1) ?? 0) !== 0) throw new Refusal('its weights are shuffled');
  const weights = readWeights(context, op, filter, 0);
  const ruled: Weights = { ...weights, scaleRule: 'dense' };
  const bias = readBias(context, op, units, ruled);
  const clamp = fusedClamp(op, options, 0);
  linear(context, op, value, inputs, { units, weights: ruled, bias, clamp }, options?.bool(2) ?? false);
}

/**
 * Lowers a product with a constant matrix. If the matrix comes first, both operands and the result are
 * transposed: A X = (X' A')'.
 */
export function lowerBatchMatMul(context: Context, op: TfOperator): void {
  const at = [1, 0].find((i) => isConstant(context, context.input(op, i)));
  if (at === undefined) {
    lowerProduct(context, op);
    return;
  }
  if (context.isInt8) throw new Refusal('its matrix is int8, which is read in FULLY_CONNECTED');
  const matrix = context.input(op, at);
  const isFirst = at === 0;
  const isTurned = [0, 1].map((field) => (context.options(op)?.bool(field) ?? false) !== isFirst);
  const isByUnit = isTurned[at];
  const [inner = 0, outer = 0] = matrix.shape.slice(-2);
  const [inputs, units] = isByUnit ? [outer, inner] : [inner, outer];
  const given = context.value(op, 1 - at);
  const value = isTurned[1 - at] ? { ...given, layout: transposed(given.layout) } : given;
  const isOne = matrix.shape.slice(0, -2).every((n) => n === 1) && matrix.shape.length <= Math.max(value.layout.length, 2);
  if (!isOne || units < 1) throw new Refusal(`a matrix of [${matrix.shape.join(', ')}]`);
  const data = readReals(context, op, matrix);
  if (matrix.type === 'int8') context.hybrid.push(op.name);
  const of = (u: number, i: number) => data[isByUnit ? u * inputs + i : i * units + u] as number;
  const weights = { data: Float32Array.from(data, (_, k) => of(Math.floor(k / inputs), k % inputs)) };
  const layer = { units, weights, bias: null, clamp: noClamp };
  linear(context, op, value, inputs, layer, true, isFirst ? transposed : undefined);
}

/**
 * Adds a linear layer over rows of `inputs` elements.
 * @param keeps true if the output keeps the dimensions before the last
 * @param turn maps the output's layout to the file's; by default unchanged
 */
function linear(
  context: Context,
  op: TfOperator,
  value: Value,
  inputs: number,
  layer: DenseAttrs,
  keeps: boolean,
  turn: Shaped = (layout) => layout,
): void {
  const { units } = layer;
  const shape = shapeOf(value);
  const rows = elementsOf(shape) / inputs;
  const file = fileShapeOf(value.layout);
  const outShape = keeps ? [...file.slice(0, -1), units] : [rows, units];
  if (keeps && file.at(-1) !== inputs) throw malformed(op, `it keeps dimensions, and the last is ${file.at(-1)}, not ${inputs}`);
  const shaped = (layout: Layout) => turn(reshapeLayout(layout, outShape, op.name));
  if (!context.stateful && rows > 1 && isWindow(value.layout.at(-1) ?? [], shape)) {
    const x = { tensor: value.id, layout: value.layout };
    const made = linearOverTime(context, x, layer, op.name, context.quantOf(context.output(op)));
    if (typeof made === 'string') throw new Refusal(made);
    context.bind(op, { ...value, id: made.tensor, layout: shaped(made.layout) });
    return;
  }
  if (rows > 1) {
    perFrame(context, op, value.id, reshapeRows(op, value.layout, rows, inputs), layer, shaped);
    return;
  }
  const map = toNormalForm(orderOf(value.layout), shape);
  const attrs = { ...layer, weights: permuteColumns(layer.weights, units, map) };
  if (context.isStream(value.id)) {
    overRows(context, op, value, attrs, shaped);
    return;
  }
  context.emit(op, 'dense', [value.id], attrs, () => shaped([dim('c', units)]));
}

/** Returns, in a stateful model, a stream with its earlier rows, if the layer reads all of them at once. */
function streamed(context: Context, op: TfOperator): Value | undefined {
  const { history } = context.rawValue(op, 0);
  const inputs = context.input(op, 1).shape[1] ?? 0;
  if (history?.after !== 0 || history.before < 0) return undefined;
  const value = context.value(op, 0, 'history');
  return elementsOf(shapeOf(value)) === inputs ? value : undefined;
}

/**
 * Adds a layer over all rows of a stream and its past, as a convolution that moves by one step, so that its
 * output is a stream too.
 */
function overRows(context: Context, op: TfOperator, value: Value, dense: DenseAttrs, shaped: Shaped): void {
  const { t, f } = shapeOf(value);
  const attrs = {
    kernelT: t,
    kernelF: f,
    strideT: context.builder.shape(value.id).t,
    strideF: 1,
    dilationT: 1,
    dilationF: 1,
    padT: [value.history?.before ?? 0, 0] as const,
    padF: [0, 0] as const,
    groups: 1,
    outChannels: dense.units,
    weights: dense.weights,
    bias: dense.bias,
    clamp: dense.clamp,
  };
  context.emit(op, 'conv', [value.id], attrs, () => shaped([dim('c', dense.units)]));
}

/** Returns the input's layout as [rows][inputs]. @throws Refusal if that splits an axis */
function reshapeRows(op: TfOperator, layout: Layout, rows: number, inputs: number): Layout {
  try {
    return reshapeLayout(layout, [rows, inputs], op.name);
  } catch {
    throw new Refusal(`its rows of ${inputs} elements cut through an axis of ${showLayout(layout)}`);
  }
}

/**
 * Adds a layer over rows of [f][c] or [c], as a convolution of kernel 1 over time (and over features if the
 * rows hold only channels).
 */
function perFrame(context: Context, op: TfOperator, id: number, layout: Layout, dense: DenseAttrs, shaped: Shaped): void {
  const [rows = [], columns = []] = layout;
  const names = columns.map((f) => f.axis).join('');
  const shape = context.builder.shape(id);
  const wholeFrame = names === 'fc' || (names === 'f' && context.builder.shape(id).c === 1);
  if (!(names === 'c' || names === '' || wholeFrame)) {
    throw new Refusal(`its rows hold ${names || 'nothing'} of ${showLayout(layout)}; features before channels are expected`);
  }
  const attrs = {
    ...kernelOfOne,
    kernelF: wholeFrame ? shape.f : 1,
    groups: 1,
    outChannels: dense.units,
    weights: dense.weights,
    bias: dense.bias,
    clamp: dense.clamp ?? noClamp,
  };
  const out: Layout = [...rows.map((f) => [f]), dim('c', dense.units)];
  context.emit(op, 'conv', [id], attrs, () => shaped(out));
}

/** Reorders the weights' columns from the file's order to [t][f][c]. */
function permuteColumns(weights: Weights, units: number, map: Uint32Array): Weights {
  if (map.every((from, i) => from === i)) return weights;
  const from = weights.data;
  const data = from.slice();
  for (let u = 0; u < units; u++) {
    const row = u * map.length;
    for (let i = 0; i < map.length; i++) data[row + i] = from[row + (map[i] as number)] as number;
  }
  return { ...weights, data };
}
