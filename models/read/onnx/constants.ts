/**
 * foldConstant: evaluates the arithmetic on constants that exporters leave in a file, mostly on shapes
 * (x.view(x.size(0), -1), F.pad).
 *
 * In: a node and its constant inputs (or, for Shape, an input's dims).  Out: its constant output, or
 * undefined if the operator is not evaluated here. Integers are exact below 2^53. Source: the ONNX operator
 * specification.
 */
import { lookup } from '../../lookup.ts';
import { Work } from '../work.ts';
import { Attributes } from './attributes.ts';
import { axesOf, axisIn, broadcastDims, flattenedDims, reshapedDims, sliceRanges, squeezedDims, unsqueezedDims } from './dims.ts';
import type { OnnxNode } from './proto.ts';
import { refuse, tooLarge } from './refuse.ts';
import { type Const, countOf, type ElementType, elementTypes, numbersOf } from './tensor.ts';

/** Largest number of elements of one folded constant. It does not limit weights, which come from the file. */
const maxElements = 1 << 22;

/**
 * Budget for the elements of all folded constants of a file. A constant that shares the data of another one
 * costs nothing.
 */
export class Budget {
  private left: number;

  /** Remaining work for evaluating constants and recurrent cells. */
  readonly work = new Work();

  /** @param stored number of elements in the file. */
  constructor(stored: number) {
    this.left = 4 * (maxElements + stored);
  }

  take(folded: Const, inputs: readonly (Const | undefined)[], where: string): Const {
    if (inputs.every((x) => x?.data !== folded.data)) this.spend(folded.data.length, where);
    return folded;
  }

  spend(elements: number, where: string): void {
    this.left -= elements;
    if (this.left < 0) throw tooLarge('its constants grow too large when they are folded', where);
  }
}

/** The known values and dims of a node's inputs. */
export interface Known {
  /** One entry per input; undefined if the input is absent or not constant. */
  inputs: (Const | undefined)[];
  /** Dims of input 0, a constant or an activation, if they are known. */
  dims?: readonly number[];
}

export const constantOf = (data: ArrayLike<number>, dims: number[], type: ElementType): Const => {
  const numbers = numbersOf(type, data.length);
  numbers.set(data);
  return { kind: 'const', dims, type, data: numbers };
};

const unary: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Not: (x) => Number(x === 0),
};

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Mod: (a, b) => a - Math.floor(a / b) * b,
  Min: Math.min,
  Max: Math.max,
};

const compared: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  Equal: (a, b) => a === b,
  Less: (a, b) => a < b,
  LessOrEqual: (a, b) => a <= b,
  Greater: (a, b) => a > b,
  GreaterOrEqual: (a, b) => a >= b,
  And: (a, b) => a !== 0 && b !== 0,
  Or: (a, b) => a !== 0 || b !== 0,
};

/**
 * Returns the constant output of `node`, or undefined if it is not constant. Throws Unsupported for a
 * malformed node.
 */
