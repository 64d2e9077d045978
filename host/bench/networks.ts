/**
 * The benchmark's networks: common streamed shapes with seeded weights, so that anyone can reproduce them.
 *
 * Out: float graphs with valid padding and ReLU unless stated otherwise; weights He-normal (He et al., arXiv
 * 1502.01852), biases 0.
 *
 *     N1    256 x 4    conv k5 32, max pool 4; conv k5 48, pool 2; conv k5 64, pool 2; dense 32; dense 1
 *     N2    98 x 40    conv k3 stride 2 64; 4 x (depthwise k9, pointwise 64); global average; dense 12
 *     D9    112 x 64   8 x depthwise k9
 *     N1P   256 x 1    3 x conv k5 dilation 2 32, max pool 4; the same with 48, pool 2; 3 x conv k3 64, pool
 *                      2; dense 32; dense 1
 *
 * Two networks of StreamiNNC (arXiv 2408.03223, section 3.1), with its 'same' padding, batch norm folded:
 *
 *     f_EEG 1024 x 18  3 x (conv k3 128, max pool 4); conv k16 100, linear; conv k1 2
 *     f_ACC 960 x 4    conv k3 8, 16, 32, 64, 128, 256; global average; dense 256, linear; dense 128; dense
 *                      64; dense 2
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp } from '../../models/graph/types.ts';
import { quantize } from '../../quant/quantize.ts';

const relu: Clamp = [0, Number.POSITIVE_INFINITY];
const sliding = { strideF: 1, dilationF: 1, kernelF: 1, padT: [0, 0], padF: [0, 0] } as const;

/** Builds a chain of layers on one input. */
export class Chain {
  private readonly b: GraphBuilder;
  private x: number;
  private layers = 0;
  private state: number;

  constructor(name: string, t: number, c: number, seed: number) {
    this.b = new GraphBuilder(name);
    this.x = this.b.input('x', { t, f: 1, c });
    this.state = seed;
  }

  /** Draws a uniform number in (0, 1) by splitmix32: a Weyl sequence and a mixer. */
  private uniform(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (((z ^ (z >>> 15)) >>> 0) + 0.5) / 4294967296;
  }

  private weights(outputs: number, taps: number) {
    const normal = () => Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
    const data = Float32Array.from({ length: outputs * taps }, () => normal() * Math.sqrt(2 / taps));
    return { weights: { data }, bias: new Float32Array(outputs) };
  }

  private name = (op: string) => `${op}_${++this.layers}`;

  conv(channels: number, kernelT: number, options: { strideT?: number; dilationT?: number; same?: boolean; clamp?: Clamp } = {}) {
    const { strideT = 1, dilationT = 1, same = false, clamp = relu } = options;
    const pad = same ? (kernelT - 1) / 2 : 0;
    const at = { ...sliding, kernelT, strideT, dilationT, padT: [pad, pad] as const };
    const mac = this.weights(channels, kernelT * this.b.shape(this.x).c);
    const attrs = { ...at, groups: 1, outChannels: channels, clamp, ...mac };
    this.x = this.b.node('conv', [this.x], attrs, this.name('conv'));
    return this;
  }

  depthwise(kernelT: number): this {
    const { c } = this.b.shape(this.x);
    const attrs = { ...sliding, kernelT, strideT: 1, dilationT: 1, multiplier: 1, clamp: relu, ...this.weights(c, kernelT) };
    this.x = this.b.node('depthwise', [this.x], attrs, this.name('depthwise'));
    return this;
  }

  maxpool(kernelT: number): this {
    const { padT, padF } = sliding;
    const attrs = { kernelT, strideT: kernelT, kernelF: 1, strideF: 1, padT, padF, clamp: noClamp };
    this.x = this.b.node('maxpool', [this.x], attrs, this.name('maxpool'));
    return this;
  }

  globalavg(): this {
    this.x = this.b.node('globalavg', [this.x], { overF: true, rule: 'mean', clamp: noClamp }, this.name('globalavg'));
    return this;
  }

  dense(units: number, clamp: Clamp = noClamp): this {
    const { t, f, c } = this.b.shape(this.x);
    this.x = this.b.node('dense', [this.x], { units, clamp, ...this.weights(units, t * f * c) }, this.name('dense'));
    return this;
  }

  done(): Graph {
    this.b.output(this.x, 'y');
    return this.b.build();
  }
}

const d9 = (): Graph => {
  const net = new Chain('D9', 112, 64, 9);
  for (let i = 0; i < 8; i++) net.depthwise(9);
  return net.done();
};

export interface BenchNetwork {
  graph: Graph;
  window: number;
  channels: number;
  hops: number[];
}

const n1 = (): Graph => {
  const net = new Chain('N1', 256, 4, 1).conv(32, 5).maxpool(4).conv(48, 5).maxpool(2).conv(64, 5).maxpool(2);
  return net.dense(32, relu).dense(1).done();
};

const n2 = (): Graph => {
  const net = new Chain('N2', 98, 40, 2).conv(64, 3, { strideT: 2 });
  for (let i = 0; i < 4; i++) net.depthwise(9).conv(64, 1);
  return net.globalavg().dense(12).done();
};

const n1p = (): Graph => {
  const net = new Chain('N1P', 256, 1, 3);
  for (const [channels, kernel, dilationT, pool] of [
    [32, 5, 2, 4],
    [48, 5, 2, 2],
    [64, 3, 1, 2],
  ] as const) {
    for (let i = 0; i < 3; i++) net.conv(channels, kernel, { dilationT });
    net.maxpool(pool);
  }
  return net.dense(32, relu).dense(1).done();
};

const eeg = (): Graph => {
  const net = new Chain('f_EEG', 1024, 18, 4);
  for (let i = 0; i < 3; i++) net.conv(128, 3, { same: true }).maxpool(4);
  return net.conv(100, 16, { clamp: noClamp }).conv(2, 1, { clamp: noClamp }).done();
};

const acc = (): Graph => {
  const net = new Chain('f_ACC', 960, 4, 5);
  for (const channels of [8, 16, 32, 64, 128, 256]) net.conv(channels, 3, { same: true });
  return net.globalavg().dense(256).dense(128, relu).dense(64, relu).dense(2).done();
};

export const benchNetworks: Record<string, () => BenchNetwork> = {
  N1: () => ({ graph: n1(), window: 256, channels: 4, hops: [64, 32, 16] }),
  N2: () => ({ graph: n2(), window: 98, channels: 40, hops: [20, 10, 2] }),
  N1P: () => ({ graph: n1p(), window: 256, channels: 1, hops: [64, 32, 16] }),
  D9: () => ({ graph: d9(), window: 112, channels: 64, hops: [20] }),
  f_EEG: () => ({ graph: eeg(), window: 1024, channels: 18, hops: [256] }),
  f_ACC: () => ({ graph: acc(), window: 960, channels: 4, hops: [160] }),
};

/** Uniform noise in [-1, 1), the same in every run. */
export function noiseOf(length: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2147483648 - 1;
  });
}

/** Int8 version of a benchmark network, calibrated with uniform noise, and a window of that noise [t][c]. */
export function madeUpNetwork(name: string): { int8: Graph; window: Float32Array; hops: number[] } {
  const { graph, window, channels, hops } = (benchNetworks[name] as () => BenchNetwork)();
  const noise = noiseOf(4 * window * channels);
  const { graph: int8 } = quantize(graph, noise, { hop: window, mode: 'windowed', preset: 'fast', noReport: true });
  return { int8, window: noise.slice(0, window * channels), hops };
}
