/**
 * Call: a function that is called on tensors, with its arguments and its parameters by name.
 *
 * In: arguments as the file has them, which are not trusted.  Out: values, constants, typed parameters.
 */
import { constantOf } from '../../onnx/constants.ts';
import { type Value as AnyValue, dimsOf } from '../../onnx/values.ts';
import type { Context } from '../context.ts';
import { refuse } from '../fail.ts';
import { type Arguments, type Json, type Layer, Place } from '../model.ts';
import { numbersOf } from '../numbers.ts';

/** Parameters of a function by name, from the config (Keras) or from named arguments (TensorFlow). */
export class Fields {
  private readonly fields: Json;
  private readonly read = new Set<string>();

  constructor({ config }: Pick<Layer, 'config'>, kwargs: Json = {}) {
    this.fields = { ...config, ...kwargs };
  }

  /** Returns the first of the fields that is present. */
  field(...names: string[]): unknown {
    for (const name of names) this.read.add(name);
    return names.map((name) => this.fields[name]).find((value) => value !== undefined && value !== null);
  }

  /** Checks whether a field was read. */
  wasRead = (name: string): boolean => this.read.has(name);

  /** Returns the integers of a field, which may be one number; undefined if it is missing. */
  integers(...names: string[]): number[] | undefined {
    const given = this.field(...names);
    if (given === undefined) return undefined;
    const list = [given].flat() as unknown[];
    const isSound = list.length <= 8 && list.every((n): n is number => Number.isSafeInteger(n));
    return isSound ? list : refuse(`its ${names[0]} is malformed`);
  }

  /** Returns an integer of a field. @param fallback default; without one the field is required */
  integer(names: readonly string[], fallback?: number): number {
    const [value = fallback, more] = this.integers(...names) ?? [];
    return value === undefined || more !== undefined ? refuse(`its ${names[0]} is no number`) : value;
  }

  axis = (fallback?: number): number => this.integer(['axis'], fallback);
}

/** Checks whether an argument has no effect: null, undefined or false. */
export const isEmpty = (x: unknown): boolean => [x].flat(4).every((one) => one === null || one === undefined || one === false);

export class Call extends Fields {
  readonly ctx: Context;
  readonly name: string;
  private readonly args: readonly unknown[];
  private readonly kwargs: Json;
  private readonly inputs: readonly AnyValue[];
  /** Indexes of the arguments that were read. */
  private readonly taken = new Set<number>();

  /** @param inputs the tensors, in the order of their places */
  constructor(ctx: Context, layer: Layer, { args, kwargs }: Arguments, inputs: readonly AnyValue[]) {
    super(layer, kwargs);
    this.ctx = ctx;
    this.name = layer.name;
    this.inputs = inputs;
    this.kwargs = kwargs;
    // TensorFlow names its second operand
    const second = kwargs.y ?? kwargs.b;
    this.args = second === undefined ? args : [...args, second];
  }

  /** Returns argument `at` as the file has it. */
  argument(at: number): unknown {
    this.taken.add(at);
    return this.args[at];
  }

  /** @throws Refusal if an argument that has an effect was not read */
  checkRead(): void {
    const isKnown = (name: string): boolean => ['name', 'y', 'b'].includes(name) || this.wasRead(name);
    const named = Object.keys(this.kwargs).find((name) => !isKnown(name) && !isEmpty(this.kwargs[name]));
    const placed = this.args.findIndex((x, at) => !this.taken.has(at) && !isEmpty(x));
    if (named !== undefined || placed >= 0) refuse(`its argument ${named ?? placed} is not read`);
  }

  /** Returns argument `at`: a tensor, or numbers. */
  operand(at: number): AnyValue {
    const given = this.argument(at);
    if (given instanceof Place) return this.inputs[given.input] ?? refuse('it reads a tensor that is not there');
    return given === undefined ? refuse(`argument ${at} is missing`) : numbersOf(given, `argument ${at}`);
  }

  /** The first argument. */
  get x(): AnyValue {
    return this.operand(0);
  }

  /** All operands, inside or outside lists. */
  get list(): AnyValue[] {
    for (const at of this.args.keys()) this.taken.add(at);
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
