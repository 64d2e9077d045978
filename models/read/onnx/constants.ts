/**
 * foldConstant: the arithmetic that exporters leave on constants, mostly shapes (x.view(x.size(0), -1), F.pad).
 *
 * In: a node and its constant inputs (or, for Shape, an input's dims).  Out: its constant output, or undefined where the
 * operator is not one of these. Integers are exact below 2^53. Source: the ONNX operator specification.
 */
import { Attributes } from './attributes.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';
import { type Const, countOf, type ElementType, elementTypes, numbersOf } from './tensor.ts';

/** Elements that one folded constant may have; weights come from the file and are not bounded by this. */
const maxElements = 1 << 22;

/** A constant's value, and all dims that are known of the node's first input (a constant's or an activation's). */
export interface Known {
  /** Per input; undefined where it is absent or no constant. */
  inputs: (Const | undefined)[];
  /** Dims of input 0 where only these are known. */
  dims?: readonly number[];
}

export const constantOf = (data: readonly number[], dims: number[], type: ElementType): Const => {
  const numbers = numbersOf(type, data.length);
  numbers.set(data);
  return { kind: 'const', dims, type, data: numbers };
};

/** Wraps a negative axis; refuses one outside the rank. */
export function axisIn(axis: number, rank: number): number {
  const wrapped = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(wrapped) || wrapped < 0 || wrapped >= rank) refuse(`axis ${axis} of ${rank} dimensions`);
  return wrapped;
}

/** `axes` from an attribute (older opsets) or from a constant input. */
export function axesOf(attributes: Attributes, input: Const | undefined): number[] | undefined {
  return attributes.ints('axes') ?? (input ? [...input.data] : undefined);
}

export function squeezedDims(dims: readonly number[], axes: readonly number[] | undefined): number[] {
  if (!axes) return dims.filter((d) => d !== 1);
  const gone = new Set(axes.map((a) => axisIn(a, dims.length)));
  for (const a of gone) if (dims[a] !== 1) refuse(`dimension ${a} of length ${dims[a]} cannot be squeezed`);
  return dims.filter((_, i) => !gone.has(i));
}

export function unsqueezedDims(dims: readonly number[], axes: readonly number[]): number[] {
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((a) => axisIn(a, rank)));
  if (added.size !== axes.length || rank > 8) refuse(`axes [${axes.join(', ')}] of Unsqueeze`);
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() as number)));
}

/** ONNX Reshape: 0 copies a dimension (unless allowzero), -1 is what is left. */
export function reshapedDims(dims: readonly number[], target: readonly number[], allowZero: boolean): number[] {
  if (target.length > 8) refuse(`a reshape to ${target.length} dimensions`);
  const to = target.map((d, i) => (d === 0 && !allowZero ? (dims[i] ?? refuse('a 0 of Reshape has no dimension to copy')) : d));
  const open = to.indexOf(-1);
  const total = countOf(dims);
  if (open >= 0) {
    const rest = to.reduce((product, d, i) => (i === open ? product : product * d), 1);
    to[open] = total / rest;
  }
  if (!to.every((d) => Number.isSafeInteger(d) && d >= 0) || countOf(to) !== total) {
    refuse(`[${dims.join(', ')}] cannot be reshaped to [${target.join(', ')}]`);
  }
  return to;
}

export function flattenedDims(dims: readonly number[], axis: number): number[] {
  const at = axis < 0 ? axis + dims.length : axis;
  if (!Number.isInteger(at) || at < 0 || at > dims.length) refuse(`axis ${axis} of ${dims.length} dimensions`);
  return [countOf(dims.slice(0, at)), countOf(dims.slice(at))];
}

const unary: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
};

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Min: Math.min,
  Max: Math.max,
};

