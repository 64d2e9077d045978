/**
 * The view of an operator for its rule: its tensors with memory for their values, its options, and checks.
 *
 * In: an operator of a parsed file.  Out: typed arrays, shapes, scales. Errors: Invalid if TensorFlow Lite
 * Micro would stop.
 */
import { elementsOf, type OperatorOf, type OptionsOf, type TensorOf } from './file.ts';
import { Invalid, Unjudged } from './flat.ts';
import type { TypeName } from './schema.ts';

export type Values = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array;

export interface Tensor {
  of: TensorOf;
  shape: readonly number[];
  /** Values; empty for int64 and bool tensors. */
  values: Values;
}

export function makeTensor(of: TensorOf): Tensor {
  const count = elementsOf(of.shape);
  if (!(count <= 2 ** 24)) throw new Unjudged(`${of.name} has ${count} elements`);
  const kinds: Partial<Record<TypeName, new (buffer: ArrayBuffer) => Values>> = {
    int8: Int8Array,
    uint8: Uint8Array,
    int16: Int16Array,
    int32: Int32Array,
    float32: Float32Array,
  };
  const Kind = kinds[of.type];
  if (!Kind) return { of, shape: of.shape, values: new Uint8Array(0) };
  const width = of.type === 'int8' || of.type === 'uint8' ? 1 : of.type === 'int16' ? 2 : 4;
  const buffer = new ArrayBuffer(count * width);
  if (of.data) new Uint8Array(buffer).set(of.data);
  return { of, shape: of.shape, values: new Kind(buffer) };
}

export const rawBytes = (t: Tensor): Uint8Array => new Uint8Array(t.values.buffer, t.values.byteOffset, t.values.byteLength);

/** Clamp of a fused activation on an int8 tensor, as quantised values `low` and `high`. */
export interface Range {
  low: number;
  high: number;
}

export class Op {
  readonly of: OperatorOf;
  readonly inputs: (Tensor | undefined)[];
  readonly outputs: Tensor[];

  constructor(of: OperatorOf, inputs: (Tensor | undefined)[], outputs: Tensor[]) {
    this.of = of;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  get options(): OptionsOf {
    return this.of.options;
  }

  fail(why: string): never {
    throw new Invalid(`${this.of.op} ${this.outputs[0]?.of.name ?? ''}: ${why}`);
  }

  unknown(why: string): never {
    throw new Unjudged(`${this.of.op} ${this.outputs[0]?.of.name ?? ''}: ${why}`);
  }

  counts(inputs: number | readonly [least: number, most: number], outputs = 1): void {
    const [least, most] = typeof inputs === 'number' ? [inputs, inputs] : inputs;
    const n = this.inputs.length;
    if (n < least || n > most) this.fail(`${n} inputs`);
    if (this.outputs.length !== outputs) this.fail(`${this.outputs.length} outputs`);
  }

  input(i: number): Tensor {
    return this.inputs[i] ?? this.fail(`input ${i} is missing`);
  }

  output(i = 0): Tensor {
    return this.outputs[i] ?? this.fail(`output ${i} is missing`);
  }

  number(name: string): number {
    return Number(this.options[name] ?? 0);
  }

  /** Throws Unjudged unless all tensors have this type. */
  types(type: TypeName, ...tensors: Tensor[]): void {
    for (const t of tensors) if (t.of.type !== type) this.unknown(`${t.of.name} is ${t.of.type}, not ${type}`);
  }

  sameType(...tensors: Tensor[]): void {
    for (const t of tensors) if (t.of.type !== tensors[0]?.of.type) this.fail(`${t.of.name} is ${t.of.type}`);
  }

  shapeIs(t: Tensor, shape: readonly number[]): void {
    if (t.shape.join() !== shape.join()) this.fail(`${t.of.name} is ${t.shape.join('x')}, not ${shape.join('x')}`);
  }

  /** Returns the values of a constant int32 tensor. */
  constants(i: number): number[] {
    const t = this.input(i);
    if (!t.of.data) this.unknown(`input ${i} is not constant`);
    if (t.of.type !== 'int32') this.unknown(`input ${i} is ${t.of.type}`);
    return Array.from(t.values);
  }

  quant(t: Tensor): { scale: number; zeroPoint: number } {
    const q = t.of.quant;
    if (!q) this.unknown(`${t.of.name} has no scale`);
    const scale = q.scales[0] as number;
    const zeroPoint = q.zeroPoints[0] ?? 0;
    if (!(scale > 0 && Number.isFinite(scale))) this.fail(`${t.of.name} has scale ${scale}`);
    return { scale, zeroPoint };
  }

  /** Returns the clamp of an int8 output for a fused activation, given by its number. */
  range(t: Tensor, activation = this.number('activation')): Range {
    const { scale, zeroPoint } = this.quant(t);
    const at = (real: number): number => {
      const x = Math.fround(real / scale);
      return zeroPoint + Math.trunc(x + (x < 0 ? -0.5 : 0.5));
    };
    const ranges: Record<number, readonly [number, number]> = {
      0: [-128, 127],
      1: [Math.max(-128, at(0)), 127],
      2: [Math.max(-128, at(-1)), Math.min(127, at(1))],
      3: [Math.max(-128, at(0)), Math.min(127, at(6))],
    };
    const [low, high] = ranges[activation] ?? this.unknown(`activation ${activation}`);
    if (low > high) this.fail(`nothing lies between ${low} and ${high}`);
    return { low, high };
  }
}

/** Checks an operator, and returns a function that runs it in every step. */
export type Rule = (op: Op) => () => void;
