/**
 * foldNode: computes the outputs of a node whose inputs are all constants.
 *
 * In: a node, its constant inputs (or, for Shape, an input's dims).  Out: its outputs, or undefined if the
 * operator is not evaluated. It evaluates foldConstant's operators, and here splits, products, functions of
 * one value, and tables with lookups by position. Integers are exact below 2^53. Source: the ONNX operator
 * specification. Cost: charged to a budget. Error: Unsupported.
 */
import { lookup } from '../../lookup.ts';
import { unaryNames, unaryOf } from '../../ops/unary.ts';
import type { Work } from '../work.ts';
import { Attributes } from './attributes.ts';
import { broadcast, checked, constantOf, expand, foldConstant, type Known, transpose } from './constants.ts';
import { axisIn, broadcastDims } from './dims.ts';
import type { OnnxNode } from './proto.ts';
import { foldQuantised } from './quantised-constants.ts';
import { refuse } from './refuse.ts';
import { splitParts } from './states.ts';
import { type Const, countOf, numbersOf } from './tensor.ts';

type Rule = (inputs: readonly (Const | undefined)[], attributes: Attributes, work: Work) => Const | undefined;

const rules: Readonly<Record<string, Rule>> = {
  MatMul: ([a, b], _, work) => a && b && product(a, b, work),
  Gemm: ([a, b, c], attributes, work) => {
    if (!a || !b) return undefined;
    const turned = (x: Const, flag: string) => (attributes.int(flag, 0) === 1 ? transpose(x, [1, 0]) : x);
    const times = (x: Const, name: string) => scaled(x, attributes.float(name, 1));
    const y = times(product(turned(a, 'transA'), turned(b, 'transB'), work), 'alpha');
    return c ? broadcast(y, times(c, 'beta'), (u, v) => u + v) : y;
  },
  Where: ([condition, a, b]) => {
    if (!condition || !a || !b) return undefined;
    const dims = checked(broadcastDims(broadcastDims(condition.dims, a.dims), b.dims));
    const [which, yes, no] = [condition, a, b].map((x) => expand(x, dims).data) as [Const['data'], Const['data'], Const['data']];
    const data = numbersOf(a.type, which.length);
    for (let i = 0; i < data.length; i++) data[i] = (which[i] ? yes[i] : no[i]) as number;
    return { kind: 'const', dims, type: a.type, data };
  },
  Range: ([start, limit, delta]) => {
    const [from, to, step] = [start, limit, delta].map((x) => x?.data[0] ?? Number.NaN) as [number, number, number];
    const [count = 0] = checked([Math.max(0, Math.ceil((to - from) / step))]);
    const list = Array.from({ length: count }, (_, i) => from + i * step);
    return start && constantOf(list, [count], start.type);
  },
  Tile: ([x, repeats]) => {
    if (!x || repeats?.data.length !== x.dims.length) return undefined;
    // [1, a, 1, b] repeated to [m, a, n, b]
    const interleaved = (dims: ArrayLike<number>) => x.dims.flatMap((d, i) => [dims[i] as number, d]);
    const whole = expand({ ...x, dims: interleaved(x.dims.map(() => 1)) }, interleaved(repeats.data));
    return { ...whole, dims: x.dims.map((d, i) => d * (repeats.data[i] as number)) };
  },
  Trilu: ([x, k], attributes) => {
    if (!x || x.dims.length < 2) return undefined;
    const upper = attributes.int('upper', 1) === 1;
    const [rows, columns, shift] = [x.dims.at(-2) as number, x.dims.at(-1) as number, k?.data[0] ?? 0];
    const isKept = (above: number) => (upper ? above >= shift : above <= shift);
    const data = x.data.map((v, i) => (isKept((i % columns) - (Math.floor(i / columns) % rows)) ? v : 0)) as Const['data'];
    return { kind: 'const', dims: x.dims, type: x.type, data };
  },
  LayerNormalization: ([x, gamma, beta], attributes) => {
    if (!x || !gamma) return undefined;
    const count = countOf(x.dims.slice(axisIn(attributes.int('axis', -1), x.dims.length)));
    const epsilon = attributes.float('epsilon', 1e-5);
    const data = numbersOf(x.type, x.data.length);
    for (let row = 0; row < data.length; row += count) {
      const values = Array.from(x.data.slice(row, row + count) as ArrayLike<number>);
      const mean = values.reduce((sum, v) => sum + v, 0) / count;
      const scale = 1 / Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count + epsilon);
      for (const [i, v] of values.entries()) data[row + i] = (v - mean) * scale;
    }
    const unit: Const = { kind: 'const', dims: x.dims, type: x.type, data };
    const y = broadcast(unit, gamma, (u, v) => u * v);
    return beta ? broadcast(y, beta, (u, v) => u + v) : y;
  },
  CumSum: ([x, axis], attributes) => {
    if (!x || !axis || attributes.int('exclusive', 0) !== 0 || attributes.int('reverse', 0) !== 0) return undefined;
    const step = countOf(x.dims.slice(axisIn(axis.data[0] as number, x.dims.length) + 1));
    const length = x.dims[axisIn(axis.data[0] as number, x.dims.length)] as number;
    const data = x.data.slice() as Const['data'];
    for (let i = step; i < data.length; i++)
      if (Math.floor(i / step) % length > 0) data[i] = (data[i] as number) + (data[i - step] as number);
    return { kind: 'const', dims: x.dims, type: x.type, data };
  },
  Clip: ([x, low, high], attributes) => {
    if (!x) return undefined;
    const min = low?.data[0] ?? (attributes.has('min') ? attributes.float('min', 0) : Number.NEGATIVE_INFINITY);
    const max = high?.data[0] ?? (attributes.has('max') ? attributes.float('max', 0) : Number.POSITIVE_INFINITY);
    return { ...plain(x), data: x.data.map((v) => Math.min(max, Math.max(min, v))) as Const['data'] };
  },
  ScatterND: ([x, indices, updates], attributes) => {
    if (!x || !indices || !updates || attributes.string('reduction', 'none') !== 'none') return undefined;
    const data = x.data.slice() as Const['data'];
    eachPlace(x.dims, indices, (at, length, i) => {
      data.set(updates.data.subarray(i * length, (i + 1) * length), at);
    });
    return { kind: 'const', dims: x.dims, type: x.type, data };
  },
  // lists of rows, as TensorFlow converters write them
  TensorListReserve: ([shape, rows]) => {
    const dims = checked([rows?.data[0] ?? 0, ...Array.from(shape?.data ?? [], (d) => (d < 0 ? 1 : d))]);
    return { kind: 'const', dims, type: 'float32', data: numbersOf('float32', countOf(dims)) };
  },
  GatherND: ([x, indices], attributes) => {
    if (!x || !indices || attributes.int('batch_dims', 0) !== 0) return undefined;
    const dims = checked([...indices.dims.slice(0, -1), ...x.dims.slice(indices.dims.at(-1) as number)]);
    const data = numbersOf(x.type, countOf(dims));
    eachPlace(x.dims, indices, (at, length, i) => {
      data.set(x.data.subarray(at, at + length), i * length);
    });
    return { kind: 'const', dims, type: x.type, data };
  },
};

