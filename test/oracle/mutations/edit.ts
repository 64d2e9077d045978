/**
 * Helpers of the mutations: find operators, add tensors and operators, and make shapes consistent again.
 *
 * In: a FileOf, which is changed in place.  Out: nothing.
 */
import { elementsOf, type FileOf, type OperatorOf, type OptionsOf, type SubgraphOf, type TensorOf } from '../file.ts';
import { bytesOf, type OperatorName } from '../schema.ts';
import { bytesOfInt32 } from '../writer/net.ts';
import type { Rng } from '../writer/rng.ts';

/** Changes the file. Returns false if the mutation does not apply to it. */
export type Mutation = (edit: Edit) => boolean;

export class Edit {
  readonly file: FileOf;
  readonly rng: Rng;

  constructor(file: FileOf, rng: Rng) {
    this.file = file;
    this.rng = rng;
  }

  get main(): SubgraphOf {
    return this.file.subgraphs[0] as SubgraphOf;
  }

  get init(): SubgraphOf | undefined {
    return this.file.subgraphs[1];
  }

  all = (...ops: OperatorName[]): OperatorOf[] => this.main.operators.filter((o) => (ops as string[]).includes(o.op));

  /** Returns a random operator of these kinds in the main graph. */
  any(...ops: OperatorName[]): OperatorOf | undefined {
    const found = this.all(...ops);
    return found.length > 0 ? this.rng.pick(found) : undefined;
  }

  tensor = (id: number): TensorOf => this.main.tensors[id] as TensorOf;
  inputOf = (o: OperatorOf, i = 0): TensorOf => this.tensor(o.inputs[i] as number);
  outputOf = (o: OperatorOf, i = 0): TensorOf => this.tensor(o.outputs[i] as number);

  /** Returns the name of the variable of a handle tensor. */
  nameOf = (handle: number | undefined): string =>
    String(this.main.operators.find((o) => o.op === 'VAR_HANDLE' && o.outputs[0] === handle)?.options.sharedName ?? '');

  add = (tensor: TensorOf): number => this.main.tensors.push(tensor) - 1;
  like = (id: number, more: Partial<TensorOf> = {}): number => {
    const { data: _, ...rest } = this.tensor(id);
    return this.add({ ...structuredClone(rest), name: `${rest.name}/new`, ...more });
  };
  constants = (values: number[], shape = [values.length]): number =>
    this.add({ name: 'new constant', type: 'int32', shape, data: bytesOfInt32(values) });

  /** Inserts an operator directly before or after another. */
  insert(
    at: OperatorOf,
    where: 'before' | 'behind',
    op: OperatorName,
    inputs: number[],
    outputs: number[],
    options: OptionsOf = {},
  ) {
    const operator: OperatorOf = { op, inputs, outputs, options };
    this.main.operators.splice(this.main.operators.indexOf(at) + (where === 'behind' ? 1 : 0), 0, operator);
    return operator;
  }

  remove(o: OperatorOf): void {
    this.main.operators.splice(this.main.operators.indexOf(o), 1);
  }

  /** Makes all readers of `from` read `to` instead, except the operators `but`. */
  redirect(from: number, to: number, but: OperatorOf[] = []): void {
    for (const o of this.main.operators) if (!but.includes(o)) o.inputs = o.inputs.map((id) => (id === from ? to : id));
    this.main.outputs = this.main.outputs.map((id) => (id === from ? to : id));
  }

  /** Returns the other activations with the shape and type of `id`; none if that input is absent. */
  sameShape = (id: number): number[] => {
    const tensor = this.main.tensors[id];
    if (!tensor) return [];
    const { shape, type } = tensor;
    return this.main.tensors.flatMap((t, other) =>
      other !== id && !t.data && t.type === type && t.shape.join() === shape.join() ? [other] : [],
    );
  };

  writerOf = (id: number): OperatorOf | undefined => this.main.operators.find((o) => o.outputs.includes(id));
  readersOf = (id: number): OperatorOf[] => this.main.operators.filter((o) => o.inputs.includes(id));

  /** Returns the tensors known before operator `o` runs: the inputs and the outputs of earlier operators. */
  before(o: OperatorOf): Set<number> {
    const earlier = this.main.operators.slice(0, this.main.operators.indexOf(o));
    return new Set([...this.main.inputs, ...earlier.flatMap((e) => e.outputs)]);
  }

  /** Gives operator `o` a private copy of a constant, so that a change affects no other reader. */
  ownConstant(o: OperatorOf, i: number): Int32Array {
    const { data, ...rest } = this.inputOf(o, i);
    const own = (data ?? new Uint8Array(0)).slice();
    o.inputs[i] = this.add({ ...rest, data: own });
    return new Int32Array(own.buffer);
  }
}

/** Changes a constant's shape by repeating its bytes. */
function resize(t: TensorOf, shape: number[]): void {
  const old = t.data ?? new Uint8Array(1);
  t.shape = shape;
  t.data = Uint8Array.from({ length: elementsOf(shape) * bytesOf[t.type] }, (_, i) => old[i % old.length] as number);
}

const rowsAfter = (o: OperatorOf, rows: number, kernel: number, axis: 'H' | 'W'): number => {
  const [stride, dilation] = [Number(o.options[`stride${axis}`]), Number(o.options[`dilation${axis}`] ?? 1)];
  return o.options.padding === 0 ? Math.ceil(rows / stride) : Math.floor((rows - (kernel - 1) * dilation - 1) / stride) + 1;
};

