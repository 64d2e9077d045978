/**
 * Helpers of test/ops/X.cases.ts: named int8 graphs around one operator, with seeded weights.
 *
 * In: shapes, attributes and scales.  Out: OpCase[].  The weight scales make the accumulators of a random
 * signal spread over most of the output's int8 range. `gain` multiplies them (above 1, the output saturates).
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, noClamp, type OpAttrs, type OpName, type QuantParams } from '../../models/graph/types.ts';
import { random } from '../property/random-network.ts';

export interface OpCase {
  name: string;
  graph: Graph;
  /** Frames between two outputs, a multiple of the strides. Default: the product of all strides. */
  hop?: number;
  /**
   * Largest allowed distance of the operator's int8 result from its real value, in output steps. Default:
   * twoRoundings.
   */
  steps?: number;
  /** True if all outputs are equal by design. Otherwise such a case fails, because it tests nothing. */
  constant?: boolean;
}

/** Half a step, plus the rounding of the float32 oracle. */
export const oneRounding = 0.51;
/** The product is rounded in Q31, then by the shift: by half a step plus a quarter for shift -1. */
export const twoRoundings = 0.76;

/** Exports of a test/ops/X.cases.ts. */
export interface CaseFile {
  cases: OpCase[];
}

export type Size = readonly [t: number, f: number, c: number];

/** Parameters with real = scale * (q - zeroPoint). The scale is a float32, as in model files. */
export const q = (scale: number, zeroPoint: number): QuantParams => ({ scale: Math.fround(scale), zeroPoint });

export const relu = [0, Number.POSITIVE_INFINITY] as const;
export const relu6 = [0, 6] as const;

/** Returns a seed from the case's name: a new case changes no other, and a renamed one gets new weights. */
const seedOf = (text: string): number => [...text].reduce((h, ch) => Math.imul(h ^ ch.charCodeAt(0), 16777619), 0x811c9dc5);

export interface MacOptions {
  perChannel?: boolean;
  bias?: 'random' | 'none' | 'large';
  gain?: number;
}

/** A graph under construction with one int8 input. */
export class CaseGraph {
  readonly x: number;
  readonly b: GraphBuilder;
  private readonly rnd: () => number;

  constructor(name: string, [t, f, c]: Size, quant: QuantParams) {
    this.b = new GraphBuilder(name);
    this.rnd = random(seedOf(name));
    this.x = this.b.input('x', { t, f, c }, { quant, hostType: 'int8' });
  }

  int = (min: number, max: number): number => min + Math.floor(this.rnd() * (max - min + 1));
  quantOf = (id: number): QuantParams => this.b.tensors[id]?.quant as QuantParams;

  /** Returns weights and bias for `outputs` channels of `taps` products each. */
  mac(x: number, y: QuantParams, taps: number, outputs: number, options: MacOptions = {}) {
    const { perChannel = true, bias = 'random', gain = 1 } = options;
    const { scale, zeroPoint } = this.quantOf(x);
    const spread = Math.sqrt(taps) * 73 * Math.hypot(74, zeroPoint); // standard deviation of an accumulator
    const middle = (gain * 40 * y.scale) / (spread * scale);
    const data = Int8Array.from({ length: taps * outputs }, () => this.int(-127, 127));
    const scales = Float64Array.from({ length: perChannel ? outputs : 1 }, () => Math.fround(middle * 2 ** (this.rnd() * 2 - 1)));
    const limit = Math.round(bias === 'large' ? (spread * 3) / gain : spread / 2);
    return {
      weights: { data, scales, scaleRule: perChannel ? ('per-channel' as const) : ('dense-f32' as const) },
      bias: bias === 'none' ? null : Int32Array.from({ length: outputs }, () => this.int(-limit, limit)),
    };
  }

  /** Adds a random 1x1 convolution, as an operand with the given channels and scale. */
  operand(channels: number, y: QuantParams, name: string): number {
    const { c } = this.b.shape(this.x);
    const attrs = { ...kernelOfOne, groups: 1, outChannels: channels, clamp: noClamp, ...this.mac(this.x, y, c, channels) };
    return this.b.node('conv', [this.x], attrs, name, y);
  }

  node<K extends OpName>(op: K, inputs: number[], attrs: OpAttrs[K], quant: QuantParams): this {
    this.b.output(this.b.node(op, inputs, attrs, op, quant), 'y', { hostType: 'int8' });
    return this;
  }

  done = (name: string, rest: Partial<OpCase> = {}): OpCase => ({ name, graph: this.b.build(), ...rest });
}

export { kernelOfOne as sliding };
