/**
 * A walk through operators that follow one another: who reads a tensor, what constants an operator has, and
 * why a pattern does not match.
 *
 * In: the checked file.  Out: operators, constants, options; `Mismatch` names the node and the reason.
 * Nothing depends on names or order in the file.
 */
import type { TfModel, TfOperator, TfTensor } from '../model.ts';
import type { TfType } from '../schema.ts';
import type { Table } from '../view.ts';
import { readOptions } from './flexbuffer.ts';

/** The operators are not the front end's pattern; the reader reports it with the node. */
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
  /** Operators of the pattern so far. */
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
   * The one operator that reads a tensor, reshapes that only rename skipped; `at` is the tensor that it
   * reads.
   */
  next(index: number, from: string): { op: TfOperator; at: number } {
    let at = index;
    for (;;) {
      const readers = this.#readers.get(at) ?? [];
      const [op] = readers;
      if (!op) throw new Mismatch(from, 'its result goes nowhere');
      if (readers.length > 1 || this.model.outputs.includes(at))
        throw new Mismatch(
          from,
          `its result is read ${readers.length > 1 ? `by ${readers.map((r) => r.name).join(', ')}` : 'as an output too'}`,
        );
      if (!['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS'].includes(op.op)) return { op, at };
      at = this.renamed(op);
    }
  }

  /** The output of a reshape. */
  renamed(op: TfOperator): number {
    const [from, to] = [this.tensor(op.inputs[0], op), this.tensor(op.outputs[0], op)];
    if (elementsOf(from) !== elementsOf(to) || from.type !== to.type)
      throw new Mismatch(op.name, 'it does more than rename its dimensions');
    this.used.add(op);
    return to.index;
  }

  /** The next operator, which must be one of `wanted` and read the tensor as operand `operand`. */
  expect(index: number, from: string, wanted: string, operand = 0): TfOperator {
    const { op, at } = this.next(index, from);
    if (op.op !== wanted) throw new Mismatch(op.name, `${wanted.replace('CUSTOM ', '')} is expected behind ${from}`);
    if (op.inputs[operand] !== at) throw new Mismatch(op.name, `it does not read the result of ${from} as operand ${operand}`);
    this.used.add(op);
    return op;
  }

  /** Elements of an operator's output. */
  elements(op: TfOperator, output = 0): number {
    return elementsOf(this.tensor(op.outputs[output], op));
  }

  /** The options table of a builtin operator, of kind `kind` (schema.fbs, BuiltinOptions). */
  options(op: TfOperator, kind: number): Table | undefined {
    if (op.optionsType !== 0 && op.optionsType !== kind) throw new Mismatch(op.name, `its options are of kind ${op.optionsType}`);
    return op.optionsType === 0 ? undefined : op.options;
  }

  /** Checks a tensor's type. */
  typed(op: TfOperator, type: TfType): void {
    const found = this.tensor(op.outputs[0], op).type;
    if (found !== type) throw new Mismatch(op.name, `it gives ${found}; ${type} is expected`);
  }

  /** A named option; RN114 where it is missing or out of range. */
  option(op: TfOperator, name: string, min: number, max: number): number {
    const value = readOptions(op.custom)?.get(name);
    if (value === undefined) throw new Mismatch(op.name, `its option ${name} is missing`);
    if (value < min || value > max) throw new Mismatch(op.name, `its option ${name} is ${value}; ${min} to ${max} can be read`);
    return value;
  }

  /** The bytes of a constant operand, copied so that they are aligned. */
  private constant(op: TfOperator, operand: number, wanted: 'int16' | 'int32'): ArrayBuffer {
    const { constant, type } = this.tensor(op.inputs[operand], op);
    if (!constant || type !== wanted) throw new Mismatch(op.name, `operand ${operand} is no constant of ${wanted}`);
    this.model.view.spend(0, constant.length);
    return new Uint8Array(constant).buffer;
  }

  int16s = (op: TfOperator, operand: number): Int16Array => new Int16Array(this.constant(op, operand, 'int16'));
  int32s = (op: TfOperator, operand: number): Int32Array => new Int32Array(this.constant(op, operand, 'int32'));
}
