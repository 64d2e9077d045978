/**
 * Runs a file of Signal operators, one operator at a time and one step at a time. The front end that the
 * reader recognises must give the same values.
 *
 * In: a checked file and int16 steps.  Out: int8 rows. The operators are in signal-operators.ts. The
 * interpreter shares only the file parser with the reader, and only the FFT with the reference.
 */
import { toObject } from 'flatbuffers/js/flexbuffers.js';
import type { TfModel, TfOperator } from '../../models/read/tflite/model.ts';
import { operators, type Values } from './signal-operators.ts';

const readers: Record<string, (bytes: Uint8Array) => Values> = {
  int16: (b) => Array.from(new Int16Array(b.buffer), BigInt),
  int32: (b) => Array.from(new Int32Array(b.buffer), BigInt),
};

export class SignalInterpreter {
  readonly #model: TfModel;
  /** The noise estimates that each operator keeps from step to step. */
  readonly #estimates = new Map<TfOperator, Values>();

  constructor(model: TfModel) {
    this.#model = model;
  }

  /** Runs one step and returns the graph's output. */
  step(samples: Int16Array): number[] {
    const values = new Map<number, Values>([[this.#model.inputs[0] as number, Array.from(samples, BigInt)]]);
    const get = (index: number): Values => {
      const known = values.get(index);
      if (known) return known;
      const { constant, type } = this.#model.tensors[index] as TfModel['tensors'][number];
      const read = readers[type];
      if (!constant || !read) throw new Error(`tensor ${index} has no value`);
      return read(new Uint8Array(constant));
    };
    for (const op of this.#model.operators) {
      const results = this.#run(op, (op.op === 'RESHAPE' ? op.inputs.slice(0, 1) : op.inputs).map(get));
      for (const [i, index] of op.outputs.entries()) values.set(index, results[i] as Values);
    }
    return get(this.#model.outputs[0] as number).map(Number);
  }

  #run(op: TfOperator, inputs: Values[]): Values[] {
    const operator = operators[op.op.replace('CUSTOM Signal', '')];
    if (!operator) throw new Error(`${op.name} is not interpreted`);
    const estimates = this.#estimates.get(op) ?? [];
    this.#estimates.set(op, estimates);
    const option = (name: string) =>
      BigInt(Number((toObject(new Uint8Array(op.custom).buffer) as Record<string, number | boolean>)[name]));
    return operator({ inputs, type: this.#model.tensors[op.outputs[0] as number]?.type, option, estimates });
  }
}
