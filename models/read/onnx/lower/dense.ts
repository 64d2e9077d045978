/**
 * Lowers Gemm, MatMul and Einsum.
 *
 * In: [..., k] activations and constant weights [k, n] ([n, k] with transB).  Out: dense if the last
 * dimension holds the whole window, a conv of kernel 1 if it holds the channels of each frame, a conv over
 * all frames if it holds time. Formula: y = alpha * x * W + beta * C.  Source: ONNX Gemm-13, MatMul-13.
 */
import { elementsOf, kernelOfOne, noClamp } from '../../../graph/types.ts';
import { dim, fileShapeOf, orderOf, showLayout, toNormalForm, transposed } from '../../layout.ts';
import { isWindow, linearOverTime } from '../../over-time.ts';
import { asRows } from '../../rows.ts';
import { constantOf, transpose } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import { type Const, countOf } from '../tensor.ts';
import { type Activation, sameLayout, type Value } from '../values.ts';
import { lowerArithmetic } from './arithmetic.ts';
import { channelOrder } from './conv.ts';
import { einsumOfTwo, matMulOfTwo } from './product.ts';
import { withChannels, withRows } from './regroup.ts';

export function lowerGemm(ctx: Lowering, node: NodeView): Value[] {
  const { attributes } = node;
  const alpha = attributes.float('alpha', 1);
  const beta = attributes.float('beta', 1);
  if (attributes.int('transA', 0) !== 0) refuse('transA = 1');
  const transB = attributes.int('transB', 0) === 1;
  if (node.inputs[2]?.kind !== 'activation') return linear(ctx, node, transB, ctx.optional(node, 2, 'C'), alpha, beta);
  const product = { ...node, name: `${node.name}/product` };
  const [y] = linear(ctx, product, transB, undefined, alpha, 1);
  const added = node.inputs[2];
  const [c] = beta === 1 ? [added] : lowerArithmetic(ctx, ofTwo(node, 'Mul', 'beta', added, constantOf([beta], [], 'float32')));
  return lowerArithmetic(ctx, ofTwo(node, 'Add', 'sum', y, c));
}

const ofTwo = (node: NodeView, op: string, what: string, ...inputs: (Value | undefined)[]): NodeView => ({
  ...node,
  op,
  name: `${node.name}/${what}`,
  inputs,
  inputNames: ['', ''],
});

/**
 * Lowers Einsum that multiplies the last dimension by a matrix, `...i,ih->...h`, or by one matrix for each
 * group, `...gi,gih->...gh`.
 */
