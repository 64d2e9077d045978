/**
 * The paper's three networks with random He weights, zero bias and batch normalisation as identity
 * (StreamiNNC section 3.1).
 *
 * In: a seed.  Out: float Graphs. Output 0 is the network's output, output 1 the embedding, which the trunk h
 * passes to the head g. f_PPG lacks attention and LayerNorm, which belong to g.
 */
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp } from '../../models/graph/types.ts';
import { acceleration, eeg, normal, ppg, type Signal } from './random.ts';

export interface PaperNetwork {
  name: string;
  graph: Graph;
  window: number;
  hop: number;
  channels: number;
  sampleRateHz: number;
  signal: Signal;
}

const relu: Clamp = [0, Number.POSITIVE_INFINITY];
type Padding = 'causal' | 'same' | 'valid';

class Layers {
  readonly b: GraphBuilder;
  private readonly random: () => number;
  private convs = 0;
  private pools = 0;
  private denses = 0;

  constructor(name: string, seed: number) {
    this.b = new GraphBuilder(name);
    this.random = normal(seed);
  }

  /** He et al., 2015: variance 2 / fan-in. */
  private weights(fanIn: number, outputs: number) {
    const deviation = Math.sqrt(2 / fanIn);
    return { weights: { data: Float32Array.from({ length: fanIn * outputs }, () => deviation * this.random()) }, bias: null };
  }

  conv(x: number, outChannels: number, kernelT: number, padding: Padding, dilationT = 1, clamp = relu): number {
    const fanIn = kernelT * this.b.shape(x).c;
    const extent = (kernelT - 1) * dilationT;
    const before = { causal: extent, same: extent >> 1, valid: 0 }[padding];
    const padT = [before, padding === 'valid' ? 0 : extent - before] as const;
    const flat = { strideT: 1, strideF: 1, dilationF: 1, kernelF: 1, padF: [0, 0] as const, groups: 1 };
    const attrs = { ...flat, kernelT, dilationT, padT, outChannels, clamp, ...this.weights(fanIn, outChannels) };
    return this.b.node('conv', [x], attrs, `conv${++this.convs}`);
  }

  pool(x: number, op: 'avgpool' | 'maxpool', length: number): number {
    const attrs = { kernelT: length, kernelF: 1, strideT: length, strideF: 1, padT: [0, 0] as const, padF: [0, 0] as const };
    return this.b.node(op, [x], { ...attrs, clamp: noClamp }, `pool${++this.pools}`);
  }

  dense(x: number, units: number, clamp: Clamp = noClamp): number {
    const { t, f, c } = this.b.shape(x);
    return this.b.node('dense', [x], { units, clamp, ...this.weights(t * f * c, units) }, `dense${++this.denses}`);
  }

  graph(output: number, embedding?: number): Graph {
    this.b.output(output, 'output');
    if (embedding !== undefined) this.b.output(embedding, 'embedding');
    return this.b.build();
  }
}

/**
 * f_PPG: 9 causal convolutions k5 d2, average pools 4, 2, 2; dense 32, 1. @param probe true: convolutions k10
 * d1, as in the paper's padding probe
 */
export function fPpg(seed: number, probe = false): PaperNetwork {
  const net = new Layers('f_PPG', seed);
  let x = net.b.input('ppg', { t: 256, f: 1, c: 1 });
  for (const [channels, pool] of [[[32, 32, 32], 4] as const, [[48, 48, 48], 2] as const, [[64, 64, 64], 2] as const]) {
    for (const c of channels) x = probe ? net.conv(x, c, 10, 'causal') : net.conv(x, c, 5, 'causal', 2);
    x = net.pool(x, 'avgpool', pool);
  }
  const graph = net.graph(net.dense(net.dense(x, 32, relu), 1), x);
  return { name: 'f_PPG', graph, window: 256, hop: 64, channels: 1, sampleRateHz: 32, signal: ppg };
}

/** f_EEG: 3 x (convolution k3 'same' 128, max pool 4); convolution k16 100, k1 2. */
export function fEeg(seed: number): PaperNetwork {
  const net = new Layers('f_EEG', seed);
  let x = net.b.input('eeg', { t: 1024, f: 1, c: 18 });
  for (let i = 0; i < 3; i++) x = net.pool(net.conv(x, 128, 3, 'same'), 'maxpool', 4);
  const graph = net.graph(net.conv(net.conv(x, 100, 16, 'valid', 1, noClamp), 2, 1, 'valid', 1, noClamp), x);
  return { name: 'f_EEG', graph, window: 1024, hop: 256, channels: 18, sampleRateHz: 256, signal: eeg };
}

/** f_ACC: 6 convolutions k3 'same' 8 to 256; global average, dense 256, 128, 64, 2. */
export function fAcc(seed: number, embedding = true): PaperNetwork {
  const net = new Layers('f_ACC', seed);
  let x = net.b.input('acc', { t: 960, f: 1, c: 4 });
  for (const channels of [8, 16, 32, 64, 128, 256]) x = net.conv(x, channels, 3, 'same');
  let y = net.b.node('globalavg', [x], { overF: true, rule: 'mean', clamp: noClamp }, 'globalavg');
  y = net.dense(net.dense(net.dense(net.dense(y, 256), 128, relu), 64, relu), 2);
  const graph = net.graph(y, embedding ? x : undefined);
  return { name: 'f_ACC', graph, window: 960, hop: 160, channels: 4, sampleRateHz: 32, signal: acceleration };
}