/** Returns the output shape that follows from an operator's inputs, or undefined if it is not known. */
function shapeAfter(edit: Edit, o: OperatorOf): number[] | undefined {
  const x = o.inputs.length > 0 ? (edit.inputOf(o)?.shape ?? []) : [];
  const ints = (i: number) => new Int32Array((edit.inputOf(o, i)?.data ?? new Uint8Array(0)).slice().buffer);
  switch (o.op) {
    case 'CONCATENATION': {
      const axis = Number(o.options.axis) < 0 ? Number(o.options.axis) + x.length : Number(o.options.axis);
      const sum = o.inputs.reduce((n, id) => n + (edit.tensor(id).shape[axis] ?? 0), 0);
      return x.map((d, i) => (i === axis ? sum : d));
    }
    case 'STRIDED_SLICE': {
      const [b, e, s] = [ints(1), ints(2), ints(3)];
      const bit = (mask: string, i: number) => (Number(o.options[mask]) >> i) & 1;
      return x.flatMap((d, i) => {
        const step = s[i] || 1;
        const [low, high] = step > 0 ? [0, d] : [-1, d - 1];
        const fix = (v: number) => Math.min(high, Math.max(low, v < 0 ? v + d : v));
        const from = bit('beginMask', i) ? (step > 0 ? 0 : d - 1) : fix(b[i] ?? 0);
        const to = bit('endMask', i) ? (step > 0 ? d : -1) : fix(e[i] ?? 0);
        return bit('shrinkAxisMask', i) ? [] : [Math.max(0, Math.ceil((to - from) / step))];
      });
    }
    case 'SLICE':
      return Array.from(ints(2), (n, i) => (n === -1 ? (x[i] ?? 0) - (ints(1)[i] ?? 0) : n));
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D': {
      const w = edit.inputOf(o, 1).shape;
      return [
        x[0] ?? 1,
        rowsAfter(o, x[1] ?? 0, w[1] ?? 1, 'H'),
        rowsAfter(o, x[2] ?? 0, w[2] ?? 1, 'W'),
        w[o.op === 'CONV_2D' ? 0 : 3] ?? 0,
      ];
    }
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D':
      return [
        x[0] ?? 1,
        rowsAfter(o, x[1] ?? 0, Number(o.options.filterH), 'H'),
        rowsAfter(o, x[2] ?? 0, Number(o.options.filterW), 'W'),
        x[3] ?? 0,
      ];
    case 'RELU':
    case 'LOGISTIC':
    case 'TANH':
    case 'SOFTMAX':
    case 'QUANTIZE':
    case 'DEQUANTIZE':
      return x;
    case 'ADD':
    case 'MUL': {
      const y = edit.inputOf(o, 1).shape;
      return y.length === x.length ? x.map((d, i) => Math.max(d, y[i] ?? 1)) : x;
    }
    default:
      return undefined;
  }
}

/**
 * Updates the output shape of an operator that changes the rank: the number of rows changes and the rest
 * stays. A flattened output has all elements.
 */
function reshapeAfter(edit: Edit, o: OperatorOf): void {
  const [x, y] = [edit.inputOf(o), edit.outputOf(o)];
  if (elementsOf(x.shape) === elementsOf(y.shape)) return;
  if (y.shape.length === 2) y.shape = [1, elementsOf(x.shape)];
  else y.shape = y.shape.map((d, i) => (i === 1 ? (x.shape[1] ?? d) : d));
  if (o.op === 'RESHAPE' && o.inputs.length > 1) edit.ownConstant(o, 1).set(y.shape.slice(0, edit.inputOf(o, 1).shape[0]));
  if (o.op === 'RESHAPE' && o.inputs.length === 1) o.options.newShape = y.shape;
}

/**
 * Sets every tensor's shape to the one that follows from the operators, and resizes constants. States get the
 * shape of the assigned value.
 */
export function repairShapes(edit: Edit): void {
  for (let pass = 0; pass < 4; pass++) {
    const held = new Map<string, number[]>();
    for (const o of edit.all('ASSIGN_VARIABLE')) held.set(edit.nameOf(o.inputs[0]), edit.inputOf(o, 1).shape);
    for (const o of edit.main.operators) {
      if (o.op === 'READ_VARIABLE') {
        const shape = held.get(edit.nameOf(o.inputs[0]));
        if (shape) edit.outputOf(o).shape = shape;
      } else if (o.op === 'RESHAPE' || o.op === 'EXPAND_DIMS') reshapeAfter(edit, o);
      else if (o.op === 'FULLY_CONNECTED') {
        const w = edit.inputOf(o, 1);
        const depth = elementsOf(edit.inputOf(o).shape);
        if (w.data && w.shape.length === 2 && w.shape[1] !== depth && depth > 0) resize(w, [w.shape[0] ?? 1, depth]);
      } else if (o.op === 'SPLIT' || o.op === 'SPLIT_V') {
        const x = edit.inputOf(o, o.op === 'SPLIT' ? 1 : 0).shape;
        for (const id of o.outputs) edit.tensor(id).shape = edit.tensor(id).shape.map((d, i) => (i === 3 ? d : (x[i] ?? d)));
      } else {
        const shape = o.outputs.length === 1 ? shapeAfter(edit, o) : undefined;
        if (shape?.every((d) => d > 0)) edit.outputOf(o).shape = shape;
      }
    }
    const init = edit.init;
    for (const o of init?.operators ?? []) {
      if (o.op !== 'ASSIGN_VARIABLE' || !init) continue;
      const handle = init.operators.find((h) => h.op === 'VAR_HANDLE' && h.outputs[0] === o.inputs[0]);
      const shape = held.get(String(handle?.options.sharedName));
      const value = init.tensors[o.inputs[1] ?? -1];
      if (shape && value && value.shape.join() !== shape.join()) resize(value, shape);
    }
  }
}
