/**
 * Context: what the lowering of an operator reads and changes.
 *
 * In: the checked file and the GraphBuilder.
 * Out: values (the graph tensor and the layout of each file tensor), constants, and nodes whose shapes agree
 * with the file.
 * Errors: an operator that has no streaming form throws a Refusal; the reader collects all of them.
 */

import { RunletError } from '../../error.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import { StepStreams } from '../../graph/stateful.ts';
import type { Axis, Clamp, Node, OpAttrs, OpName, QuantParams, Shape } from '../../graph/types.ts';
import { lookup } from '../../lookup.ts';
import { fileShapeOf, type Layout, shapeOfLayout, showLayout } from '../layout.ts';
import type { Const } from '../onnx/tensor.ts';
import { type Weighted, weightedRows } from '../over-time.ts';
import type { AddNode } from '../recurrent.ts';
import type { States } from '../states.ts';
import { Work } from '../work.ts';
import type { TfModel, TfOperator, TfTensor } from './model.ts';
import { activationQuant, showTensor } from './quantisation.ts';
import { fusedClamps, fusedNames, optionsOf, type TfType } from './schema.ts';
import { type StateRead, Variables } from './variables.ts';
import type { Table } from './view.ts';

/** Padding of a PAD operator that the next convolution applies. The layout's lengths include it. */
export interface PendingPad {
  t: readonly [number, number];
  f: readonly [number, number];
}

/** A batch of every block-th frame, between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND (lower/batch.ts). */
export interface Batched {
  block: { t: number; f: number };
  /** Number of padding rows that are earlier rows of a stream; undefined if the value is no stream. */
  past?: number | undefined;
  /**
   * Set by the convolution between the two. Adds its node as the output of `to`, the BATCH_TO_SPACE_ND, with
   * the crops and the layout found there.
   */
  finish?: (to: TfOperator, crops: PendingPad, layout: Layout) => void;
}

/** Value of a file tensor: its graph tensor, and how its axes lie in the file. */
export interface Value {
  id: number;
  layout: Layout;
  /** Element type in the file. In an integer graph only border tensors are float32 or uint8. */
  type: 'float32' | 'int8' | 'uint8' | 'int16';
  /** True: an index, which the file holds as int32 or int64, and `type` as a real number. */
  isIndex?: true;
  pad?: PendingPad;
  batched?: Batched;
  /**
   * Rows to add before and after the tensor's own: `before` earlier rows of the stream, `after` later ones.
   * Negative numbers drop rows (lower/state.ts). The layout's lengths include them.
   */
  history?: { before: number; after: number };
  /** True if the file has the frames in reverse order, the last frame first. */
  reversed?: boolean;
  /** Numbers of the state elements that store this value's elements for the next step. */
  next?: Const;
  /** Weights over time that the tensor must still be multiplied by. */
  weighted?: Weighted;
}

/**
 * State elements by their numbers (models/read/states.ts): `now`, their present values; `next`, the values
 * that are stored into them.
 */
export interface Elements {
  when: 'now' | 'next';
  ids: Const;
}

/** Operators that keep rows from step to step. */
const keepsRows = new Set(['SVDF', 'CUSTOM CIRCULAR_BUFFER']);

/** Largest number of elements that one activation may have in one window. */
export const maxElements = 2 ** 24;

/**
 * A well-formed operator that has no streaming form. The reader collects refusals and reports them together
 * as RN110.
 */
export class Refusal extends Error {}

/** A boolean mask (masks.ts). */
export interface Mask {
  dims: readonly number[];
  data: Uint8Array;
}

