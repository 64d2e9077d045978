/**
 * Evaluator: evaluates a subgraph of a TensorFlow Lite file, the body of a loop, in real numbers.
 *
 * In: the subgraph and the values of some of its tensors.
 * Out: the values of other tensors, computed on demand.
 * Errors: Refusal for an operator or a type that is not evaluated.
 * Cost: that of the operators, charged to a budget.
 */
import { unary } from '../../ops/unary.ts';
import type { Work } from '../work.ts';
import { malformed, Refusal } from './context.ts';
import { stridedRanges } from './lower/cut.ts';
import type { TfGraph, TfOperator, TfTensor } from './model.ts';

export interface Tensor {
  shape: number[];
  data: Float64Array;
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export class Evaluator {
  readonly graph: TfGraph;
  private readonly made = new Map<number, { op: TfOperator; which: number }>();
  private readonly constants = new Map<number, Tensor>();
  private readonly reals: (tensor: TfTensor) => ArrayLike<number>;
  private readonly work: Work;

  /** @param reals returns the real values of a constant */
  constructor(graph: TfGraph, reals: (tensor: TfTensor) => ArrayLike<number>, work: Work) {
    this.graph = graph;
    this.work = work;
    this.reals = reals;
    for (const op of graph.operators) for (const [which, index] of op.outputs.entries()) this.made.set(index, { op, which });
  }

  tensor(index: number): TfTensor {
    const tensor = this.graph.tensors[index];
    if (!tensor) throw new Refusal('its body has a tensor that does not exist');
    return tensor;
  }

  producer = (index: number): TfOperator | undefined => this.made.get(index)?.op;

  /**
   * Returns a function that evaluates the tensor of an index, each tensor once.
   * @param given values of known tensors. @param held the value of all elements, for some tensors
   */
  with(given: ReadonlyMap<number, Tensor>, held: ReadonlyMap<number, number> = new Map()): (index: number) => Tensor {
    const known = new Map(given);
    const open = new Set<number>();
    const at = (index: number): Tensor => {
      const before = known.get(index) ?? this.constant(index);
      if (before) return before;
      const maker = this.made.get(index);
      if (!maker) throw new Refusal('its body reads a value that comes from no row, state or constant');
      if (open.has(index) || open.size > 256) throw new Refusal('its body contains a cycle');
      open.add(index);
      const { op, which } = maker;
      const result = this.run(op, which, (i) => at(op.inputs[i] ?? -1));
      open.delete(index);
      const value = held.get(index);
      if (value !== undefined) result.data.fill(value);
      known.set(index, result);
      return result;
    };
    return at;
  }

  /** Checks whether a tensor is a constant with the single value `value`. */
  isNumber(index: number, value: number): boolean {
    const { data } = (this.graph.tensors[index] && this.constant(index)) ?? {};
    return data?.length === 1 && data[0] === value;
  }

  private spend(work: number): void {
    if (!this.work.spend(work)) throw new Refusal('its body is too large to be evaluated');
  }

  private constant(index: number): Tensor | undefined {
    const known = this.constants.get(index);
    if (known) return known;
    const tensor = this.tensor(index);
    if (!tensor.constant) return undefined;
    const made = { shape: tensor.shape, data: Float64Array.from(this.reals(tensor)) };
    this.constants.set(index, made);
    return made;
  }

  private run(op: TfOperator, which: number, input: (i: number) => Tensor): Tensor {
    if (!this.work.start(0)) throw new Refusal('its body is too large to be evaluated');
    const optional = (i: number) => ((op.inputs[i] ?? -1) === -1 ? undefined : input(i));
    switch (op.op) {
      case 'FULLY_CONNECTED':
        fused(op, 0);
        return this.product(op, input(0), input(1), true, optional(2));
      case 'BATCH_MATMUL':
        if (op.options?.bool(0)) throw new Refusal('its body transposes the left side of a product');
        return this.product(op, input(0), input(1), op.options?.bool(1) ?? false, undefined);
      case 'ADD':
      case 'SUB':
      case 'MUL':
        fused(op, 0);
        return this.pairs(input(0), input(1), binary[op.op] as (a: number, b: number) => number);
      case 'MINIMUM':
      case 'MAXIMUM':
        return this.pairs(input(0), input(1), binary[op.op] as (a: number, b: number) => number);
      case 'SHAPE':
        return { shape: [input(0).shape.length], data: Float64Array.from(input(0).shape) };
      case 'FILL': {
        const shape = [...input(0).data];
        const length = count(shape);
        if (!(Number.isInteger(length) && length >= 0 && length <= maxFilledElements))
          throw new Refusal('its body fills a tensor that is too large');
        this.spend(length);
        return { shape, data: new Float64Array(length).fill(input(1).data[0] ?? Number.NaN) };
      }
      case 'CAST':
        return input(0);
      case 'LOGISTIC':
      case 'TANH':
      case 'RELU':
      case 'NEG': {
        const { shape, data } = input(0);
        this.spend(data.length);
        return { shape, data: data.map(functions[op.op] as (x: number) => number) };
      }
      case 'SPLIT':
        return this.split(op, which, input(1), Number(input(0).data[0]));
      case 'STRIDED_SLICE':
        return stridedSlice(
          op,
          input(0),
          [1, 2, 3].map((i) => [...input(i).data]),
        );
      case 'RESHAPE':
      case 'SQUEEZE':
      case 'EXPAND_DIMS':
      case 'PACK':
      case 'UNPACK':
      case 'DEQUANTIZE': {
        const { shape, data } = input(0);
        if (op.outputs.length > 1 || ((op.op === 'PACK' || op.op === 'UNPACK') && op.inputs.length > 1))
          throw new Refusal(`its body has ${op.op} of several tensors`);
        const stated = this.tensor(op.outputs[0] ?? -1).shape;
        return { shape: count(stated) === data.length ? stated : shape, data: data.slice() };
      }
      case 'TRANSPOSE':
        return transposed(op, input(0), [...input(1).data]);
    }
    throw new Refusal(`its body has ${op.op}, which is not evaluated`);
  }

  private product(op: TfOperator, x: Tensor, w: Tensor, outFirst: boolean, bias: Tensor | undefined): Tensor {
    const [rows = 0, columns = 0] = w.shape.slice(-2);
    const [inputs, outputs] = outFirst ? [columns, rows] : [rows, columns];
    if (w.data.length !== rows * columns || x.data.length !== inputs || (bias && bias.data.length !== outputs))
      throw malformed(op, `weights [${w.shape.join(', ')}] do not fit ${x.data.length} inputs`);
    const data = bias ? bias.data.slice() : new Float64Array(outputs);
    this.spend(inputs + outputs);
    // most vectors are unit vectors
    for (const [i, v] of x.data.entries()) {
      if (v === 0) continue;
      this.spend(outputs);
      for (let o = 0; o < outputs; o++)
        data[o] = (data[o] as number) + v * (w.data[outFirst ? o * inputs + i : i * outputs + o] as number);
    }
    return { shape: [1, outputs], data };
  }

  /** Applies `f` element by element. One side may be a single value. */
  private pairs(a: Tensor, b: Tensor, f: (a: number, b: number) => number): Tensor {
    const [long, length] = a.data.length >= b.data.length ? [a, a.data.length] : [b, b.data.length];
    if (![1, length].includes(a.data.length) || ![1, length].includes(b.data.length))
      throw new Refusal('its body joins tensors of different lengths');
    this.spend(length);
    const at = (t: Tensor, i: number) => t.data[t.data.length === 1 ? 0 : i] as number;
    return { shape: long.shape, data: Float64Array.from({ length }, (_, i) => f(at(a, i), at(b, i))) };
  }

  private split(op: TfOperator, which: number, x: Tensor, axis: number): Tensor {
    const rank = x.shape.length;
    const dim = axis < 0 ? axis + rank : axis;
    const parts = op.outputs.length;
    const before = count(x.shape.slice(0, dim));
    if (!(Number.isInteger(dim) && dim >= 0 && dim < rank))
      throw malformed(op, `axis ${axis} of ${rank} dimensions does not exist`);
    if (before !== 1 || (x.shape[dim] ?? 0) % parts !== 0) throw new Refusal('its body splits a dimension that is not the last');
    const length = x.data.length / parts;
    return {
      shape: x.shape.with(dim, (x.shape[dim] as number) / parts),
      data: x.data.slice(which * length, (which + 1) * length),
    };
  }
}

/** Largest number of elements that FILL writes. A choice: masks are as long as a row. */
const maxFilledElements = 2 ** 20;

const binary: Record<string, (a: number, b: number) => number> = {
  ADD: (a, b) => a + b,
  SUB: (a, b) => a - b,
  MUL: (a, b) => a * b,
  MINIMUM: Math.min,
  MAXIMUM: Math.max,
};
/** Operator names of a cell's functions. */
export const operatorNames = { logistic: 'LOGISTIC', tanh: 'TANH', relu: 'RELU' };
const functions: Record<string, (x: number) => number> = {
  LOGISTIC: unary.sigmoid.of,
  TANH: unary.tanh.of,
  RELU: (x) => Math.max(0, x),
  NEG: (x) => -x,
};

function fused(op: TfOperator, field: number): void {
  if ((op.options?.int8(field) ?? 0) !== 0) throw new Refusal(`its body has ${op.op} with a fused activation`);
}

function stridedSlice(op: TfOperator, x: Tensor, lists: number[][]): Tensor {
  const ranges = stridedRanges(op, op.options, x.shape, lists);
  const wide = ranges.filter(({ from, to }, dim) => from !== 0 || to !== x.shape[dim]);
  const last = ranges.at(-1);
  if (!last || wide.some((r) => r !== last) || count(x.shape.slice(0, -1)) !== 1)
    throw new Refusal('its body slices a dimension that is not the last');
  return { shape: x.shape.with(-1, last.to - last.from), data: x.data.slice(last.from, last.to) };
}

/** Transposes a matrix. */
function transposed(op: TfOperator, x: Tensor, perm: number[]): Tensor {
  const [rows = 0, columns = 0] = x.shape;
  if (perm.join() !== '1,0' || x.shape.length !== 2) throw malformed(op, 'it transposes more than a matrix');
  const data = Float64Array.from(x.data, (_, i) => x.data[(i % rows) * columns + Math.floor(i / rows)] as number);
  return { shape: [columns, rows], data };
}
