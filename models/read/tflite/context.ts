/**
 * Context: what the lowering of one operator can see and do.
 *
 * In: the checked file and the GraphBuilder.  Out: values (which graph tensor a file tensor is, and how its
 * axes lie), constants, and nodes whose shapes agree with the file. An operator that cannot be expressed
 * throws a Refusal; the reader collects them all.
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

/** Padding that PAD asked for and that the next convolution takes over; the layout's lengths contain it. */
export interface PendingPad {
  t: readonly [number, number];
  f: readonly [number, number];
}

/** Between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: the batch holds every block-th frame (lower/batch.ts). */
export interface Batched {
  block: { t: number; f: number };
  /** A stream's earlier rows among the padding. */
  past?: number | undefined;
  /**
   * Set once a convolution was met: adds its node as the output of `to`, for the crops and the layout found
   * there.
   */
  finish?: (to: TfOperator, crops: PendingPad, layout: Layout) => void;
}

/** A file tensor that has a value: a graph tensor and how its axes lie in the file. */
export interface Value {
  id: number;
  layout: Layout;
  /** What the file's tensor holds; in an integer graph only borders are float32 or uint8. */
  type: 'float32' | 'int8' | 'uint8' | 'int16';
  /** True: an index, which the file holds as int32 or int64, and `type` as a real number. */
  isIndex?: true;
  pad?: PendingPad;
  batched?: Batched;
  /**
   * A stream's rows from `before` earlier ones on, `after` more than it has (lower/state.ts); the layout's
   * lengths contain them.
   */
  history?: { before: number; after: number };
  /** Its frames stand from the last to the first. */
  reversed?: boolean;
  /** The elements of states that its own go into. */
  next?: Const;
  /** Its tensor is to be multiplied with weights over time. */
  weighted?: Weighted;
}

/**
 * Elements of states by their numbers (models/read/states.ts): as they are now, or values that go into
 * them.
 */
export interface Elements {
  when: 'now' | 'next';
  ids: Const;
}

/** Operators that keep rows from step to step. */
const keepsRows = new Set(['SVDF', 'CUSTOM CIRCULAR_BUFFER']);

/** Elements of one activation for one window. */
export const mostElements = 2 ** 24;

/**
 * The operator is well-formed but cannot become a streaming operator; collected and reported together as
 * RN110.
 */
export class Refusal extends Error {}

/** Truth values (masks.ts). */
export interface Mask {
  dims: readonly number[];
  data: Uint8Array;
}

export class Context {
  readonly model: TfModel;
  readonly builder: GraphBuilder;
  /** Integer graphs, of int8 and int16, keep the file's scales, float graphs have none. */
  readonly isInt8: boolean;
  readonly values = new Map<number, Value>();
  /** File tensors that are one graph tensor, by its id. */
  readonly tensorsOf = new Map<number, number[]>();
  /** Constants that operators computed (a dequantised weight), by tensor index. */
  readonly folded = new Map<number, Float32Array>();
  /** Shape arithmetic's results, by tensor index. */
  readonly integers = new Map<number, number[]>();
  /** Masks that follow from shapes and constants, by tensor index. */
  readonly masks = new Map<number, Mask>();
  /** Shapes of tensors that hold zeros, by tensor index: where states of loops begin, and lists. */
  readonly zeros = new Map<number, readonly number[]>();
  /** Lists of rows, by tensor index; with what a loop put in. */
  readonly lists = new Map<number, { rows: number; value?: Value }>();
  /** Outputs of refused operators; what reads them is skipped. */
  readonly refused = new Set<number>();
  /** Which operators read each tensor. */
  readonly consumers: Map<number, TfOperator[]>;
  /**
   * Operators that compute shapes (SHAPE, PACK, ...), by operator index; evaluated while reading
   * (integers.ts).
   */
  readonly shapeArithmetic = new Set<number>();
  /** foldGraph takes layers away: they only pick values, or zeros alone needed them. */
  folds = false;
  /** Names of operators with int8 weights and float activations. */
  readonly hybrid: string[] = [];
  /** The model carries its own state: what its variables are, and the tensors read from them. */
  stateful: boolean;
  readonly variables: Variables;
  readonly states = new Map<number, StateRead>();
  /** States that come as inputs, and what stands for their elements, by tensor index. */
  readonly inputStates: States;
  readonly elements = new Map<number, Elements>();
  /** What evaluating loops and cells may still take. */
  readonly work = new Work();
  /** Operators that were refused. */
  readonly refusedOps = new Set<TfOperator>();
  private steps: StepStreams | undefined;
  /** Nodes `history` and `slice`, by what they take: each part is laid down once. */
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

