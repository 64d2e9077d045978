/**
 * Emitter: collects the nodes, constants and names of an ONNX file, and the QuantizeLinear / DequantizeLinear
 * pairs around values.
 *
 * In: values in `[1, c, t]` (1-D networks) or `[1, c, t, f]`.  Out: the parts of a ModelOf. An int8 tensor is
 * written as a pair, so that every operator computes between a DequantizeLinear and a QuantizeLinear; a float
 * tensor is written directly. Source: ONNX QuantizeLinear-13, ONNX Runtime's QDQ form.
 */
import type { QuantParams, Shape, Weights } from '../../graph/types.ts';
import type { AttributeOf, NodeOf, TensorOf } from './proto.ts';

/**
 * Shift of a value before it is rounded, so that rounding to nearest gives the result of the integer rule:
 * `by` (one value, or one per channel) away from `from`, and `lift` upwards, in real units.
 */
export interface Nudge {
  by: Float64Array;
  from: number;
  lift?: number;
}

/** A value of the file that operators read. */
export interface Written {
  /** Unrounded result of its operator; absent if the integers come from outside. */
  raw?: string;
  /** Results of the QuantizeLinear and DequantizeLinear of an int8 tensor; the first reader adds them. */
  integers?: string;
  real?: string;
  /** Added to `raw` before it is rounded, in the file's units. */
  nudge?: Nudge | undefined;
  /** Input of a requantisation: its real value, which a join of the same scale can read directly. */
  before?: string;
  /** Base for the names of nodes and constants that are made from it. */
  name: string;
  /** `flat` is [1, c], which dense layers read and give. */
  form: 'full' | 'flat';
  shape: Shape;
  quant?: QuantParams | undefined;
}

export class Emitter {
  readonly nodes: NodeOf[] = [];
  readonly tensors: Record<string, TensorOf> = {};
  /** Names of nodes that only steer rounding: a reader may leave them out and read their first input. */
  readonly steering: string[] = [];
  /** True if sums of products are formed in integers, which float32 holds exactly below 2^24. */
  readonly exact: boolean;
  /** Number of dimensions of a value: 4 if a tensor has feature rows. */
  readonly rank: 3 | 4;
  private readonly taken: Set<string>;
  private readonly claimed = new Set<string>();
  private readonly shared = new Map<string, string>();
  private readonly outputs = new Set<string>();

  /** @param reserved names of inputs and outputs */
  constructor(rank: 3 | 4, reserved: readonly string[], exact = false) {
    this.rank = rank;
    this.exact = exact;
    this.taken = new Set(reserved);
  }

  /** Reserves a name for a node that is added later. */
  claim(wanted: string): string {
    const name = this.unique(wanted);
    this.claimed.add(name);
    return name;
  }