/** The constant that `node` gives, or undefined where it is no constant. Throws Unsupported for a malformed one. */
export function foldConstant(node: OnnxNode, known: Known): Const | undefined {
  const attributes = new Attributes(node);
  if (node.domain !== '' || node.outputs.length !== 1) return undefined;
  if (node.op === 'Constant') return constant(attributes);
  if (node.op === 'Shape' && known.dims) return shapeOf(attributes, known.dims);
  if (node.op === 'Size' && known.dims) return constantOf([countOf(known.dims)], [], 'int64');
  const [x, second] = known.inputs;
  if (!x || node.inputs.some((name, i) => name !== '' && !known.inputs[i])) return undefined;
  const same = (dims: number[]): Const => ({ ...x, dims, ...requantisedDims(x, dims) });
  const f = unary[node.op];
  if (f) {
    const { quantised: _, ...plain } = x;
    return { ...plain, data: x.data.map(f) as Const['data'] };
  }
  const g = binary[node.op];
  if (g && second) return broadcast(x, second, x.type === 'int64' && node.op === 'Div' ? (a, b) => Math.trunc(a / b) : g);
  switch (node.op) {
    case 'Identity':
      return x;
    case 'Cast':
      return cast(x, elementTypes[attributes.int('to', 0)]);
    case 'Reshape':
      return second && same(reshapedDims(x.dims, [...second.data], attributes.int('allowzero', 0) === 1));
    case 'Flatten':
      return same(flattenedDims(x.dims, attributes.int('axis', 1)));
    case 'Squeeze':
      return same(squeezedDims(x.dims, axesOf(attributes, second)));
    case 'Unsqueeze':
      return same(unsqueezedDims(x.dims, axesOf(attributes, second) ?? refuse('Unsqueeze without axes')));
    case 'Transpose':
      return transpose(x, attributes.ints('perm') ?? x.dims.map((_, i) => x.dims.length - 1 - i));
    case 'Concat':
      return concat(known.inputs as Const[], attributes.int('axis', 0));
    case 'Gather':
      return second && gather(x, second, attributes.int('axis', 0));
    case 'ReduceProd':
      return reduceProd(x, axesOf(attributes, second), attributes.int('keepdims', 1) === 1);
    case 'Slice':
      return slice(x, attributes, known.inputs);
    case 'Expand':
      return second && expand(x, [...second.data]);
    case 'ConstantOfShape': {
      const value = attributes.tensor('value');
      const dims = checked([...x.data]);
      const data = numbersOf(value?.type ?? 'float32', countOf(dims)).fill(value?.data[0] ?? 0) as Const['data'];
      return { kind: 'const', dims, type: value?.type ?? 'float32', data };
    }
  }
  return undefined;
}

function checked(dims: number[]): number[] {
  if (dims.length > 8 || !dims.every((d) => Number.isSafeInteger(d) && d >= 0) || countOf(dims) > maxElements) {
    refuse(`a constant of shape [${dims.join(', ')}]`);
  }
  return dims;
}

function constant(attributes: Attributes): Const {
  const tensor = attributes.tensor('value');
  if (tensor) return tensor;
  if (attributes.has('value_float')) return constantOf([attributes.float('value_float', 0)], [], 'float32');
  if (attributes.has('value_int')) return constantOf([attributes.int('value_int', 0)], [], 'int64');
  const floats = attributes.floats('value_floats');
  if (floats) return constantOf(floats, [floats.length], 'float32');
  const ints = attributes.ints('value_ints');
  if (ints) return constantOf(ints, [ints.length], 'int64');
  return refuse('a Constant without a tensor, number or list of numbers');
}

function shapeOf(attributes: Attributes, dims: readonly number[]): Const {
  const rank = dims.length;
  const clip = (at: number) => Math.min(rank, Math.max(0, at < 0 ? at + rank : at));
  const part = dims.slice(clip(attributes.int('start', 0)), clip(attributes.int('end', rank)));
  return constantOf(part, [part.length], 'int64');
}

function cast(x: Const, type: ElementType | undefined): Const {
  if (!type) return refuse('a Cast to a type that is not supported');
  const data = numbersOf(type, x.data.length);
  const whole = type !== 'float32' && type !== 'float64' && type !== 'float16';
  for (let i = 0; i < data.length; i++) {
    const value = whole ? Math.trunc(x.data[i] as number) : (x.data[i] as number);
    data[i] = type === 'bool' ? Number(value !== 0) : value;
  }
  return { kind: 'const', dims: x.dims, type, data };
}

