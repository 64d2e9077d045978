/**
 * Chain: follows operators from a tensor to its reader and reports why a pattern does not match.
 *
 * In: the checked file.
 * Out: operators, constants and options. They do not depend on names or on the order in the file.
 * Errors: Mismatch with the node and the reason.
 */
import type { TfModel, TfOperator, TfTensor } from '../model.ts';
import type { TfType } from '../schema.ts';
import type { Table } from '../view.ts';
import { readOptions } from './flexbuffer.ts';

/** The operators do not match the front end's pattern. The reader reports it with the node. */
export class Mismatch extends Error {
  readonly node: string;

  constructor(node: string, why: string) {
    super(why);
    this.node = node;
  }
}

const elementsOf = ({ shape }: TfTensor): number => shape.reduce((a, b) => a * b, 1);

export class Chain {
  readonly model: TfModel;
  /** Operators that were matched so far. */
  readonly used = new Set<TfOperator>();
  readonly #readers = new Map<number, TfOperator[]>();

  constructor(model: TfModel) {
    this.model = model;
    for (const op of model.operators)
      for (const index of new Set(op.inputs)) this.#readers.set(index, [...(this.#readers.get(index) ?? []), op]);
  }

  tensor(index: number | undefined, op: TfOperator): TfTensor {
    const found = this.model.tensors[index ?? -1];
    if (!found) throw new Mismatch(op.name, 'an operand is missing');
    return found;
  }

  /**
   * Returns the only operator that reads a tensor, and `at`, the tensor that it reads. Skips reshapes that
   * only rename dimensions.
   */
  next(index: number, from: string): { op: TfOperator; at: number } {
    let at = index;
    for (;;) {
      const readers = this.#readers.get(at) ?? [];
      const [op] = readers;
      if (!op) throw new Mismatch(from, 'nothing reads its result');
      if (readers.length > 1 || this.model.outputs.includes(at))
        throw new Mismatch(
          from,
          `its result is read ${readers.length > 1 ? `by ${readers.map((r) => r.name).join(', ')}` : 'as an output too'}`,
        );
      if (!['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS'].includes(op.op)) return { op, at };
      at = this.renamed(op);
    }
  }

  /** Returns the output of a reshape that only renames dimensions. */
  renamed(op: TfOperator): number {
    const [from, to] = [this.tensor(op.inputs[0], op), this.tensor(op.outputs[0], op)];
    if (elementsOf(from) !== elementsOf(to) || from.type !== to.type)
      throw new Mismatch(op.name, 'it does more than rename its dimensions');
    this.used.add(op);
    return to.index;
  }

  /** Returns the next operator. It must be `wanted` and read the tensor as operand `operand`. */
  expect(index: number, from: string, wanted: string, operand = 0): TfOperator {
    const { op, at } = this.next(index, from);
    if (op.op !== wanted) throw new Mismatch(op.name, `${wanted.replace('CUSTOM ', '')} is expected after ${from}`);
    if (op.inputs[operand] !== at) throw new Mismatch(op.name, `it does not read the result of ${from} as operand ${operand}`);
    this.used.add(op);
    return op;
  }

  /** Returns the number of elements of an operator's output. */
  elements(op: TfOperator, output = 0): number {
    return elementsOf(this.tensor(op.outputs[output], op));
  }

  /** Returns a builtin operator's options. @param kind their number in BuiltinOptions (schema.fbs) */
  options(op: TfOperator, kind: number): Table | undefined {
    if (op.optionsType !== 0 && op.optionsType !== kind) throw new Mismatch(op.name, `its options are of kind ${op.optionsType}`);
    return op.optionsType === 0 ? undefined : op.options;
  }

  /** Checks the type of an operator's output. */
  typed(op: TfOperator, type: TfType): void {
    const found = this.tensor(op.outputs[0], op).type;
    if (found !== type) throw new Mismatch(op.name, `it gives ${found}; ${type} is expected`);
  }

  /** Returns a named option of a custom operator. @throws Mismatch if it is missing or out of range. */
  option(op: TfOperator, name: string, min: number, max: number): number {
    const value = readOptions(op.custom)?.get(name);
    if (value === undefined) throw new Mismatch(op.name, `its option ${name} is missing`);
    if (value < min || value > max) throw new Mismatch(op.name, `its option ${name} is ${value}; ${min} to ${max} can be read`);
    return value;
  }

  /** Returns an aligned copy of a constant operand's bytes. */
  private constant(op: TfOperator, operand: number, wanted: 'int16' | 'int32'): ArrayBuffer {
    const { constant, type } = this.tensor(op.inputs[operand], op);
    if (!constant || type !== wanted) throw new Mismatch(op.name, `operand ${operand} is no constant of ${wanted}`);
    this.model.view.spend(0, constant.length);
    return new Uint8Array(constant).buffer;
  }

  int16s = (op: TfOperator, operand: number): Int16Array => new Int16Array(this.constant(op, operand, 'int16'));
  int32s = (op: TfOperator, operand: number): Int32Array => new Int32Array(this.constant(op, operand, 'int32'));
}
