/**
 * Context: what the lowering of one operator can see and do.
 *
 * In: the checked file and the GraphBuilder.  Out: values (which graph tensor a file tensor is, and how its axes lie), constants,
 * and nodes whose shapes agree with the file. An operator that cannot be expressed throws a Refusal; the reader collects them all.
 */
import { RunletError } from '../../error.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Axis, Clamp, OpAttrs, OpName, QuantParams, Shape } from '../../graph/types.ts';
import { fileShapeOf, type Layout, shapeOfLayout, showLayout } from '../layout.ts';
import type { TfModel, TfOperator, TfTensor } from './model.ts';
import { activationQuant, showTensor } from './quantisation.ts';
import { fusedClamps, fusedNames, optionsOf } from './schema.ts';
import type { Table } from './view.ts';

/** Padding that PAD asked for and that the next convolution takes over; the layout's lengths contain it. */
export interface PendingPad {
  t: readonly [number, number];
  f: readonly [number, number];
}

/** A file tensor that has a value: a graph tensor and how its axes lie in the file. */
export interface Value {
  id: number;
  layout: Layout;
  /** What the file's tensor holds; in an int8 graph only borders are float32 or uint8. */
  type: 'float32' | 'int8' | 'uint8';
  pad?: PendingPad;
}

/** The operator is well-formed but cannot become a streaming operator; collected and reported together as RN110. */
export class Refusal extends Error {}

export class Context {
  readonly model: TfModel;
  readonly builder: GraphBuilder;
  /** int8 graphs keep the file's scales, float graphs have none. */
  readonly isInt8: boolean;
  readonly values = new Map<number, Value>();
  /** Constants that operators computed (a dequantised weight), by tensor index. */
  readonly folded = new Map<number, Float32Array>();
  /** Outputs of refused operators; what reads them is skipped. */
  readonly refused = new Set<number>();
  /** Integer tensors that hold shapes (SHAPE, PACK, ...); the file's static shapes already say what they compute. */
  readonly shapeArithmetic = new Set<number>();
  /** Operators that an earlier pattern has taken over. */
  readonly absorbed = new Set<number>();

  constructor(model: TfModel, builder: GraphBuilder, isInt8: boolean) {
    this.model = model;
    this.builder = builder;
    this.isInt8 = isInt8;
  }

  /** The file tensor behind input `i` of an operator; RN106 where it is missing. */
  input(op: TfOperator, i: number): TfTensor {
    const tensor = this.model.tensors[op.inputs[i] ?? -1];
    if (!tensor) throw malformed(op, `input ${i} is missing`);
    return tensor;
  }

  output(op: TfOperator): TfTensor {
    const tensor = this.model.tensors[op.outputs[0] ?? -1];
    if (!tensor || op.outputs.length !== 1) throw malformed(op, `one output is expected, found ${op.outputs.length}`);
    return tensor;
  }

  /** The value of input `i` whatever its type, padding included. */
  rawValue(op: TfOperator, i: number): Value {
    const tensor = this.input(op, i);
    const value = this.values.get(tensor.index);
    if (value) return value;
    if (this.shapeArithmetic.has(tensor.index)) throw new Refusal('it computes with shapes');
    throw new Refusal(tensor.constant ? `input ${i} is a constant` : `input ${i} has no value`);
  }

  /** The value of input `i` for an operator that computes: of the graph's own type, padding not allowed unless `mayPad`. */
  value(op: TfOperator, i: number, mayPad = false): Value {
    const value = this.rawValue(op, i);
    const wanted = this.isInt8 ? 'int8' : 'float32';
    if (value.type !== wanted) {
      throw new Refusal(`it reads ${value.type} in an int8 model, where only QUANTIZE and DEQUANTIZE at the borders may`);
    }
    if (value.pad && !mayPad) throw new Refusal('it reads a padded tensor; PAD is folded only into a following convolution');
    return value;
  }

  /** Adds a node for `op` and binds its output to it. */
  emit<K extends OpName>(op: TfOperator, kind: K, inputs: number[], attrs: OpAttrs[K], layoutOf: (shape: Shape) => Layout): void {
    const tensor = this.output(op);
    const id = this.builder.node(kind, inputs, attrs, op.name, this.quantOf(tensor));
    this.bind(op, { id, layout: layoutOf(this.builder.shape(id)), type: this.isInt8 ? 'int8' : 'float32' });
  }

  /** Parameters of an operator's output; checks its type. */
  quantOf(tensor: TfTensor): QuantParams | undefined {
    const wanted = this.isInt8 ? 'int8' : 'float32';
    if (tensor.type !== wanted) throw new Refusal(`its output is ${tensor.type} in ${this.isInt8 ? 'an int8' : 'a float'} model`);
    if (tensor.isVariable) throw new Refusal('it writes a variable');
    return this.isInt8 ? activationQuant(tensor) : undefined;
  }

  /** Says which graph tensor the output of `op` is; RN104 where the file states another shape. */
  bind(op: TfOperator, value: Value): void {
    const tensor = this.output(op);
    const shape = fileShapeOf(value.layout);
    if (shape.length !== tensor.shape.length || shape.some((n, i) => n !== tensor.shape[i])) {
      throw new RunletError('RN104', {
        what: `${op.name} gives [${shape.join(', ')}]`,
        where: showTensor(tensor),
        why: `the file says [${tensor.shape.join(', ')}]`,
        tryThis: 'export the model again with a fixed window length',
      });
    }
    this.values.set(tensor.index, value);
  }

  /** The options table of an operator, of the kind that its name asks for; undefined where the file leaves it out. */
  options(op: TfOperator): Table | undefined {
    const kind = optionsOf[op.op];
    if (op.optionsType !== 0 && kind !== undefined && op.optionsType !== kind) {
      throw malformed(op, `its options are of kind ${op.optionsType}, ${kind} is expected`);
    }
    return op.optionsType === 0 ? undefined : op.options;
  }

  needOptions(op: TfOperator): Table {
    const options = this.options(op);
    if (!options) throw malformed(op, 'its options are missing');
    return options;
  }
}

/** The fused activation of options field `field` as a clamp. */
export function fusedClamp(op: TfOperator, options: Table | undefined, field: number): Clamp {
  const code = options?.int8(field) ?? 0;
  const clamp = fusedClamps[code];
  if (clamp) return clamp;
  const name = fusedNames[code];
  if (!name) throw malformed(op, `fused activation ${code} is unknown`);
  throw new Refusal(`its fused activation ${name} is not a clamp`);
}

/** The factors of one file dimension that carry elements. */
export const factorsOf = (layout: Layout, dim: number): Layout[number] => (layout[dim] ?? []).filter((f) => f.length !== 1);

/** The one axis of a file dimension, undefined for a unit dimension; a Refusal where several axes share it. */
export function axisOf(layout: Layout, dim: number): Axis | undefined {
  const [first, ...rest] = factorsOf(layout, dim);
  if (rest.some((f) => f.axis !== first?.axis)) throw new Refusal(`dimension ${dim} mixes axes: ${showLayout(layout)}`);
  return first?.axis;
}

export const shapeOf = (value: Value): Shape => shapeOfLayout(value.layout);

export const malformed = (op: TfOperator, why: string): RunletError =>
  new RunletError('RN106', {
    what: 'an operator is malformed',
    where: op.name,
    why,
    tryThis: 'export the model again',
  });
