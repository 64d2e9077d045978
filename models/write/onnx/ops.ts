/**
 * The ONNX form of every operator of models/ops, and why some have none.
 *
 * In: a node and its written inputs.  Out: the name of its real value and the value's form.  Clamps become
 * Relu or Clip, as exporters write them.
 * Source: ONNX operator specifications, opset 17.
 */
import { isNoClamp } from '../../graph/clamp.ts';
import { isRecurrent } from '../../graph/recurrent.ts';
import {
  type Clamp,
  type Constant,
  type Node,
  type NodeOf,
  noClamp,
  type OpName,
  type QuantParams,
  type Shape,
  sameParams,
  type Tensor,
} from '../../graph/types.ts';
import type { SlidingGeometry } from '../../ops/sliding.ts';
import { unaryOf } from '../../ops/unary.ts';
import type { Emitter, Written } from './emitter.ts';
import type { AttributeOf } from './proto.ts';

type Attributes = Record<string, AttributeOf>;
type Result = Pick<Written, 'raw' | 'form' | 'before'>;
type Write<K extends OpName> = (e: Emitter, node: NodeOf<K>, xs: Written[], output: Tensor) => Result;

/** Opset of the written files. */
export const opset = 17;

/** Returns why an operator has no ONNX form; undefined if it has one. */
export function unwritable(node: Node): string | undefined {
  if (node.op === 'history' && (node.attrs.before > 0 || node.attrs.after > 0))
    return 'state that is kept from step to step has no form in ONNX';
  if (node.op === 'regroup') return 'a frame with other numbers of features and channels is not written to ONNX';
  if (node.op === 'permute') return 'a window in another order is not written to ONNX';
  if (node.op === 'upsample') return 'rows that are repeated or spread with zeros are not written to ONNX';
  if (isRecurrent(node)) return 'a recurrence has no form with quantised gates in ONNX';
  if (node.op === 'activation' && node.attrs.fn !== 'identity') {
    const { onnx, since = opset } = unaryOf(node.attrs.fn);
    if (onnx === undefined || since > opset) return `${node.attrs.fn} is no operator of opset ${opset}`;
  }
  if (node.op === 'softmax' && node.attrs.beta !== 1) return `Softmax has no beta, here ${node.attrs.beta}`;
  if (node.op === 'maxpool' || node.op === 'avgpool') {
    const { padT, padF, kernelT, kernelF } = node.attrs;
    if (padT.some((p) => p < 0)) return 'a pool over a part of the rows is not written to ONNX';
    if (padT.some((p) => p >= kernelT) || padF.some((p) => p >= kernelF)) return 'its padding is as long as its kernel';
  }
  return undefined;
}

const full = (raw: string): Result => ({ raw, form: 'full' });

/**
 * Returns the clamp without bounds that int8 saturation applies anyway: onnxruntime 1.30 fails on a Clip that
 * only rounding makes superfluous. A relu is kept, so that it stays visible.
 */
function needed([min, max]: Clamp, quant: QuantParams | undefined): Clamp {
  if (!quant || (min === 0 && max === noClamp[1])) return [min, max];
  const low = quant.zeroPoint + min / quant.scale;
  const high = quant.zeroPoint + max / quant.scale;
  return [low > -127.5 ? min : noClamp[0], high < 126.5 ? max : noClamp[1]];
}

function clamped(e: Emitter, y: string, clamp: Clamp, { quant }: Pick<Tensor, 'quant'>, name: string): string {
  const [min, max] = needed(clamp, quant);
  if (isNoClamp([min, max])) return y;
  if (min === 0 && max === noClamp[1]) return e.node('Relu', [y], {}, `${name}_relu`);
  const bound = (real: number, what: string) =>
    Number.isFinite(real) ? e.constant(`${name}_${what}`, { dims: [], floats: [real] }) : '';
  const inputs = [y, bound(min, 'min'), bound(max, 'max')];
  return e.node('Clip', inputs[2] === '' ? inputs.slice(0, 2) : inputs, {}, `${name}_clip`);
}

function geometry(e: Emitter, a: SlidingGeometry, dilated: boolean): Record<string, number[]> {
  const both = (t: number, f: number): number[] => (e.rank === 4 ? [t, f] : [t]);
  return {
    kernel_shape: both(a.kernelT, a.kernelF),
    strides: both(a.strideT, a.strideF),
    pads: [...both(a.padT[0], a.padF[0]), ...both(a.padT[1], a.padF[1])],
    ...(dilated && { dilations: both(a.dilationT ?? 1, a.dilationF ?? 1) }),
  };
}