export class Context {
  readonly model: TfModel;
  readonly builder: GraphBuilder;
  /** True for an integer graph (int8 or int16), which keeps the file's scales. A float graph has none. */
  readonly isInt8: boolean;
  readonly values = new Map<number, Value>();
  /** File tensors that share a graph tensor, by the graph tensor's id. */
  readonly tensorsOf = new Map<number, number[]>();
  /** Constants that were computed while reading (a dequantised weight, for example), by tensor index. */
  readonly folded = new Map<number, Float32Array>();
  /** Results of shape arithmetic, by tensor index. */
  readonly integers = new Map<number, number[]>();
  /** Masks that were computed from shapes and constants, by tensor index. */
  readonly masks = new Map<number, Mask>();
  /** Shapes of tensors that hold only zeros, by tensor index: initial states and lists of loops. */
  readonly zeros = new Map<number, readonly number[]>();
  /** Lists of rows, by tensor index: their length, and the value that a loop put in. */
  readonly lists = new Map<number, { rows: number; value?: Value }>();
  /** Outputs of refused operators. Operators that read them are skipped. */
  readonly refused = new Set<number>();
  /** Operators that read each tensor, by tensor index. */
  readonly consumers: Map<number, TfOperator[]>;
  /** Indexes of operators that compute shapes; they are evaluated while reading (integers.ts). */
  readonly shapeArithmetic = new Set<number>();
  /** True if foldGraph has layers to remove: they only select values, or only zeros depended on them. */
  folds = false;
  /** Names of operators with int8 weights and float activations. */
  readonly hybrid: string[] = [];
  /** True if the model carries its own state: `variables`, and `states`, the tensors read from them. */
  stateful: boolean;
  readonly variables: Variables;
  readonly states = new Map<number, StateRead>();
  /** States that are graph inputs; `elements` are the tensors that stand for state elements, by index. */
  readonly inputStates: States;
  readonly elements = new Map<number, Elements>();
  /** Remaining budget for evaluating loops and cells. */
  readonly work = new Work();
  /** Refused operators. */
  readonly refusedOps = new Set<TfOperator>();
  private steps: StepStreams | undefined;
  /** Outputs of `history`, `slice` and `permute` nodes by input and attributes; each is added once. */
  private readonly parts = new Map<string, number>();

  constructor(model: TfModel, builder: GraphBuilder, isInt8: boolean, inputStates: States) {
    this.inputStates = inputStates;
    this.model = model;
    this.builder = builder;
    this.isInt8 = isInt8;
    this.consumers = consumersOf(model);
    this.variables = new Variables(model);
    this.stateful = this.variables.ofResource.size > 0 || model.operators.some(({ op }) => keepsRows.has(op));
    builder.stateful = this.stateful;
  }

  /** Returns the file tensor of input `i`. @throws RunletError RN106 if it is missing. */
  input(op: TfOperator, i: number): TfTensor {
    const tensor = this.model.tensors[op.inputs[i] ?? -1];
    if (!tensor) throw malformed(op, `input ${i} is missing`);
    return tensor;
  }

  /** Returns the only output, or output `which` of several. */
  output(op: TfOperator, which?: number): TfTensor {
    const tensor = this.model.tensors[op.outputs[which ?? 0] ?? -1];
    if (!tensor || (which === undefined && op.outputs.length !== 1))
      throw malformed(op, `one output is expected, found ${op.outputs.length}`);
    return tensor;
  }

  /** Returns the actual shape of input `i`; the file may state placeholders. */
  fileShape(op: TfOperator, i: number): number[] {
    return fileShapeOf(this.rawValue(op, i).layout);
  }

  /** Returns the value of input `i`, of any type, with its padding. */
  rawValue(op: TfOperator, i: number): Value {
    const tensor = this.input(op, i);
    const value = this.values.get(tensor.index);
    if (value) return this.whole(tensor.index, value);
    if (this.integers.has(tensor.index)) throw new Refusal('it computes with shapes');
    if (this.elements.has(tensor.index))
      throw new Refusal('it reads a state, which only a recurrent cell or a concatenation with new rows may read');
    if (this.states.has(tensor.index)) throw new Refusal('it reads a state directly, not as the rows before a tensor');
    throw new Refusal(tensor.constant ? `input ${i} is a constant` : `input ${i} has no value`);
  }

  /** Multiplies a value by its weights over time, once, for readers other than a sum over time. */
  whole(index: number, value: Value): Value {
    const { weighted, ...plain } = value;
    if (!weighted) return value;
    const { tensor: id, layout } = weightedRows(this, weighted, `${showTensor(this.model.tensors[index] as TfTensor)}/weighted`);
    const made = { ...plain, id, layout };
    this.values.set(index, made);
    return made;
  }

