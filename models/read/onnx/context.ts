/**
 * Lowering: the state and the functions that the lowerings of all operators share.
 *
 * In: the values of the sorted nodes, by name.  Out: nodes in a GraphBuilder. In a quantised (QDQ) graph, a
 * tensor has no scale until the QuantizeLinear after it sets one. Until then, clamps and biases may still be
 * folded into the tensor's producer.
 */
import type { GraphBuilder } from '../../graph/builder.ts';
import {
  type Clamp,
  elementsOf,
  kernelOfOne,
  type Moments,
  type Node,
  noClamp,
  type OpAttrs,
  type OpName,
  type QuantParams,
  type Weights,
} from '../../graph/types.ts';
import type { Layout } from '../layout.ts';
import { weightedRows } from '../over-time.ts';
import type { AddNode } from '../recurrent.ts';
import type { Laid } from '../rows.ts';
import type { States } from '../states.ts';
import type { Work } from '../work.ts';
import type { Attributes } from './attributes.ts';
import type { Budget } from './constants.ts';
import { MixedFloat, refuse, tooLarge } from './refuse.ts';
import type { Const } from './tensor.ts';
import type { Activation, AxisPads, Value } from './values.ts';

/** Largest number of elements in one tensor's window. */
export const maxElements = 1 << 24;

/** Largest number of operators in a graph, before operators are folded into their neighbours. */
const maxOperators = 2000;
/** Largest number of channels of a constant operand. */
const maxChannels = 1 << 16;

/** A node with the values of its inputs. */
export interface NodeView {
  name: string;
  op: string;
  inputs: (Value | undefined)[];
  inputNames: string[];
  outputs: string[];
  attributes: Attributes;
}

export class Lowering {
  readonly builder: GraphBuilder;
  readonly opset: number;
  /** True: the file is in QDQ form, and the result is an int8 graph. */
  readonly quantised: boolean;
  readonly budget: Budget;
  /** Names of layers with integer weights whose inputs the file quantises at every call. */
  readonly hybrid: string[] = [];
  /** Inputs that are states, and their next values. */
  readonly states: States;
  /** Remaining work for evaluating constants and recurrent cells. */
  readonly work: Work;
  /** Operators that read each value of the file; '' for a graph output. */
  private readonly readers = new Map<string, string[]>();
  /** Names that the file has for each tensor. */
  private readonly names = new Map<number, string[]>();

  constructor(builder: GraphBuilder, opset: number, quantised: boolean, budget: Budget, states: States) {
    this.builder = builder;
    this.opset = opset;
    this.quantised = quantised;
    this.budget = budget;
    this.work = budget.work;
    this.states = states;
  }

  /** Records that `op` reads these names. Must be called before any of their readers is lowered. */
  count(names: readonly string[], op: string): void {
    for (const name of names) this.readers.set(name, [...(this.readers.get(name) ?? []), op]);
  }

  /** Returns the operators that read a value; '' for a graph output. */
  readersOf = (name: string): readonly string[] => this.readers.get(name) ?? [];

  /**
   * Returns input `at` as an activation. Without `pads`, pending padding is applied. Without `integer`,
   * integers are refused. Without `raw`, an int8 graph refuses real values that no DequantizeLinear gives.
   */
  activation(node: NodeView, at: number, allow: { pads?: boolean; integer?: boolean; raw?: boolean } = {}): Activation {
    const value = node.inputs[at];
    if (value?.kind === 'elements')
      return refuse(
        value.when === 'now'
          ? 'it reads a state; only recurrent layers, and a Concat of a state with new rows, can read one'
          : 'it reads the cell state of a recurrent layer, which no kernel outputs',
      );
    if (value?.kind === 'weighted') return this.made(weightedRows(this, value, `${node.name}/weighted`));
    if (value?.kind !== 'activation')
      return refuse(`input ${at} must be an activation, but it is ${value ? 'a constant' : 'absent'}`);
    if (value.pads && !allow.pads) return this.padded(node, value, value.pads, allow);
    if (value.integer && !allow.integer) refuse('its input is an integer without DequantizeLinear');
    if (this.quantised && !value.integer && !value.dequantised && !allow.raw) {
      throw new MixedFloat('its input is not quantised (no QuantizeLinear and DequantizeLinear before it)');
    }
    return value;
  }