/** Removes the integers of a dequantised constant. */
const plain = ({ quantised: _, ...x }: Const): Const => x;

const scaled = (x: Const, by: number): Const =>
  by === 1 ? x : { ...plain(x), data: x.data.map((v) => v * by) as Const['data'] };

/**
 * Calls `visit` for each index of `indices` [..., n], with the offset and the length of the part of `dims`
 * that it selects.
 */
function eachPlace(dims: readonly number[], indices: Const, visit: (at: number, length: number, i: number) => void): void {
  const depth = indices.dims.at(-1) ?? 0;
  if (depth < 1 || depth > dims.length) refuse(`indices of [${indices.dims.join(', ')}] into [${dims.join(', ')}]`);
  const length = countOf(dims.slice(depth));
  for (let i = 0; i < indices.data.length / depth; i++) {
    let at = 0;
    for (let d = 0; d < depth; d++)
      at = at * (dims[d] as number) + axisIn(indices.data[i * depth + d] as number, dims[d] as number);
    visit(at * length, length, i);
  }
}

/**
 * Returns a [..., m, k] times b [..., k, n]. Zeros of a are skipped: cells are evaluated with unit vectors.
 */
function product(a: Const, b: Const, work: Work): Const {
  const [m, k] = [a.dims.at(-2) ?? 1, a.dims.at(-1) ?? 0];
  const [inner, n] = b.dims.length > 1 ? (b.dims.slice(-2) as [number, number]) : [b.dims[0] ?? 0, 1];
  if (inner !== k || a.dims.length < 1) refuse(`a product of [${a.dims.join(', ')}] and [${b.dims.join(', ')}]`);
  const batch = checked(broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2)));
  const [left, right] = [expand(a, [...batch, m, k]).data, expand(b, [...batch, k, n]).data];
  const own = [...(a.dims.length > 1 ? [m] : []), ...(b.dims.length > 1 ? [n] : [])];
  const dims = checked([...batch, ...own]);
  const type = a.type === 'float64' ? a.type : b.type;
  const data = new Float64Array(countOf(dims));
  for (let row = 0; row < countOf(batch) * m; row++) {
    const matrix = Math.floor(row / m) * k * n;
    for (let i = 0; i < k; i++) {
      const v = left[row * k + i] as number;
      if (v === 0) continue;
      if (!work.spend(n)) refuse('its constants take too long to be evaluated');
      for (let o = 0; o < n; o++) data[row * n + o] = (data[row * n + o] as number) + v * (right[matrix + i * n + o] as number);
    }
  }
  return { kind: 'const', dims, type, data: type === 'float64' ? data : constantOf(data, dims, type).data };
}

export function foldNode(node: OnnxNode, known: Known, work: Work): Const[] | undefined {
  const one = foldConstant(node, known) ?? foldQuantised(node, known.inputs);
  if (one) return [one];
  const [x] = known.inputs;
  if (!x || node.domain !== '' || node.inputs.some((name, i) => name !== '' && !known.inputs[i])) return undefined;
  const attributes = new Attributes(node);
  if (node.op === 'Split') return splitParts(node, x, known.inputs[1]);
  const f = node.inputs.length === 1 ? unaryNames.onnx.get(node.op) : undefined;
  if (f) {
    const { of } = unaryOf(f.fn);
    const alpha = attributes.has('alpha') ? attributes.float('alpha', 0) : (f.alpha ?? 0);
    const [min, max] = f.clamp;
    return [{ ...plain(x), data: x.data.map((v) => Math.min(max, Math.max(min, of(v, alpha)))) as Const['data'] }];
  }
  const made = lookup(rules, node.op)?.(known.inputs, attributes, work);
  return made && [made];
}