  /** The file tensor behind input `i` of an operator; RN106 where it is missing. */
  input(op: TfOperator, i: number): TfTensor {
    const tensor = this.model.tensors[op.inputs[i] ?? -1];
    if (!tensor) throw malformed(op, `input ${i} is missing`);
    return tensor;
  }

  /** The only output; with `which` that one of several. */
  output(op: TfOperator, which?: number): TfTensor {
    const tensor = this.model.tensors[op.outputs[which ?? 0] ?? -1];
    if (!tensor || (which === undefined && op.outputs.length !== 1))
      throw malformed(op, `one output is expected, found ${op.outputs.length}`);
    return tensor;
  }

  /** The shape that input `i` has here (the file may state placeholders). */
  fileShape(op: TfOperator, i: number): number[] {
    return fileShapeOf(this.rawValue(op, i).layout);
  }

  /** The value of input `i` whatever its type, padding included. */
  rawValue(op: TfOperator, i: number): Value {
    const tensor = this.input(op, i);
    const value = this.values.get(tensor.index);
    if (value) return this.whole(tensor.index, value);
    if (this.integers.has(tensor.index)) throw new Refusal('it computes with shapes');
    if (this.elements.has(tensor.index))
      throw new Refusal('it reads a state, which recurrent cells read, or which stands before the rows of a signal');
    if (this.states.has(tensor.index)) throw new Refusal('it reads a state by itself, not as the rows before a tensor');
    throw new Refusal(tensor.constant ? `input ${i} is a constant` : `input ${i} has no value`);
  }

  /** Rows times weights over time as their product, once: what a sum of them reads is something else. */
  whole(index: number, value: Value): Value {
    const { weighted, ...plain } = value;
    if (!weighted) return value;
    const { tensor: id, layout } = weightedRows(this, weighted, `${showTensor(this.model.tensors[index] as TfTensor)}/weighted`);
    const made = { ...plain, id, layout };
    this.values.set(index, made);
    return made;
  }