function convolution(e: Emitter, node: NodeOf<'conv'> | NodeOf<'depthwise'>, [given]: Written[], output: Tensor): Result {
  const x = e.as('full', given as Written);
  const { attrs: a, name } = node;
  const outputs = output.shape.c;
  const group = node.op === 'conv' ? node.attrs.groups : x.shape.c;
  const per = x.shape.c / group;
  const kernel = a.kernelT * a.kernelF;
  const dims = [outputs, per, ...(e.rank === 4 ? [a.kernelT, a.kernelF] : [a.kernelT])];
  const at = (i: number): number => {
    const place = i % kernel;
    const channel = Math.floor(i / kernel) % per;
    const o = Math.floor(i / kernel / per);
    return node.op === 'conv' ? (o * kernel + place) * per + channel : place * outputs + o;
  };
  const inputs = [e.real(x), e.weights(a.weights, dims, at, name), ...e.bias(a.bias, a.weights, x, name)];
  const ones = dims.slice(1).map(() => 1);
  const sum = (of: string[]) => e.node('Conv', of, { ...geometry(e, a, true), group }, name);
  const y = e.products(inputs, x, a.weights, sum, { weights: [outputs, ...ones], sum: [1, outputs, ...ones.slice(1)] });
  return full(clamped(e, y, a.clamp, output, name));
}

const dense: Write<'dense'> = (e, { attrs: a, name }, [given], output) => {
  const x = e.as('flat', given as Written);
  const { t, f, c } = x.shape;
  const taps = t * f * c;
  /** Returns our index of the file's input i; the file's order is [c][t][f]. */
  const at = (i: number): number => {
    const k = i % taps;
    return i - k + (k % (t * f)) * c + Math.floor(k / (t * f));
  };
  const inputs = [e.real(x), e.weights(a.weights, [a.units, taps], at, name), ...e.bias(a.bias, a.weights, x, name)];
  const sum = (of: string[]) => e.node('Gemm', of, { transB: 1 }, name);
  const y = e.products(inputs, x, a.weights, sum, { weights: [a.units, 1], sum: [1, a.units] });
  return { raw: clamped(e, y, a.clamp, output, name), form: 'flat' };
};

function pool(op: 'MaxPool' | 'AveragePool'): Write<'maxpool'> & Write<'avgpool'> {
  return (e: Emitter, { attrs: a, name }: NodeOf<'maxpool'> | NodeOf<'avgpool'>, [given]: Written[], output: Tensor) => {
    const x = e.as('full', given as Written);
    const counts: Attributes = op === 'AveragePool' && a.countIncludePad ? { count_include_pad: 1 } : {};
    return full(clamped(e, e.node(op, [e.real(x)], { ...geometry(e, a, false), ...counts }, name), a.clamp, output, name));
  };
}

function globalPool(kind: 'Average' | 'Max'): Write<'globalavg'> & Write<'globalmax'> {
  return (e: Emitter, { attrs: a, name }: NodeOf<'globalavg'> | NodeOf<'globalmax'>, [given]: Written[], output: Tensor) => {
    const x = e.as('full', given as Written);
    const reduce = kind === 'Max' ? 'ReduceMax' : 'ReduceMean';
    const y = a.overC
      ? e.node(reduce, [e.real(x)], { axes: e.rank === 4 ? [1, 2, 3] : [1, 2], keepdims: 1 }, name)
      : a.overF || x.shape.f === 1
        ? e.node(`Global${kind}Pool`, [e.real(x)], {}, name)
        : e.node(reduce, [e.real(x)], { axes: [2], keepdims: 1 }, name);
    return full(clamped(e, y, a.clamp, output, name));
  };
}

const gem: Write<'gem'> = (e, { attrs: { overF, powers, clamp }, name }, [given], output) => {
  const x = e.as('full', given as Written);
  const dims = powers.length === 1 ? [] : [1, powers.length, ...(e.rank === 4 ? [1, 1] : [1])];
  const power = (of: (p: number) => number, which: string) => e.constant(`${name}_${which}`, { dims, floats: powers.map(of) });
  const raised = e.node('Pow', [e.node('Abs', [e.real(x)], {}, `${name}_abs`), power((p) => p, 'power')], {}, `${name}_raised`);
  const axes = overF && e.rank === 4 ? [2, 3] : [2];
  const mean = e.node('ReduceMean', [raised], { axes, keepdims: 1 }, `${name}_mean`);
  return full(clamped(e, e.node('Pow', [mean, power((p) => 1 / p, 'root')], {}, name), clamp, output, name));
};