  /** Returns a name that is not taken. */
  private unique(wanted: string): string {
    let name = wanted;
    if (this.claimed.delete(name)) return name;
    for (let i = 1; this.taken.has(name); i++) name = `${wanted}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Adds a node; its output has its name unless `output` is given. */
  node(op: string, inputs: string[], attributes: Record<string, AttributeOf>, wanted: string, output?: string): string {
    const name = this.unique(wanted);
    this.nodes.push({ op, name, inputs, outputs: [output ?? name], attributes });
    return output ?? name;
  }

  constant(wanted: string, tensor: TensorOf): string {
    const name = this.unique(wanted);
    this.tensors[name] = tensor;
    return name;
  }

  ints(wanted: string, values: number[]): string {
    return this.constant(wanted, { dims: [values.length], ints: values });
  }

  /** Returns the constants [scale, zero point] of a tensor; equal values share one constant. */
  private params({ scale, zeroPoint }: QuantParams): [string, string] {
    const once = (key: string, make: () => string): string => {
      const name = this.shared.get(key) ?? make();
      this.shared.set(key, name);
      return name;
    };
    return [
      once(`s${scale}`, () => this.constant('scale', { dims: [], floats: [scale] })),
      once(`z${zeroPoint}`, () => this.constant('zero_point', { dims: [], int8: Int8Array.of(zeroPoint) })),
    ];
  }

  dequantize(x: string, quant: QuantParams, wanted: string): string {
    return this.node('DequantizeLinear', [x, ...this.params(quant)], {}, wanted);
  }

  /** Returns the integers of an int8 value. */
  integers(x: Written): string {
    const raw = () => (x.nudge ? this.nudged(x.raw as string, x.nudge, x) : (x.raw as string));
    x.integers ??= this.node('QuantizeLinear', [raw(), ...this.params(x.quant as QuantParams)], {}, `${x.name}_quantized`);
    return x.integers;
  }

  /** Returns value + by * sign(value - from) + lift. A reader may leave the final Add out. */
  private nudged(value: string, { by, from, lift = 0 }: Nudge, { name, form }: Written): string {
    const wide = by.length > 1 ? (form === 'flat' ? [1, by.length] : [1, by.length, ...new Array(this.rank - 2).fill(1)]) : [];
    const centred =
      from === 0
        ? value
        : this.node('Sub', [value, this.constant(`${name}_rounding_from`, { dims: [], floats: [from] })], {}, `${name}_centred`);
    const sign = this.node('Sign', [centred], {}, `${name}_sign`);
    const amount = this.constant(`${name}_rounding_by`, { dims: wide, floats: Float32Array.from(by) });
    const away = this.node('Mul', [sign, amount], {}, `${name}_offset`);
    const up =
      lift === 0
        ? away
        : this.node('Add', [away, this.constant(`${name}_lift_by`, { dims: [], floats: [lift] })], {}, `${name}_lift`);
    return this.steer('Add', [value, up], `${name}_rounding`);
  }

  private steer(op: string, inputs: string[], wanted: string): string {
    const name = this.node(op, inputs, {}, wanted);
    this.steering.push(name);
    return name;
  }

  /**
   * Adds a multiply-accumulate operator of [real input, real weights, real bias]. With `exact`, its sums are
   * formed in integers.
   */
  products(
    inputs: string[],
    x: Written,
    { scales }: Weights,
    sum: (inputs: string[]) => string,
    dims: { weights: number[]; sum: number[] },
  ): string {
    if (!this.exact || !x.quant || !scales) return sum(inputs);
    const input = x.quant.scale;
    const product = Array.from(scales, (s) => Math.fround(s * input));
    const along = (channels: number[]) => (scales.length > 1 ? channels : []);
    const units: TensorOf[] = [
      { dims: [], floats: [input] },
      { dims: along(dims.weights), floats: Array.from(scales) },
      { dims: along([scales.length]), floats: product },
    ];
    const counts = inputs.map((real, i) => {
      const scale = this.constant(`${real}_unit`, units[i] as TensorOf);
      return this.steer('Round', [this.steer('Div', [real, scale], `${real}_ratio`)], `${real}_count`);
    });
    // this rounding prevents engines from folding the scale into the weights
    const whole = this.steer('Round', [sum(counts)], `${x.name}_sum`);
    const unit = this.constant(`${whole}_unit`, { dims: along(dims.sum), floats: product });
    return this.steer('Mul', [whole, unit], `${whole}_real`);
  }

  /** Returns the value that operators read: for an int8 value, the real value of its integers. */
  real(x: Written): string {
    if (!x.quant) return x.raw as string;
    x.real ??= this.dequantize(this.integers(x), x.quant, `${x.name}_dequantized`);
    return x.real;
  }

  /**
   * Gives the value `from` the name of a graph output: renames its producer's output if nobody else reads it,
   * else adds an Identity.
   */
  nameOutput(from: string, output: string): void {
    const producer = this.nodes.find((n) => n.outputs[0] === from);
    if (producer && !this.outputs.has(from) && !this.nodes.some((n) => n.inputs.includes(from))) producer.outputs = [output];
    else this.node('Identity', [from], {}, `${output}_identity`, output);
    this.outputs.add(output);
  }

  /** Returns [1, c, t] or [1, c, t, f]. */
  dims({ t, f, c }: Shape): number[] {
    return this.rank === 4 ? [1, c, t, f] : [1, c, t];
  }

  /** Returns the value in a form. From the other form, it adds a reshape between two pairs. */
  as(form: Written['form'], x: Written): Written {
    if (x.form === form) return x;
    const { t, f, c } = x.shape;
    const dims = form === 'flat' ? [1, c * t * f] : this.dims(x.shape);
    const name = `${x.name}_${form}`;
    const moved = this.node('Reshape', [this.real(x), this.ints(`${name}_shape`, dims)], {}, name);
    return { name, raw: moved, form, shape: x.shape, quant: x.quant };
  }

  /** Adds weights in ONNX's order, output channels first. Element i is element at(i) in our order. */
  weights({ data, scales }: Weights, dims: number[], at: (i: number) => number, name: string): string {
    if (data instanceof Float32Array)
      return this.constant(`${name}_weight`, { dims, floats: data.map((_, i) => data[at(i)] as number) });
    const stored = this.constant(`${name}_weight_quantized`, { dims, int8: data.map((_, i) => data[at(i)] as number) });
    const outputs = dims[0] as number;
    const each = Array.from(scales ?? [1]);
    const [along, attributes] = each.length > 1 ? [[outputs], { axis: 0 }] : [[], {}];
    const scale = this.constant(`${name}_weight_scale`, { dims: along, floats: each });
    const zero = this.constant(`${name}_weight_zero_point`, { dims: along, int8: new Int8Array(each.length) });
    return this.node('DequantizeLinear', [stored, scale, zero], attributes, `${name}_weight`);
  }

  /** Returns the bias as more inputs: none, a float constant, or int32 with a scale of input times weight. */
  bias(bias: Float32Array | Int32Array | null, { scales }: Weights, x: Written, name: string): string[] {
    if (!bias) return [];
    const dims = [bias.length];
    if (bias instanceof Float32Array) return [this.constant(`${name}_bias`, { dims, floats: bias })];
    const each = Array.from(scales ?? [1], (s) => s * (x.quant?.scale ?? 1));
    const [along, attributes] = each.length > 1 ? [[each.length], { axis: 0 }] : [[], {}];
    const stored = this.constant(`${name}_bias_quantized`, { dims, int32: bias });
    const scale = this.constant(`${name}_bias_scale`, { dims: along, floats: each });
    const zero = this.constant(`${name}_bias_zero_point`, { dims: along, int32: new Int32Array(each.length) });
    return [this.node('DequantizeLinear', [stored, scale, zero], attributes, `${name}_bias`)];
  }
}