export function foldConstant(node: OnnxNode, known: Known): Const | undefined {
  const attributes = new Attributes(node);
  if (node.domain !== '' || node.outputs.length !== 1) return undefined;
  if (node.op === 'Constant') return constant(attributes);
  if (node.op === 'Shape' && known.dims) return shapeOf(attributes, known.dims);
  if (node.op === 'Size' && known.dims) return constantOf([countOf(known.dims)], [], 'int64');
  const [x, second] = known.inputs;
  if (!x || node.inputs.some((name, i) => name !== '' && !known.inputs[i])) return undefined;
  const same = (dims: number[]): Const => ({ ...x, dims, ...requantisedDims(x, dims) });
  const f = lookup(unary, node.op);
  if (f) {
    const { quantised: _, ...plain } = x;
    return { ...plain, data: x.data.map(f) as Const['data'] };
  }
  const g = attributes.int('fmod', 0) === 0 ? lookup(binary, node.op) : undefined;
  if (g && second && node.inputs.length === 2)
    return broadcast(x, second, x.type === 'int64' && node.op === 'Div' ? (a, b) => Math.trunc(a / b) : g);
  const c = lookup(compared, node.op);
  if (c && second) return broadcast(x, second, (a, b) => Number(c(a, b)), 'bool');
  const rule = lookup(reductions, node.op);
  if (rule && attributes.int('noop_with_empty_axes', 0) === 0) {
    return reduce(x, rule, axesOf(attributes, second), attributes.int('keepdims', 1) === 1);
  }
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

export function checked(dims: number[]): number[] {
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

/** Returns a stride in `dims` for each dimension of the broadcast shape `to`; 0 for a repeated dimension. */
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

const wider = (a: Const, b: Const): ElementType => (b.type === 'float64' && a.type === 'float32' ? b.type : a.type);

export function broadcast(a: Const, b: Const, f: (a: number, b: number) => number, type: ElementType = wider(a, b)): Const {
  const dims = checked(broadcastDims(a.dims, b.dims));
  const left = expand(a, dims).data;
  const right = expand(b, dims).data;
  const data = numbersOf(type, left.length);
  for (let i = 0; i < data.length; i++) data[i] = f(left[i] as number, right[i] as number);
  return { kind: 'const', dims, type, data };
}

export function expand(x: Const, shape: number[]): Const {
  const dims = checked(broadcastDims(x.dims, shape));
  const data = numbersOf(x.type, countOf(dims));
  walk(dims, broadcastStrides(x.dims, dims), (offset, i) => {
    data[i] = x.data[offset] as number;
  });
  return { kind: 'const', dims, type: x.type, data };
}

export function transpose(x: Const, perm: number[]): Const {
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

/**
 * Returns the quantisation of a reshaped constant. One scale for all is kept; scales per channel are kept if
 * the dimension of channels is unchanged.
 */
function requantisedDims(x: Const, dims: readonly number[]): Pick<Const, 'quantised'> {
  const q = x.quantised;
  if (!q || q.scales.length === 1) return q ? { quantised: q } : {};
  const before = countOf(x.dims.slice(0, q.axis));
  const axis = dims.findIndex((d, i) => d === x.dims[q.axis] && countOf(dims.slice(0, i)) === before);
  return { quantised: axis < 0 ? undefined : { ...q, axis } };
}

export function concat(parts: Const[], axis: number): Const {
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

/** Reductions of constants, such as the product of a shape or the norm of a weight normalisation. */
const reductions: Readonly<
  Record<string, { start: number; add: (sum: number, x: number) => number; end: (sum: number, count: number) => number }>
> = {
  ReduceProd: { start: 1, add: (product, x) => product * x, end: (product) => product },
  ReduceSum: { start: 0, add: (sum, x) => sum + x, end: (sum) => sum },
  ReduceMean: { start: 0, add: (sum, x) => sum + x, end: (sum, count) => sum / count },
  ReduceMax: { start: Number.NEGATIVE_INFINITY, add: Math.max, end: (max) => max },
  ReduceMin: { start: Number.POSITIVE_INFINITY, add: Math.min, end: (min) => min },
  ReduceL2: { start: 0, add: (sum, x) => sum + x * x, end: Math.sqrt },
};

function reduce(x: Const, rule: NonNullable<(typeof reductions)[string]>, axes: number[] | undefined, keep: boolean): Const {
  const gone = new Set((axes ?? x.dims.map((_, i) => i)).map((a) => axisIn(a, x.dims.length)));
  const kept = x.dims.map((d, i) => (gone.has(i) ? 1 : d));
  const sums = new Float64Array(countOf(kept)).fill(rule.start);
  const strides = broadcastStrides(kept, x.dims);
  walk(x.dims, strides, (offset, i) => {
    sums[offset] = rule.add(sums[offset] as number, x.data[i] as number);
  });
  const dims = keep ? kept : x.dims.filter((_, i) => !gone.has(i));
  const count = x.data.length / sums.length;
  return constantOf(
    sums.map((sum) => rule.end(sum, count)),
    dims,
    x.type,
  );
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