  /**
   * Returns the value of input `i` for an operator that computes. Its type must be the graph's own.
   * @param accepts true allows padding, which is otherwise a Refusal. 'history' allows a view of earlier
   * rows, 'recurrent' frames in reverse order; otherwise both become rows of a tensor
   */
  value(op: TfOperator, i: number, accepts: boolean | 'history' | 'recurrent' = false): Value {
    const mayPad = accepts === true;
    const raw = this.rawValue(op, i);
    const laid = accepts === 'history' ? raw : this.laid(raw);
    const value = accepts === 'recurrent' ? laid : this.turned(laid, op.name);
    if (!this.computesIn(value.type)) {
      const where = this.isInt8 ? 'an int8 model, where only QUANTIZE and DEQUANTIZE at the borders may' : 'a float model';
      throw new Refusal(`it reads ${value.type} in ${where}`);
    }
    if (value.batched && !mayPad) {
      throw new Refusal('between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only one convolution of stride 1 is read');
    }
    if (value.pad && !mayPad) throw new Refusal('it reads a padded tensor; PAD is folded only into a following convolution');
    return value;
  }

  /** Checks whether operators of this graph read and write a type. */
  private computesIn = (type: TfType): boolean => (this.isInt8 ? type === 'int8' || type === 'int16' : type === 'float32');

  /** Checks whether a tensor's rows continue from step to step (models/graph/stateful.ts). */
  isStream = (id: number): boolean => this.stateful && this.stepStreams.isStream(id);

  /** Returns the number of new rows per step of a stream or of its history; undefined for other tensors. */
  freshRows = (id: number): number | undefined => (this.stateful ? this.stepStreams.freshRows(id) : undefined);

  /** Created on first use, when the graph has its inputs. */
  private get stepStreams(): StepStreams {
    this.steps ??= new StepStreams(this.builder);
    return this.steps;
  }

  /** Marks the model as stateful, because states are graph inputs. */
  keepState(): void {
    this.stateful = true;
    this.builder.stateful = true;
  }

  /** Adds a node and returns its output's id. `emit` also binds the output. */
  node<K extends OpName>(kind: K, inputs: number[], attrs: OpAttrs[K], name: string, quant: QuantParams | undefined): number {
    const id = this.builder.node(kind, inputs, attrs, name, quant);
    if (this.stateful) this.stepStreams.add(this.builder.nodes.at(-1) as Node);
    return id;
  }

  /** `node` as a function for code that all file formats share. */
  readonly add: AddNode = (kind, inputs, attrs, name, quant) => this.node(kind, inputs, attrs, name, quant);

  /** Returns the value with its earlier rows as rows of its own tensor. */
  laid(value: Value): Value {
    const { history, ...plain } = value;
    if (!history) return value;
    const { before, after } = history;
    const id = before === 0 && after === 0 ? value.id : this.once(value.id, 'history', history, `history#${this.parts.size}`);
    return { ...plain, id };
  }

  /** Returns the value with reversed frames as rows of its own tensor. */
  turned({ reversed, ...value }: Value, name: string): Value {
    if (!reversed) return value;
    return this.backwards(this.laid(value), ['t'], name);
  }

  /** Returns the value with the axes `back` reversed. */
  backwards(value: Value, back: readonly Axis[], name: string): Value {
    if (this.stateful) throw new Refusal('it reverses the rows of one step, but the rows of steps follow one another');
    const { t, f } = this.builder.shape(value.id);
    return { ...value, id: this.once(value.id, 'permute', { order: ['t', 'f', 'c'], t, f, back }, `${name}/backwards`) };
  }

  /** Returns the tensor that holds a range of the channels or feature rows. */
  part(id: number, attrs: OpAttrs['slice'], name: string): number {
    return this.once(id, 'slice', attrs, `${name}/${attrs.axis}${attrs.from}-${attrs.to}`);
  }