  /**
   * The value of input `i` for an operator that computes: of the graph's own type, padding not allowed unless
   * `mayPad`. Earlier rows are laid down before it, unless the operator takes a view of them (`history`). A
   * recurrence (`recurrent`) takes frames from the last to the first as they are.
   */
  value(op: TfOperator, i: number, may: boolean | 'history' | 'recurrent' = false): Value {
    const mayPad = may === true;
    const raw = this.rawValue(op, i);
    const laid = may === 'history' ? raw : this.laid(raw);
    const value = may === 'recurrent' ? laid : this.turned(laid, op.name);
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

  /** Whether operators of this graph read and write tensors of a type. */
  private computesIn = (type: TfType): boolean => (this.isInt8 ? type === 'int8' || type === 'int16' : type === 'float32');

  /** Whether a tensor's rows go on from step to step (models/graph/stateful.ts). */
  isStream = (id: number): boolean => this.stateful && this.stepStreams.isStream(id);

  /** Rows that a step brings anew, of a stream or of a history of one. */
  freshRows = (id: number): number | undefined => (this.stateful ? this.stepStreams.freshRows(id) : undefined);

  /** Made once the inputs are there. */
  private get stepStreams(): StepStreams {
    this.steps ??= new StepStreams(this.builder);
    return this.steps;
  }

  /** States come as inputs. */
  keepState(): void {
    this.stateful = true;
    this.builder.stateful = true;
  }

  /** Adds a node; emit also binds it. */
  node<K extends OpName>(kind: K, inputs: number[], attrs: OpAttrs[K], name: string, quant: QuantParams | undefined): number {
    const id = this.builder.node(kind, inputs, attrs, name, quant);
    if (this.stateful) this.stepStreams.add(this.builder.nodes.at(-1) as Node);
    return id;
  }

  /** `node` as functions for all formats take it. */
  readonly add: AddNode = (kind, inputs, attrs, name, quant) => this.node(kind, inputs, attrs, name, quant);

  /** A value whose earlier rows are rows of its own tensor. */
  laid(value: Value): Value {
    const { history, ...plain } = value;
    if (!history) return value;
    const { before, after } = history;
    const id = before === 0 && after === 0 ? value.id : this.once(value.id, 'history', history, `history#${this.parts.size}`);
    return { ...plain, id };
  }

  /** Frames from the last to the first as rows of a tensor. */
  turned({ reversed, ...value }: Value, name: string): Value {
    if (!reversed) return value;
    return this.backwards(this.laid(value), ['t'], name);
  }

  /** The value with axes read from their end. */
  backwards(value: Value, back: readonly Axis[], name: string): Value {
    if (this.stateful) throw new Refusal('it turns the rows of a step round, which follow others');
    const { t, f } = this.builder.shape(value.id);
    return { ...value, id: this.once(value.id, 'permute', { order: ['t', 'f', 'c'], t, f, back }, `${name}/backwards`) };
  }

  /** The tensor that holds a part of the channels or feature rows. */
  part(id: number, attrs: OpAttrs['slice'], name: string): number {
    return this.once(id, 'slice', attrs, `${name}/${attrs.axis}${attrs.from}-${attrs.to}`);
  }

  private once<K extends 'history' | 'slice' | 'permute'>(id: number, kind: K, attrs: OpAttrs[K], name: string): number {
    const key = `${id} ${kind} ${Object.values(attrs)}`;
    const made = this.parts.get(key) ?? this.node(kind, [id], attrs, name, this.builder.tensors[id]?.quant);
    this.parts.set(key, made);
    return made;
  }

  /** Adds a node for `op` and binds its output to it. */
  emit<K extends OpName>(op: TfOperator, kind: K, inputs: number[], attrs: OpAttrs[K], layoutOf: (shape: Shape) => Layout): void {
    const tensor = this.output(op);
    const id = this.node(kind, inputs, attrs, op.name, this.quantOf(tensor));
    const made = this.builder.tensors[id];
    if (made) made.name = tensor.name;
    this.bind(op, { id, layout: layoutOf(this.builder.shape(id)), type: tensor.type as Value['type'] });
  }

  /** Parameters of an operator's output; checks its type. */
  quantOf(tensor: TfTensor): QuantParams | undefined {
    if (!this.computesIn(tensor.type))
      throw new Refusal(`its output is ${tensor.type} in ${this.isInt8 ? 'an int8' : 'a float'} model`);
    if (tensor.isVariable) throw new Refusal('it writes a variable');
    return this.isInt8 ? activationQuant(tensor) : undefined;
  }

  /**
   * Says which graph tensor the output of `op` is; RN104 where the file states another shape. Dimensions that
   * the file calls dynamic hold a placeholder there, and so does the batch between SPACE_TO_BATCH_ND and
   * BATCH_TO_SPACE_ND.
   */
  bind(op: TfOperator, value: Value, which?: number): void {
    const tensor = this.output(op, which);
    const shape = fileShapeOf(value.layout);
    if (shape.reduce((a, b) => a * b, 1) > mostElements) {
      throw new RunletError('RN102', {
        what: `a tensor of [${shape.join(', ')}] has more than ${mostElements} elements`,
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

  /**
   * The options table of an operator, of the kind that its name asks for; undefined where the file leaves it
   * out.
   */
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

/** Which operators read each tensor, in file order. */
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

/**
 * The one axis of a file dimension, undefined for a unit dimension; a Refusal where several axes share it.
 */
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