  /** Applies pending padding along time as rows of the tensor, for an operator that does not pad. */
  private padded(node: NodeView, { pads: _, ...value }: Activation, { t, f }: AxisPads, allow: { raw?: boolean }): Activation {
    if (f[0] + f[1] > 0) refuse('a Pad pads its input along features, which only a convolution or a pooling supports');
    const name = `${node.name}/padding`;
    const tensor = this.emit('history', [value.tensor], { before: t[0], after: t[1], own: 'zero' }, name);
    const quant = this.quantOf(value.tensor);
    const made = this.builder.tensors[tensor];
    if (quant && made) made.quant = quant;
    return this.activation({ ...node, inputs: [{ ...value, tensor }] }, 0, allow);
  }

  constant(node: NodeView, at: number, what: string): Const {
    const value = node.inputs[at];
    if (value?.kind !== 'const') return refuse(`its ${what} (input ${at}) must be a constant`);
    return value;
  }

  optional(node: NodeView, at: number, what: string): Const | undefined {
    return node.inputs[at] === undefined ? undefined : this.constant(node, at, what);
  }

  /** Adds a node to the graph and returns its output's tensor id. @throws RunletError RN159 above a limit. */
  emit<K extends OpName>(op: K, inputs: number[], attrs: OpAttrs[K], name: string): number {
    const output = this.builder.node(op, inputs, attrs, name);
    if (this.builder.nodes.length > maxOperators) throw tooLarge(`more than ${maxOperators} operators`, name);
    if (elementsOf(this.builder.shape(output)) > maxElements) throw tooLarge('an activation of more than 2^24 elements', name);
    return output;
  }

  /** `emit` in the form that functions for all formats take. */
  readonly add: AddNode = (op, inputs, attrs, name) => this.emit(op, inputs, attrs, name);

  /** Returns the result of such a function as an activation, or refuses with the reason that it gives. */
  made(found: Laid | string): Activation {
    return typeof found === 'string' ? refuse(found) : this.activationOf(found.tensor, found.layout);
  }

  activationOf(tensor: number, layout: Layout): Activation {
    return { kind: 'activation', tensor, layout };
  }

  quantOf(tensor: number): QuantParams | undefined {
    return this.builder.tensors[tensor]?.quant;
  }

  /** Records a name of a value. A tensor has several names if operators only move it or pass it on. */
  bind(name: string, value: Value): void {
    if (value.kind === 'activation') this.names.set(value.tensor, [...(this.names.get(value.tensor) ?? []), name]);
  }

  /**
   * Returns the producer of `tensor` if only one operator reads it and its scale is not set (int8 graphs).
   */
  soleProducer(tensor: number): Node | undefined {
    const isShared = (this.names.get(tensor) ?? []).some((name) => this.readersOf(name).length > 1);
    if (isShared || this.quantOf(tensor)) return undefined;
    if (this.builder.nodes.some((n) => n.inputs.includes(tensor))) return undefined;
    return this.builder.nodes.findLast((n) => n.output === tensor);
  }

  /**
   * Returns weights in the graph's order: element i is element index[i] of the constant, times `factor`.
   * `axis` is the constant's dimension of output channels. In an int8 graph the integers stay unchanged, and
   * `factor` multiplies the scales.
   */
  weights(value: Const, index: Uint32Array, axis: number, factor = 1): Weights {
    const q = value.quantised;
    if (!this.quantised) {
      if (!(value.data instanceof Float32Array)) return refuse(`weights of type ${value.type}`);
      const source = value.data;
      const data = new Float32Array(index.length);
      for (let i = 0; i < index.length; i++) data[i] = (source[index[i] as number] as number) * factor;
      if (!data.every(Number.isFinite)) refuse('its weights are not finite');
      return { data };
    }
    if (!q) return refuse('its weights are not quantised, in a graph whose activations are');
    if (q.data instanceof Int32Array) return refuse('int32 weights');
    if (q.scales.length > 1 && q.axis !== axis)
      return refuse('its weights have scales along a dimension other than the output channels');
    if (factor <= 0) return refuse('alpha has to be positive in a quantised graph');
    const outer = value.dims[axis] as number;
    const inner = value.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const data = new Int8Array(index.length);
    for (let i = 0; i < index.length; i++) {
      const at = index[i] as number;
      const channel = q.scales.length > 1 ? Math.floor(at / inner) % outer : 0;
      const centred = (q.data[at] as number) - (q.zeroPoints[channel] as number);
      if (centred < -128 || centred > 127)
        return refuse('its weights are not symmetric: the zero point has to be 0 (128 for uint8)');
      data[i] = centred;
    }
    return { data, scales: Float64Array.from(q.scales, (s) => Math.fround(s * factor)), scaleRule: 'per-channel' };
  }