  private once<K extends 'history' | 'slice' | 'permute'>(id: number, kind: K, attrs: OpAttrs[K], name: string): number {
    const key = `${id} ${kind} ${Object.values(attrs)}`;
    const made = this.parts.get(key) ?? this.node(kind, [id], attrs, name, this.builder.tensors[id]?.quant);
    this.parts.set(key, made);
    return made;
  }

  /** Adds a node for `op` and binds the output of `op` to it. */
  emit<K extends OpName>(op: TfOperator, kind: K, inputs: number[], attrs: OpAttrs[K], layoutOf: (shape: Shape) => Layout): void {
    const tensor = this.output(op);
    const id = this.node(kind, inputs, attrs, op.name, this.quantOf(tensor));
    const made = this.builder.tensors[id];
    if (made) made.name = tensor.name;
    this.bind(op, { id, layout: layoutOf(this.builder.shape(id)), type: tensor.type as Value['type'] });
  }

  /** Returns the quantisation parameters of an operator's output and checks its type. */
  quantOf(tensor: TfTensor): QuantParams | undefined {
    if (!this.computesIn(tensor.type))
      throw new Refusal(`its output is ${tensor.type} in ${this.isInt8 ? 'an int8' : 'a float'} model`);
    if (tensor.isVariable) throw new Refusal('it writes a variable');
    return this.isInt8 ? activationQuant(tensor) : undefined;
  }

  /**
   * Binds an output of `op` to a graph tensor. The file holds placeholders for dynamic dimensions, and for
   * the batch between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.
   * @throws RunletError RN104 if the file states another shape.
   */
  bind(op: TfOperator, value: Value, which?: number): void {
    const tensor = this.output(op, which);
    const shape = fileShapeOf(value.layout);
    if (shape.reduce((a, b) => a * b, 1) > maxElements) {
      throw new RunletError('RN102', {
        what: `a tensor of [${shape.join(', ')}] has more than ${maxElements} elements`,
        where: op.name,
        tryThis: 'a shorter window',
      });
    }
    const types = value.isIndex ? ['int32', 'int64'] : [value.type];
    if (!types.includes(tensor.type)) throw malformed(op, `it gives ${value.type}, and its output is ${tensor.type}`);
    const isDynamic = (dim: number) => tensor.signature[dim] === -1 || (dim === 0 && value.batched !== undefined);
    if (shape.length !== tensor.shape.length || shape.some((n, i) => n !== tensor.shape[i] && !isDynamic(i))) {
      throw new RunletError('RN104', {
        what: `${op.name} gives [${shape.join(', ')}]`,
        where: showTensor(tensor),
        why: `the file says [${tensor.shape.join(', ')}]`,
        tryThis: 'export the model again with a fixed window length',
      });
    }
    this.values.set(tensor.index, value);
    const aliases = this.tensorsOf.get(value.id);
    if (aliases) aliases.push(tensor.index);
    else this.tensorsOf.set(value.id, [tensor.index]);
  }

  /** Returns an operator's options table and checks its kind; undefined if the file has none. */
  options(op: TfOperator): Table | undefined {
    const kind = lookup(optionsOf, op.op);
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

/** Returns the operators that read each tensor, in file order. */
function consumersOf(model: TfModel): Map<number, TfOperator[]> {
  const consumers = new Map<number, TfOperator[]>();
  for (const op of model.operators) {
    for (const index of new Set(op.inputs)) {
      const list = consumers.get(index);
      if (list) list.push(op);
      else consumers.set(index, [op]);
    }
  }
  return consumers;
}

/** Returns the fused activation in options field `field` as a clamp. */
export function fusedClamp(op: TfOperator, options: Table | undefined, field: number): Clamp {
  const code = options?.int8(field) ?? 0;
  const clamp = fusedClamps[code];
  if (clamp) return clamp;
  const name = fusedNames[code];
  if (!name) throw malformed(op, `fused activation ${code} is unknown`);
  throw new Refusal(`its fused activation ${name} is not a clamp`);
}

/** The factors of one file dimension, without those of length 1. */
export const factorsOf = (layout: Layout, dim: number): Layout[number] => (layout[dim] ?? []).filter((f) => f.length !== 1);

/** Returns the only axis of a file dimension; undefined for length 1. @throws Refusal for several axes */
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