/** Strides of the broadcast shape in `dims`; 0 where the dimension is repeated. */
function broadcastStrides(dims: readonly number[], to: readonly number[]): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    const at = i + to.length - dims.length;
    if (dims[i] !== 1) strides[at] = stride;
    stride *= dims[i] as number;
  }
  return strides;
}

/** ONNX's multidirectional broadcast of two shapes. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i + a.length - rank] ?? 1;
    const y = b[i + b.length - rank] ?? 1;
    if (x !== y && x !== 1 && y !== 1) refuse(`[${a.join(', ')}] and [${b.join(', ')}] cannot be broadcast`);
    return x === 1 ? y : x;
  });
}

/** Calls `visit` with the flat offset under `strides` of every element of `dims`, row-major. */
function walk(dims: readonly number[], strides: readonly number[], visit: (offset: number, i: number) => void): void {
  const total = countOf(dims);
  const index = new Array<number>(dims.length).fill(0);
  let offset = 0;
  for (let i = 0; i < total; i++) {
    visit(offset, i);
    for (let d = dims.length - 1; d >= 0; d--) {
      offset += strides[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (dims[d] as number)) break;
      offset -= (dims[d] as number) * (strides[d] as number);
      index[d] = 0;
    }
  }
}

function broadcast(a: Const, b: Const, f: (a: number, b: number) => number): Const {
  const dims = checked(broadcastDims(a.dims, b.dims));
  const left = expand(a, dims).data;
  const right = expand(b, dims).data;
  const data = numbersOf(a.type, left.length);
  for (let i = 0; i < data.length; i++) data[i] = f(left[i] as number, right[i] as number);
  return { kind: 'const', dims, type: a.type, data };
}

function expand(x: Const, shape: number[]): Const {
  const dims = checked(broadcastDims(x.dims, shape));
  const data = numbersOf(x.type, countOf(dims));
  walk(dims, broadcastStrides(x.dims, dims), (offset, i) => {
    data[i] = x.data[offset] as number;
  });
  return { kind: 'const', dims, type: x.type, data };
}

function transpose(x: Const, perm: number[]): Const {
  const rank = x.dims.length;
  if (perm.length !== rank || ![...perm].sort((a, b) => a - b).every((p, i) => p === i)) refuse(`perm [${perm.join(', ')}]`);
  const strides = broadcastStrides(x.dims, x.dims);
  const dims = perm.map((p) => x.dims[p] as number);
  const moved = perm.map((p) => strides[p] as number);
  const data = numbersOf(x.type, x.data.length);
  const source = x.quantised && (numbersOfSame(x.quantised.data) as NonNullable<Const['quantised']>['data']);
  walk(dims, moved, (offset, i) => {
    data[i] = x.data[offset] as number;
    if (source && x.quantised) source[i] = x.quantised.data[offset] as number;
  });
  const quantised = source && x.quantised ? { ...x.quantised, data: source, axis: perm.indexOf(x.quantised.axis) } : undefined;
  return { kind: 'const', dims, type: x.type, data, ...(quantised ? { quantised } : {}) };
}

const numbersOfSame = (data: Const['data']): Const['data'] => data.slice().fill(0) as Const['data'];

/** After a reshape of a dequantised constant: per-tensor scales stay; a channel axis stays where its dimension does. */
function requantisedDims(x: Const, dims: readonly number[]): Pick<Const, 'quantised'> {
  const q = x.quantised;
  if (!q || q.scales.length === 1) return q ? { quantised: q } : {};
  const before = countOf(x.dims.slice(0, q.axis));
  const axis = dims.findIndex((d, i) => d === x.dims[q.axis] && countOf(dims.slice(0, i)) === before);
  return { quantised: axis < 0 ? undefined : { ...q, axis } };
}

