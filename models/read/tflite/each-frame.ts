/**
 * framesTogether: merges the copies of a network that a file holds, one per frame, into one network.
 *
 * In: a file in which a PACK joins the results of equal branches; branch i reads element i of one tensor.
 * Keras 3 converts TimeDistributed layers to this form.
 * Out: the file with one branch, whose batch holds the frames; live.ts removes the other branches. Two
 * operators are equal if their options have the same bytes and they read the same constants.
 * Cost: linear in the operators before the PACKs.
 */
import { unaryOperators } from '../../ops/unary.ts';
import { makersOf, type TfModel, type TfOperator, type TfTensor } from './model.ts';

const moves = new Set(['RESHAPE', 'EXPAND_DIMS', 'SQUEEZE']);
/** Operators that compute each entry of the batch independently of the others. */
const byEntry = new Set([
  ...unaryOperators('tflite'),
  'ADD',
  'AVERAGE_POOL_2D',
  'CONV_2D',
  'DEPTHWISE_CONV_2D',
  'FULLY_CONNECTED',
  'MAX_POOL_2D',
  'MUL',
  'SUB',
]);

interface Branches {
  /** Index of the tensor whose elements the branches read. */
  source: number;
  /** Operators of the first branch, starting at the source. */
  ops: TfOperator[];
}

class Finder {
  private readonly tensors: readonly TfTensor[];
  private readonly makers: Map<number, TfOperator>;

  constructor(model: TfModel) {
    this.tensors = model.tensors;
    this.makers = makersOf(model);
  }

  /** Returns the branches that make value i from element i of one tensor; undefined if they differ. */
  branches(values: readonly number[]): Branches | undefined {
    const ops: TfOperator[] = [];
    for (let now: readonly number[] | undefined = values; now; now = this.step(now, ops)) {
      const makers: (TfOperator | undefined)[] = now.map((index) => this.makers.get(index));
      const source = makers[0]?.inputs[0];
      if (source !== undefined && makers.every((op, i) => this.picks(op, source, i, values.length)))
        return { source, ops: ops.reverse() };
    }
    return undefined;
  }

  /** Returns the inputs of the makers of `values` and adds one maker to `ops`; undefined if they differ. */
  private step(values: readonly number[], ops: TfOperator[]): number[] | undefined {
    const makers = values.map((index) => this.makers.get(index));
    const [first] = makers;
    if (!first || !makers.every((op) => op && this.alike(first, op))) return undefined;
    ops.push(first);
    return makers.map((op) => op?.inputs[0] ?? -1);
  }

  private alike(one: TfOperator, other: TfOperator): boolean {
    if (one.op !== other.op || !this.keepsBatch(one) || !this.keepsBatch(other)) return false;
    if (this.kind(one.outputs[0]) !== this.kind(other.outputs[0])) return false;
    if (moves.has(one.op)) return true;
    const constants = one.inputs.every((index, i) => i === 0 || (index === other.inputs[i] && this.isConstant(index)));
    return constants && (one.options ? other.options !== undefined && one.options.same(other.options) : !other.options);
  }

  /** Returns a key of shape, type and quantisation. */
  private kind(index = -1): string {
    const { shape, type, quant } = this.tensors[index] ?? {};
    return JSON.stringify([shape, type, quant]);
  }

  private shape = (index = -1): number[] => this.tensors[index]?.shape ?? [];

  private isConstant = (index: number): boolean => index === -1 || this.tensors[index]?.constant !== undefined;

  /** Checks whether dimension 0 is a batch of 1 in both the input and the output. */
  private keepsBatch({ op, inputs, outputs }: TfOperator): boolean {
    const [from, to] = [this.shape(inputs[0]), this.shape(outputs[0])];
    const isKnown = moves.has(op) || (byEntry.has(op) && (from.length === to.length || op === 'FULLY_CONNECTED'));
    return isKnown && from[0] === 1 && to[0] === 1;
  }

  /** Checks whether `op` slices element `i` of `n` from dimension 0. */
  private picks(op: TfOperator | undefined, source: number, i: number, n: number): boolean {
    const shape = this.shape(source);
    if (op?.op !== 'STRIDED_SLICE' || op.inputs[0] !== source || shape[0] !== n) return false;
    const [from = [], to = [], by = []] = op.inputs.slice(1).map((index) => {
      const { constant, type } = this.tensors[index] ?? {};
      return constant && type === 'int32' ? [...new Int32Array(new Uint8Array(constant).buffer)] : [];
    });
    const masks = [0, 1, 4].map((field) => op.options?.int32(field) ?? 0);
    const [begins = 0, ends = 0, shrinks] = masks;
    const isOne = from[0] === i && to[0] === i + 1 && shrinks === 1 && ((begins | ends) & 1) === 0;
    const isWhole = (d: number) => ((begins >> d) & 1 || from[d] === 0) && ((ends >> d) & 1 || to[d] === shape[d]);
    return isOne && by.every((step) => step === 1) && shape.every((_, d) => d === 0 || isWhole(d));
  }
}

/** Merges the copies; see the header. */
export function framesTogether(model: TfModel): TfModel {
  const finder = new Finder(model);
  const tensors = [...model.tensors];
  const operators = model.operators.flatMap((op): TfOperator[] => {
    const [out, n] = [tensors[op.outputs[0] ?? -1], op.inputs.length];
    const found = op.op === 'PACK' && n > 1 && (op.options?.int32(1) ?? 0) === 0 ? finder.branches(op.inputs) : undefined;
    const from = tensors[found?.source ?? -1];
    if (!found || !from || !out) return [op];
    const reshape = (input: number, output: number): TfOperator => ({ ...op, op: 'RESHAPE', inputs: [input], outputs: [output], optionsType: 0, options: undefined }); // biome-ignore format: one line
    const add = (like: TfTensor, shape: number[]): number =>
      tensors.push({ ...like, index: tensors.length, shape, signature: [] }) - 1;
    let at = add(from, [n, ...from.shape.slice(2)]);
    const made = [reshape(found.source, at)];
    for (const one of found.ops) {
      const like = tensors[one.outputs[0] ?? -1] as TfTensor;
      const next = add(like, like.shape.with(0, n));
      made.push(moves.has(one.op) ? { ...reshape(at, next), name: one.name, index: one.index } : { ...one, inputs: one.inputs.with(0, at), outputs: [next] }); // biome-ignore format: one line
      at = next;
    }
    return [...made, reshape(at, out.index)];
  });
  return { ...model, tensors, operators };
}
