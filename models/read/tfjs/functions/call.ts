/**
 * Call: a function that was called on tensors: its arguments, and its parameters by name.
 *
 * In: arguments as the file has them, which are not trusted.  Out: values, constants, typed parameters.
 */
import { constantOf } from '../../onnx/constants.ts';
import { type Value as AnyValue, dimsOf } from '../../onnx/values.ts';
import type { Context } from '../context.ts';
import { refuse } from '../fail.ts';
import { type Arguments, type Json, type Layer, Place } from '../model.ts';
import { numbersOf } from '../numbers.ts';

/** Parameters of a function by name: Keras has them in its config, TensorFlow among the named arguments. */
export class Fields {
  private readonly fields: Json;

  constructor({ config }: Pick<Layer, 'config'>, kwargs: Json = {}) {
    this.fields = { ...config, ...kwargs };
  }

  /** The first of the fields that is there. */
  field(...names: string[]): unknown {
    return names.map((name) => this.fields[name]).find((value) => value !== undefined && value !== null);
  }

  /** Integers of a field, which may be one number; undefined where it is not there. */
  integers(...names: string[]): number[] | undefined {
    const given = this.field(...names);
    if (given === undefined) return undefined;
    const list = [given].flat() as unknown[];
    const isSound = list.length <= 8 && list.every((n): n is number => Number.isSafeInteger(n));
    return isSound ? list : refuse(`its ${names[0]} is malformed`);
  }

  /** An integer of a field. @param fallback where it is not there; left out: it has to be */
  integer(names: readonly string[], fallback?: number): number {
    const [value = fallback, more] = this.integers(...names) ?? [];
    return value === undefined || more !== undefined ? refuse(`its ${names[0]} is no number`) : value;
  }

  axis = (fallback?: number): number => this.integer(['axis'], fallback);
}

export class Call extends Fields {
  readonly ctx: Context;
  readonly name: string;
  readonly args: readonly unknown[];
  private readonly inputs: readonly AnyValue[];

  /** @param inputs the tensors, by their places */
  constructor(ctx: Context, layer: Layer, { args, kwargs }: Arguments, inputs: readonly AnyValue[]) {
    super(layer, kwargs);
    this.ctx = ctx;
    this.name = layer.name;
    this.inputs = inputs;
    // TensorFlow names its second operand
    const second = kwargs.y ?? kwargs.b;
    this.args = second === undefined ? args : [...args, second];
  }

  /** Argument `at`: a tensor, or numbers. */
  operand(at: number): AnyValue {
    const given = this.args[at];
    if (given instanceof Place) return this.inputs[given.input] ?? refuse('it reads a tensor that is not there');
    return given === undefined ? refuse(`argument ${at} is missing`) : numbersOf(given, `argument ${at}`);
  }

  /** The first argument. */
  get x(): AnyValue {
    return this.operand(0);
  }

  /** All tensors, in lists or not. */
  get list(): AnyValue[] {
    return this.args.flat(2).map((x) => (x instanceof Place ? (this.inputs[x.input] as AnyValue) : numbersOf(x, 'list')));
  }

  get dims(): number[] {
    const { x } = this;
    return x.kind === 'poisoned' ? refuse('it reads what is not there') : dimsOf(x);
  }

  onnx(op: string, inputs: readonly AnyValue[], attributes: Parameters<Context['onnx']>[2] = {}, part = ''): AnyValue {
    return this.ctx.onnx(op, inputs, attributes, part ? `${this.name}/${part}` : this.name);
  }

  number = (value: number): AnyValue => constantOf([value], [], 'float32');
}