export function lowerEinsum(ctx: Lowering, node: NodeView): Value[] {
  if (node.inputs[1]?.kind === 'activation') return einsumOfTwo(ctx, node);
  const x = ctx.activation(node, 0);
  const equation = node.attributes.string('equation', '').replaceAll(' ', '');
  const [, of = '', by = '', to = ''] = /^([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$/.exec(equation) ?? [];
  const w = ctx.constant(node, 1, 'weights');
  const [inner, outer] = [by.at(-2) ?? '', by.at(-1) ?? ''];
  const groups = by.slice(0, -2);
  const isProduct = of.endsWith(inner) && to === of.slice(0, -1) + outer && new Set(of + outer).size === of.length + 1;
  if (!isProduct || of.length !== x.layout.length || by.length !== w.dims.length || ![...groups].every((g) => of.includes(g)))
    refuse(`equation ${equation.slice(0, 64)}: only a product with a matrix, ...i,ih->...h, is supported`);
  const several = [...groups].filter((_, i) => w.dims[i] !== 1);
  if (several.length > 0) return [grouped(ctx, node, x, w, several.map((g) => of.indexOf(g)))]; // biome-ignore format: one line
  const matrix = { ...w, dims: w.dims.slice(-2) };
  return linear(ctx, { ...node, inputs: [x, matrix] }, false, undefined, 1, 1);
}

/**
 * Lowers a product with one matrix per group of channels. Dimension `at` of x counts the groups, the last
 * dimension the channels of a group.
 */
function grouped(ctx: Lowering, node: NodeView, given: Activation, w: Const, [at, ...more]: number[]): Activation {
  const x = withChannels(ctx, node, given);
  const { f, c } = ctx.builder.shape(x.tensor);
  const [inputs = 0, units = 0] = w.dims.slice(-2);
  const groups = c / inputs;
  const isGrouped =
    f === 1 && at !== undefined && sameLayout([x.layout[at] ?? [], x.layout.at(-1) ?? []], [dim('c', groups), dim('c', inputs)]);
  if (!isGrouped || more.length > 0 || countOf(w.dims) !== c * units)
    return refuse(`weights of [${w.dims.join(', ')}] for an input of ${showLayout(x.layout)}`);
  if ((w.quantised?.scales.length ?? 1) > 1) refuse('its weights have several scales');
  const index = Uint32Array.from({ length: c * units }, (_, i) => {
    const [o, k] = [Math.floor(i / inputs), i % inputs];
    return (Math.floor(o / units) * inputs + k) * units + (o % units);
  });
  const weights = ctx.weights(w, index, w.dims.length - 1);
  const attrs = { ...kernelOfOne, groups, outChannels: groups * units, weights, bias: null, clamp: noClamp };
  return ctx.activationOf(ctx.emit('conv', [x.tensor], attrs, node.name), x.layout.with(-1, dim('c', units)));
}

/** Applies transBatchA and transBatchB of FusedMatMul: moves the first dimension to the end of the batch. */
function withBatchFirst({ inputs, attributes }: NodeView): (Value | undefined)[] {
  return inputs.map((value, i) => {
    if (attributes.int(i === 0 ? 'transBatchA' : 'transBatchB', 0) === 0) return value;
    if (value?.kind !== 'activation' || value.layout.length < 3) return refuse('a transposed batch of a constant');
    const { layout } = value;
    return { ...value, layout: [...layout.slice(1, -1), ...layout.slice(0, 1), ...layout.slice(-1)] };
  });
}

/** Returns the dimension that counts the matrices of a constant; undefined if none or several do. */
function groupsOf({ dims }: Const): number | undefined {
  const [at, more] = [...dims.keys()].filter((d) => d < dims.length - 2 && dims[d] !== 1);
  return more === undefined ? at : undefined;
}

/** Transposes the last two dimensions. */
function lastTurned(w: Const): Const {
  const last = w.dims.length - 1;
  const turned = [...w.dims.keys()].with(last, last - 1).with(last - 1, last);
  return transpose(w, turned);
}

/** Lowers an activation times a matrix, a vector, or one matrix per group. */
function byMatrix(ctx: Lowering, node: NodeView, transB: boolean): Value[] {
  const [x, w] = [ctx.activation(node, 0), ctx.constant(node, 1, 'weights')];
  if (w.dims.length === 1) {
    const column = { ...w, dims: [w.data.length, 1] };
    const [y] = linear(ctx, { ...node, inputs: [x, column] }, false, undefined, 1, 1);
    return y?.kind === 'activation' ? [{ ...y, layout: y.layout.slice(0, -1) }] : [];
  }
  const at = groupsOf(w);
  if (at !== undefined && w.dims.length === x.layout.length) return [grouped(ctx, node, x, transB ? lastTurned(w) : w, [at])];
  return linear(ctx, node, transB, undefined, 1, 1);
}

/**
 * Lowers MatMul, and FusedMatMul, which may transpose its operands. A constant times an activation is the
 * transpose of the product of both transposes.
 */
export function lowerMatMul(ctx: Lowering, given: NodeView): Value[] {
  const node = { ...given, inputs: withBatchFirst(given) };
  const [w, other] = node.inputs;
  const [first, second] = [node.attributes.int('transA', 0) === 1, node.attributes.int('transB', 0) === 1];
  if (w?.kind === 'activation' && other?.kind === 'activation') return matMulOfTwo(ctx, node, [first, second]);
  if (first) return refuse('transA = 1');
  if (w?.kind !== 'const') return byMatrix(ctx, node, second);
  const factor = ctx.activation(node, 1);
  const x = second ? { ...factor, layout: transposed(factor.layout) } : factor;
  const of = groupsOf(w);
  if (of !== undefined && w.dims.length === x.layout.length) {
    const y = grouped(ctx, node, { ...x, layout: transposed(x.layout) }, lastTurned(w), [of]);
    return [{ ...y, layout: transposed(y.layout) }];
  }
  const rank = x.layout.length;
  const batch = w.dims.slice(0, -2);
  // several matrices, such as the two of complex numbers, are stacked to one
  const isSeveral = rank === 2 && batch.length === 1;
  if (rank < 2 || w.dims.length < 2 || !(isSeveral || (w.dims.length <= rank && batch.every((d) => d === 1))))
    refuse(`weights of [${w.dims.join(', ')}] before an input of [${fileShapeOf(x.layout).join(', ')}]`);
  const [rows = 0, columns = 0] = w.dims.slice(-2);
  const matrix = { ...w, dims: [countOf(batch) * rows, columns] };
  const [y] = linear(ctx, { ...node, inputs: [{ ...x, layout: transposed(x.layout) }, matrix] }, true, undefined, 1, 1);
  if (y?.kind !== 'activation') return [];
  const layout = transposed(y.layout);
  if (!isSeveral) return [{ ...y, layout }];
  if (!sameLayout(layout.slice(0, 1), [dim('c', countOf(batch) * rows)])) refuse('several weights of one input over time');
  return [{ ...y, layout: [dim('c', countOf(batch)), dim('c', rows), ...layout.slice(1)] }];
}

/**
 * Turns the last dimension of the file into channels and the others into features, if it holds frames or a
 * part of the channels; otherwise undefined.
 */
function asShared(ctx: Lowering, x: Activation, name: string): Activation | undefined {
  const last = x.layout.length - 1;
  const factors = x.layout[last] ?? [];
  const { f, c } = ctx.builder.shape(x.tensor);
  if (factors.some(({ axis }) => axis === 't')) {
    const turned = ctx.states.any ? undefined : asRows(x, last, { rows: 'c', others: 'f' });
    return turned && ctx.activationOf(ctx.emit('permute', [x.tensor], turned.attrs, `${name}/turned`), turned.layout);
  }
  const [part, more] = factors;
  if (f > 1 || part?.axis !== 'c' || more || part.length === c) return undefined;
  const layout = x.layout.map((dims, d) => (d === last ? dims : dims.map((one) => (one.axis === 'c' ? { ...one, axis: 'f' as const } : one)))); // biome-ignore format: one line
  return ctx.activationOf(ctx.emit('regroup', [x.tensor], { f: c / part.length }, `${name}/shared`), layout);
}

function linear(ctx: Lowering, node: NodeView, transB: boolean, c: Const | undefined, alpha: number, beta: number): Value[] {
  const x = ctx.activation(node, 0);
  const w = ctx.constant(node, 1, 'weights');
  const dims = fileShapeOf(x.layout);
  const last = dims.length - 1;
  const k = dims[last];
  const inner = k as number;
  if (w.dims.length !== 2 || dims.length < 1 || w.dims[transB ? 1 : 0] !== k) {
    refuse(`weights of [${w.dims.join(', ')}] for an input of [${dims.join(', ')}]`);
  }
  const units = w.dims[transB ? 0 : 1] as number;
  if (units < 1) refuse('weights without output channels');
  if (c?.dims.slice(0, -1).some((d) => d !== 1)) refuse(`a C of [${c.dims.join(', ')}]`);
  const shape = ctx.builder.shape(x.tensor);
  const factors = x.layout[last] ?? [];
  /** Returns the flat index of the weight from input i (file order) to unit u. */
  const place = (u: number, i: number) => (transB ? u * (k as number) + i : i * units + u);
  const axis = transB ? 0 : 1;
  // in a model with states, a window of one frame is not the whole signal
  if (k === elementsOf(shape) && !(shape.t === 1 && ctx.states.any)) {
    const map = toNormalForm(orderOf([factors]), shape);
    const index = new Uint32Array(units * map.length);
    for (let u = 0; u < units; u++) for (let i = 0; i < map.length; i++) index[u * map.length + i] = place(u, map[i] as number);
    const weights = ctx.weights(w, index, axis, alpha);
    const bias = ctx.bias(c, units, x.tensor, weights, beta);
    const tensor = ctx.emit('dense', [x.tensor], { units, weights, bias, clamp: noClamp }, node.name);
    return [ctx.activationOf(tensor, [...x.layout.slice(0, last), dim('c', units)])];
  }
  if (!ctx.quantised && !ctx.states.any && isWindow(factors, shape)) {
    const index = Uint32Array.from({ length: units * shape.t }, (_, i) => place(Math.floor(i / shape.t), i % shape.t));
    const weights = ctx.weights(w, index, axis, alpha);
    const bias = ctx.bias(c, units, x.tensor, weights, beta);
    return [ctx.made(linearOverTime(ctx, x, { weights, units, bias }, node.name))];
  }
  const rows =
    factors.some(({ axis }) => axis === 'f') && inner !== shape.c * shape.f
      ? withRows(
          ctx,
          node,
          x,
          x.layout.findIndex((d) => d.length > 0),
        )
      : undefined;
  if (rows) return linear(ctx, { ...node, inputs: node.inputs.with(0, rows) }, transB, c, alpha, beta);
  const shared = ctx.quantised ? undefined : asShared(ctx, x, node.name);
  if (shared) return linear(ctx, { ...node, inputs: node.inputs.with(0, shared) }, transB, c, alpha, beta);
  const order = channelOrder(factors, x);
  const overRows = order.includes('f');
  if (inner !== shape.c * (overRows ? shape.f : 1))
    refuse(`the last dimension of ${showLayout(x.layout)} is not a frame's channels`);
  const kernelF = overRows ? shape.f : 1;
  const index = new Uint32Array(units * inner);
  let at = 0;
  for (let u = 0; u < units; u++) {
    for (let f = 0; f < kernelF; f++) {
      for (let i = 0; i < shape.c; i++) {
        index[at++] = place(u, order[0] === 'f' ? f * shape.c + i : i * kernelF + f);
      }
    }
  }
  const weights = ctx.weights(w, index, axis, alpha);
  const bias = ctx.bias(c, units, x.tensor, weights, beta);
  const tensor = ctx.emit(
    'conv',
    [x.tensor],
    { ...kernelOfOne, kernelF, groups: 1, outChannels: units, weights, bias, clamp: noClamp },
    node.name,
  );
  return [ctx.activationOf(tensor, [...x.layout.slice(0, last), dim('c', units)])];
}