function concat(parts: Const[], axis: number): Const {
  const [first] = parts;
  if (!first) return refuse('a Concat of nothing');
  const at = axisIn(axis, first.dims.length);
  const fits = (p: Const) => p.dims.length === first.dims.length && p.dims.every((d, i) => i === at || d === first.dims[i]);
  if (!parts.every(fits)) refuse('constants that cannot be joined');
  const dims = checked(first.dims.map((d, i) => (i === at ? parts.reduce((sum, p) => sum + (p.dims[at] as number), 0) : d)));
  const data = numbersOf(first.type, countOf(dims));
  const rows = countOf(dims.slice(0, at));
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (const part of parts) {
      const width = part.data.length / rows;
      for (let i = 0; i < width; i++) data[to++] = part.data[row * width + i] as number;
    }
  }
  return { kind: 'const', dims, type: first.type, data };
}

function gather(x: Const, indices: Const, axis: number): Const {
  const at = axisIn(axis, x.dims.length);
  const length = x.dims[at] as number;
  const dims = checked([...x.dims.slice(0, at), ...indices.dims, ...x.dims.slice(at + 1)]);
  const inner = countOf(x.dims.slice(at + 1));
  const outer = countOf(x.dims.slice(0, at));
  const data = numbersOf(x.type, countOf(dims));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices.data) {
      const i = axisIn(index, length);
      for (let k = 0; k < inner; k++) data[to++] = x.data[(o * length + i) * inner + k] as number;
    }
  }
  return { kind: 'const', dims, type: x.type, data };
}

/** Of a list (a shape), over all of it. */
function reduceProd(x: Const, axes: number[] | undefined, keep: boolean): Const | undefined {
  if (x.dims.length > 1 || axes?.some((a) => a !== 0 && a !== -1)) return undefined;
  const product = [...x.data].reduce((a, b) => a * b, 1);
  return constantOf([product], keep ? x.dims.map(() => 1) : [], x.type);
}

function slice(x: Const, attributes: Attributes, inputs: (Const | undefined)[]): Const {
  const ranges = sliceRanges(x.dims, attributes, inputs);
  const strides = broadcastStrides(x.dims, x.dims);
  const dims = ranges.map((r) => r.count);
  const start = ranges.reduce((sum, r, i) => sum + (r.count ? r.start * (strides[i] as number) : 0), 0);
  const steps = ranges.map((r, i) => r.step * (strides[i] as number));
  const data = numbersOf(x.type, countOf(dims));
  walk(dims, steps, (offset, i) => {
    data[i] = x.data[start + offset] as number;
  });
  return { kind: 'const', dims, type: x.type, data };
}

/** Per dimension the first index, the step and the number of elements that a Slice keeps. */
export function sliceRanges(
  dims: readonly number[],
  attributes: Attributes,
  inputs: (Const | undefined)[],
): { start: number; step: number; count: number }[] {
  const list = (name: string, at: number) => attributes.ints(name) ?? (inputs[at] ? [...(inputs[at] as Const).data] : undefined);
  const starts = list('starts', 1) ?? refuse('a Slice without constant starts');
  const ends = list('ends', 2) ?? refuse('a Slice without constant ends');
  const axes = list('axes', 3) ?? starts.map((_, i) => i);
  const steps = inputs[4] ? [...inputs[4].data] : starts.map(() => 1);
  const ranges = dims.map((count) => ({ start: 0, step: 1, count }));
  for (const [i, axis] of axes.entries()) {
    const at = axisIn(axis, dims.length);
    const length = dims[at] as number;
    const step = steps[i] ?? 1;
    const from = starts[i] ?? Number.NaN;
    const to = ends[i] ?? Number.NaN;
    if (Number.isNaN(from) || Number.isNaN(to) || !Number.isInteger(step) || step === 0) refuse('a malformed Slice');
    const clip = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value < 0 ? value + length : value));
    const start = step > 0 ? clip(from, 0, length) : clip(from, 0, length - 1);
    const end = step > 0 ? clip(to, 0, length) : clip(to, -1, length - 1);
    ranges[at] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  }
  return ranges;
}