/** Adds a constant, [t][f][c] of the window, [f][c] of a frame or one value, as [1, c, t or 1, f]. */
function constant(e: Emitter, { data, quant }: Constant, { t, f, c }: Shape, name: string): string {
  const rows = data.length === t * f * c ? t * f : data.length === f * c ? f : 1;
  const long = rows === t * f && rows !== f ? t : 1;
  const dims = data.length === 1 ? [] : e.rank === 4 ? [1, c, long, rows / long] : [1, c, long];
  const at = (i: number): number => (data.length === 1 ? i : (i % rows) * c + Math.floor(i / rows));
  const moved = Array.from(data, (_, i) => data[at(i)] as number);
  if (!quant) return e.constant(`${name}_operand`, { dims, floats: Float32Array.from(moved) });
  return e.dequantize(e.constant(`${name}_operand_quantized`, { dims, int8: Int8Array.from(moved) }), quant, `${name}_operand`);
}

function binary(op: 'Add' | 'Mul'): Write<'add'> & Write<'mul'> {
  return (e: Emitter, node: NodeOf<'add'> | NodeOf<'mul'>, xs: Written[], output: Tensor) => {
    const { attrs: a, name } = node;
    const minus = node.op === 'add' ? node.attrs.minus : undefined;
    const inputs = xs.map((x) => e.as('full', x));
    const [x] = inputs as [Written];
    const names = inputs.map((i) => e.real(i));
    if (a.constant) names.push(constant(e, a.constant, x.shape, name));
    if (minus === 0) names.reverse();
    return full(clamped(e, e.node(minus === undefined ? op : 'Sub', names, {}, name), a.clamp, output, name));
  };
}

/**
 * Writes Concat. The pair after it requantises its parts, so a requantisation before it needs no pair of its
 * own, unless its rounding is steered.
 */
const concat: Write<'concat'> = (e, { attrs, name }, xs, { quant }) => {
  const names = xs.map((x) =>
    x.before && !e.exact && x.form === 'full' && sameParams(x.quant, quant) ? x.before : e.real(e.as('full', x)),
  );
  return full(e.node('Concat', names, { axis: attrs.axis === 'c' ? 1 : 3 }, name));
};

const slice: Write<'slice'> = (e, { attrs: a, name }, [given]) => {
  const x = e.as('full', given as Written);
  const ranges = [[a.from], [a.to], [a.axis === 'c' ? 1 : 3]].map((values) => e.ints(`${name}_range`, values));
  return full(e.node('Slice', [e.real(x), ...ranges], {}, name));
};

/** Writes rows that are cut off at both ends. Earlier rows of the signal have no form (`unwritable`). */
const history: Write<'history'> = (e, { attrs: { before, after }, name }, [given]) => {
  const x = e.as('full', given as Written);
  const ranges = [[-before], [x.shape.t + after], [2]].map((values) => e.ints(`${name}_range`, values));
  return full(e.node('Slice', [e.real(x), ...ranges], {}, name));
};

const activation: Write<'activation'> = (e, { attrs: a, name }, [given], output) => {
  const { form } = given as Written;
  const x = e.real(given as Written);
  if (a.fn === 'identity') {
    const raw = clamped(e, x, a.clamp, output, name);
    return raw === x ? { raw, form, before: x } : { raw, form };
  }
  const { onnx = '', alpha } = unaryOf(a.fn);
  const attributes: Attributes = alpha === undefined ? {} : { alpha: { float: a.alpha ?? alpha } };
  return { raw: clamped(e, e.node(onnx, [x], attributes, name), a.clamp, output, name), form };
};

const softmax: Write<'softmax'> = (e, { name }, [given]) => {
  const { form } = given as Written;
  return { raw: e.node('Softmax', [e.real(given as Written)], { axis: 1 }, name), form };
};

/** Adds values [f][c] or [c] of a row as [1, c, 1, f]. */
function affine(e: Emitter, values: Float32Array, { f, c }: Shape, name: string): string {
  const rows = values.length === f * c ? f : 1;
  const floats = Array.from(values, (_, i) => values[(i % rows) * c + Math.floor(i / rows)] as number);
  return e.constant(name, { dims: e.rank === 4 ? [1, c, 1, rows] : [1, c, 1], floats });
}