  /** Returns a bias of `channels` elements; in an int8 graph int32 with scale input scale * weight scale. */
  bias(
    value: Const | undefined,
    channels: number,
    input: number,
    weights: Weights,
    factor = 1,
  ): Float32Array | Int32Array | null {
    if (!value || factor === 0) return null;
    const single = value.data.length === 1;
    if (!single && value.data.length !== channels)
      return refuse(`a bias of ${value.data.length} elements for ${channels} channels`);
    const real = Float64Array.from({ length: channels }, (_, o) => (value.data[single ? 0 : o] as number) * factor);
    if (!real.every(Number.isFinite)) refuse('its bias is not finite');
    if (!this.quantised) return Float32Array.from(real);
    return this.integerBias(real, input, weights, value, factor);
  }

  /** Rounds real biases. Integers of a DequantizeLinear are kept if their scale is the accumulator's. */
  private integerBias(
    real: Float32Array | Float64Array,
    input: number,
    weights: Weights,
    value: Const | undefined,
    factor: number,
  ): Int32Array {
    const scale = this.accumulatorScales(real.length, input, weights);
    const q = value?.quantised;
    return Int32Array.from(real, (b, o) => {
      const unit = scale[o] as number;
      if (q && q.data instanceof Int32Array && q.data.length === real.length) {
        const biasScale = q.scales[q.scales.length > 1 ? o : 0] as number;
        if (Math.abs(biasScale * factor - unit) <= 1e-4 * unit && (q.zeroPoints[q.zeroPoints.length > 1 ? o : 0] ?? 0) === 0)
          return q.data[o] as number;
      }
      const rounded = Math.round(b / unit);
      if (!(Math.abs(rounded) < 2 ** 31)) return refuse(`a bias of ${b} does not fit int32 at scale ${unit}`);
      return rounded;
    });
  }

  /** Returns input scale * weight scale for each output channel. */
  accumulatorScales(channels: number, input: number, weights: Weights): Float64Array {
    const quant = this.quantOf(input) ?? refuse('its input has no DequantizeLinear, in a graph whose activations are quantised');
    const scales = weights.scales ?? new Float64Array([1]);
    return Float64Array.from({ length: channels }, (_, o) => quant.scale * (scales[scales.length > 1 ? o : 0] as number));
  }

  /** Returns the channels of `x` for a constant operand, and charges the budget. @throws RunletError RN159 */
  channelsOf(x: Activation): number {
    const { c } = this.builder.shape(x.tensor);
    const where = this.builder.tensors[x.tensor]?.name ?? '';
    if (c > maxChannels) throw tooLarge(`${c} channels`, where);
    this.budget.spend(4 * c, where);
    return c;
  }

  /**
   * Emits y = scale[c] * x + offset[c] as a depthwise convolution of kernel 1, which foldGraph folds into a
   * neighbour if it can.
   */
  scaleAndOffset(
    x: Activation,
    scale: Float32Array | Float64Array,
    offset: Float32Array | Float64Array | null,
    name: string,
    clamp: Clamp = noClamp,
    moments?: Moments,
  ): Activation {
    if (!scale.every(Number.isFinite) || !(offset?.every(Number.isFinite) ?? true)) refuse('its constant is not finite');
    let weights: Weights = { data: Float32Array.from(scale) };
    if (this.quantised) {
      weights = {
        data: Int8Array.from(scale, (s) => Math.sign(s) * 127),
        scales: Float64Array.from(scale, (s) => (s === 0 ? 1 : Math.fround(Math.abs(s) / 127))),
        scaleRule: 'per-channel',
      };
    }
    const bias =
      offset && (this.quantised ? this.integerBias(offset, x.tensor, weights, undefined, 1) : Float32Array.from(offset));
    const tensor = this.emit(
      'depthwise',
      [x.tensor],
      { ...kernelOfOne, multiplier: 1, weights, bias, clamp, ...(moments && { moments }) },
      name,
    );
    return this.activationOf(tensor, x.layout);
  }
}