/** Writes a layernorm in parts: LayerNormalization works on the last dimensions, not on channels. */
const layernorm: Write<'layernorm'> = (e, { attrs: a, name }, [given], output) => {
  const { shape, ...x } = e.as('full', given as Written);
  const scalar = (what: string, value: number) => e.constant(`${name}_${what}`, { dims: [], floats: [value] });
  const mean = (of: string, what: string) =>
    e.node('ReduceMean', [of], { axes: a.over === 'fc' && e.rank === 4 ? [1, 3] : [1], keepdims: 1 }, `${name}_${what}`);
  const real = e.real({ shape, ...x });
  const centred = a.centre ? e.node('Sub', [real, mean(real, 'mean')], {}, `${name}_centred`) : real;
  const variance = mean(e.node('Mul', [centred, centred], {}, `${name}_squares`), 'variance');
  const root = e.node('Sqrt', [e.node('Add', [variance, scalar('epsilon', a.epsilon)], {}, `${name}_sum`)], {}, `${name}_root`);
  const normalised = e.node('Div', [centred, root], {}, `${name}_normalised`);
  const scaled = e.node('Mul', [normalised, affine(e, a.gamma, shape, `${name}_gamma`)], {}, `${name}_scaled`);
  const y = e.node('Add', [scaled, affine(e, a.beta, shape, `${name}_beta`)], {}, name);
  return full(clamped(e, y, a.clamp, output, name));
};

const hypot: Write<'hypot'> = (e, { attrs: a, name }, xs, output) => {
  const squares = xs.map((x, i) => {
    const real = e.real(x);
    return e.node('Mul', [real, real], {}, `${name}_square${i}`);
  });
  const sum = e.node('Add', squares, {}, `${name}_sum`);
  return full(clamped(e, e.node('Sqrt', [sum], {}, name), a.clamp, output, name));
};

/** Writes a product with heads first: inputs as [heads][rows][channels of a head], result as [1, c, t, f]. */
const matmul: Write<'matmul'> = (e, { attrs: { heads, over }, name }, xs, { shape: { t, f, c } }) => {
  const moved = (x: string, perm: number[], what: string) => e.node('Transpose', [x], { perm }, `${name}_${what}`);
  const shaped = (x: string, dims: number[], what: string) =>
    e.node('Reshape', [x, e.ints(`${name}_${what}_dims`, dims)], {}, `${name}_${what}`);
  const wide = e.rank === 4;
  const inputs = xs.map((given, i) => {
    const x = e.as('full', given);
    const rows = moved(e.real(x), wide ? [0, 2, 3, 1] : [0, 2, 1], `rows${i}`);
    const parts = shaped(rows, [x.shape.t, heads, (x.shape.f * x.shape.c) / heads], `parts${i}`);
    return moved(parts, i === 1 && over === 'channels' ? [1, 2, 0] : [1, 0, 2], `heads${i}`);
  });
  const rows = moved(e.node('MatMul', inputs, {}, name), [1, 0, 2], 'rows');
  const y = shaped(rows, wide ? [1, t, f, c] : [1, t, c], 'frames');
  return full(moved(y, wide ? [0, 3, 1, 2] : [0, 2, 1], 'channels'));
};

const argmax: Write<'argmax'> = (e, { attrs: { last }, name }, [given]) => {
  const x = e.real(e.as('full', given as Written));
  const index = e.node('ArgMax', [x], { axis: 1, keepdims: 1, select_last_index: last ? 1 : 0 }, `${name}_index`);
  return full(e.node('Cast', [index], { to: 1 }, name));
};

const writers: { [K in Exclude<OpName, 'permute' | 'regroup' | 'upsample' | 'lstm' | 'gru' | 'rnn'>]: Write<K> } = {
  activation,
  add: binary('Add'),
  argmax,
  gem,
  avgpool: pool('AveragePool'),
  concat,
  conv: convolution,
  dense,
  depthwise: convolution,
  globalavg: globalPool('Average'),
  globalmax: globalPool('Max'),
  history,
  hypot,
  layernorm,
  matmul,
  maxpool: pool('MaxPool'),
  mul: binary('Mul'),
  slice,
  softmax,
};

/** Writes one node; `unwritable` must be undefined for it. */
export const writeNode = (e: Emitter, node: Node, xs: Written[], output: Tensor): Result =>
  (writers[node.op as keyof typeof writers] as Write<OpName>)(e, node, xs, output);
