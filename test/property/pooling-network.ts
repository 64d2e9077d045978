/**
 * Random networks that end in a kind of pooling, as ONNX files in the operators of PyTorch's exporters.
 *
 * In: the kind and a seed.  Out: ModelOf. One or two convolutions, the pooling, a linear layer.
 * Source: GeM (arXiv 1711.02512), GGeM (2212.04114), SPP-net (1406.4729), AttSets (1808.00758), attentive
 * statistics (1803.10963), PoolFormer (2111.11418), PoNet (2110.02442),
 * BC-ResNet (2106.04140).
 */

import type { ModelOf, NodeOf, TensorOf } from '../../models/write/onnx/proto.ts';
import { uniform } from '../../models/xorshift.ts';
import { ints, node, weightsOf } from '../read/step-models.ts';

/** Draws for one network, and collects its nodes and constants. */
class Draft {
  readonly nodes: NodeOf[] = [];
  readonly tensors: Record<string, TensorOf> = {};
  readonly floats: ReturnType<typeof weightsOf>;
  private readonly draw: () => number;
  private count = 0;
  constructor(seed: number) {
    this.floats = weightsOf(seed);
    this.draw = uniform(seed);
  }

  int = (min: number, max: number): number => min + Math.floor(this.draw() * (max - min + 1));
  of = <T>(items: readonly T[]): T => items[this.int(0, items.length - 1)] as T;
  real = (min: number, max: number): number => Math.fround(min + this.draw() * (max - min));

  put(tensor: TensorOf): string {
    const name = `k${this.count++}`;
    this.tensors[name] = tensor;
    return name;
  }

  number = (...floats: number[]): string => this.put({ dims: floats.length === 1 ? [] : [floats.length], floats });

  add(op: string, inputs: string, attributes: NodeOf['attributes'] = {}): string {
    const name = `n${this.count++}`;
    this.nodes.push(node(op, inputs, name, attributes));
    return name;
  }

  /** A convolution of kernel 1. */
  mix = (x: string, from: number, to: number): string =>
    this.add('Conv', `${x} ${this.put(this.floats(to, from, 1))} ${this.put(this.floats(to))}`);
}

/** What a pooling reads: [1, channels, rows]. */
interface Features {
  x: string;
  channels: number;
  rows: number;
}
/** Adds a pooling. Returns [1, values] or [1, values, 1], and the number of values. */
type Head = (d: Draft, features: Features) => [string, number];

const mean = (d: Draft, x: string): string => d.add('ReduceMean', x, { axes: [2], keepdims: 1 });
const total = (d: Draft, x: string): string => d.add('ReduceSum', `${x} ${d.put(ints(2))}`, { keepdims: 1 });

function powers(d: Draft, { x, channels }: Features, p: number[]): [string, number] {
  const constant = (of: (p: number) => number) =>
    d.put(p.length === 1 ? { dims: [], floats: p.map(of) } : { dims: [1, channels, 1], floats: p.map(of) });
  const above = d.add('Clip', `${x} ${d.number(1e-6)}`);
  const raised = d.add('Pow', `${above} ${constant((one) => one)}`);
  return [d.add('Pow', `${mean(d, raised)} ${constant((one) => Math.fround(1 / one))}`), channels];
}

function pyramid(d: Draft, { x, channels, rows }: Features, op: 'AveragePool' | 'MaxPool'): [string, number] {
  const bins = [1, 2, 3, 4, 5, 6].filter((b) => rows % b === 0).slice(0, 3);
  const levels = bins.map((b) => d.add('Flatten', d.add(op, x, { kernel_shape: [rows / b], strides: [rows / b] })));
  return [d.add('Concat', levels.join(' '), { axis: 1 }), channels * bins.reduce((a, b) => a + b, 0)];
}

/** Bins [floor(i n / b), ceil((i + 1) n / b)), as PyTorch's adaptive pooling cuts any number of rows. */
function adaptive(d: Draft, { x, channels, rows }: Features): [string, number] {
  const bins = d.int(2, Math.min(4, rows));
  const parts = Array.from({ length: bins }, (_, i) => {
    const [from, to] = [Math.floor((i * rows) / bins), Math.ceil(((i + 1) * rows) / bins)];
    const part = d.add('Slice', [x, ...[from, to, 2].map((n) => d.put(ints(n)))].join(' '));
    return d.add(d.of(['ReduceMean', 'ReduceMax']), part, { axes: [2], keepdims: 1 });
  });
  return [d.add('Flatten', d.add('Concat', parts.join(' '), { axis: 2 })), bins * channels];
}

function attentive(d: Draft, { x, channels }: Features): [string, number] {
  const hidden = d.int(2, 6);
  const scores = d.mix(d.add('Tanh', d.mix(x, channels, hidden)), hidden, channels);
  const weights = d.add('Softmax', scores, { axis: 2 });
  const first = total(d, d.add('Mul', `${x} ${weights}`));
  if (d.int(0, 1) === 0) return [first, channels];
  const second = total(d, d.add('Mul', `${d.add('Mul', `${x} ${x}`)} ${weights}`));
  const variance = d.add('Sub', `${second} ${d.add('Mul', `${first} ${first}`)}`);
  const deviation = d.add('Sqrt', d.add('Clip', `${variance} ${d.number(1e-2)}`));
  return [d.add('Concat', `${first} ${deviation}`, { axis: 1 }), 2 * channels];
}

/** Layer normalisation over the channels, or none where batch normalisation was folded. */
function normalised(d: Draft, x: string, channels: number): string {
  if (d.int(0, 1) === 0) return x;
  const turned = d.add('Transpose', x, { perm: [0, 2, 1] });
  const parts = [turned, d.put(d.floats(channels)), d.put(d.floats(channels))];
  return d.add('Transpose', d.add('LayerNormalization', parts.join(' '), { axis: -1, epsilon: { float: 1e-3 } }), {
    perm: [0, 2, 1],
  });
}

function poolFormer(d: Draft, { x, channels }: Features): [string, number] {
  const scaled = (y: string) => d.add('Mul', `${y} ${d.put(d.floats(channels, 1))}`);
  const [k, op] = [d.of([3, 5]), d.of(['AveragePool', 'MaxPool'])];
  const before = normalised(d, x, channels);
  const pads = [(k - 1) / 2, (k - 1) / 2];
  const pooled = d.add(op, before, { kernel_shape: [k], strides: [1], pads });
  const mixed = d.add('Add', `${x} ${scaled(d.add('Sub', `${pooled} ${before}`))}`);
  const inner = d.add('Relu', d.mix(normalised(d, mixed, channels), channels, 2 * channels));
  return [mean(d, d.add('Add', `${mixed} ${scaled(d.mix(inner, 2 * channels, channels))}`)), channels];
}

function ponet(d: Draft, { x, channels, rows }: Features): [string, number] {
  const view = () => d.mix(x, channels, channels);
  const global = d.add('Mul', `${mean(d, view())} ${view()}`);
  const parts = [2, 3, 4, 5, 6].filter((n) => rows % n === 0);
  const local = d.add('MaxPool', view(), { kernel_shape: [3], strides: [1], pads: [1, 1] });
  const sum = d.add('Add', `${global} ${local}`);
  if (parts.length === 0) return [mean(d, sum), channels];
  const n = d.of(parts);
  const segments = d.add('MaxPool', view(), { kernel_shape: [n], strides: [n] });
  const modes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const spread = d.add('Resize', `${segments} - ${d.number(1, 1, n)}`, modes);
  return [mean(d, d.add('Add', `${sum} ${spread}`)), channels];
}

/**
 * A block of BC-ResNet over time and features (here the channels): the mean over the features goes through
 * a convolution over time, and is added to all features.
 */
function broadcast(d: Draft, { x }: Features): [string, number] {
  const [wide, padded] = [d.int(2, 9), d.int(0, 1)];
  const conv = (from: string, weights: TensorOf, attributes: NodeOf['attributes'] = {}) =>
    d.add('Conv', `${from} ${d.put(weights)} ${d.put(d.floats(wide))}`, attributes);
  const image = d.add('Unsqueeze', `${d.add('Transpose', x, { perm: [0, 2, 1] })} ${d.put(ints(1))}`);
  const first = d.add('Relu', conv(image, d.floats(wide, 1, 1, 3), { pads: [0, 1, 0, 1] }));
  const around = conv(first, d.floats(wide, 1, 1, 3), { group: wide, pads: [0, 1, 0, 1] });
  const row = d.add('ReduceMean', around, { axes: [3], keepdims: 1 });
  const over = d.add('Relu', conv(row, d.floats(wide, 1, 3, 1), { group: wide, pads: [padded, 0, padded, 0] }));
  const sum = d.add('Add', `${first} ${around}`);
  const middle = padded ? sum : d.add('Slice', [sum, ...[1, -1, 2].map((n) => d.put(ints(n)))].join(' '));
  const all = d.add('Relu', d.add('Add', `${middle} ${conv(over, d.floats(wide, wide, 1, 1))}`));
  return [d.add('ReduceMean', all, { axes: [2, 3], keepdims: 0 }), wide];
}

export const heads = {
  gem: (d, f) => powers(d, f, [d.real(1.1, 5)]),
  ggem: (d, f) => {
    const groups = Array.from({ length: 3 }, () => d.real(1.1, 5));
    return powers(
      d,
      f,
      Array.from({ length: f.channels }, (_, c) => groups[Math.floor((3 * c) / f.channels)] as number),
    );
  },
  'spp average': (d, f) => pyramid(d, f, 'AveragePool'),
  'spp maximum': (d, f) => pyramid(d, f, 'MaxPool'),
  adaptive,
  attentive,
  poolformer: poolFormer,
  ponet,
  broadcast,
} satisfies Record<string, Head>;

export type HeadName = keyof typeof heads;

/** Makes a network. `stride`: its total stride before the pooling. */
export function poolingNetwork(name: HeadName, seed: number): { model: ModelOf; stride: number } {
  const d = new Draft(seed);
  const inputs = d.int(1, 4);
  const window = d.int(20, 72);
  let [x, channels, rows, stride] = ['x', inputs, window, 1];
  for (let layer = d.int(1, 2); layer > 0; layer--) {
    const [k, s, to] = [d.int(1, 4), d.int(1, 2), d.of([3, 4, 5, 7, 8, 9, 12, 17])];
    const pads = d.of([[0, 0], [k - 1, 0], [k >> 1, (k - 1) >> 1]]); // biome-ignore format: one line
    const kernel = `${d.put(d.floats(to, channels, k))} ${d.put(d.floats(to))}`;
    x = d.add('Relu', d.add('Conv', `${x} ${kernel}`, { pads, strides: [s] }));
    rows = Math.floor((rows + (pads[0] as number) + (pads[1] as number) - k) / s) + 1;
    [channels, stride] = [to, stride * s];
  }
  const [pooled, values] = (heads[name] as Head)(d, { x, channels, rows });
  const last = `${d.add('Flatten', pooled)} ${d.put(d.floats(values, 3))} ${d.put(d.floats(3))}`;
  d.nodes.push(node('Gemm', last, 'y'));
  return { model: { nodes: d.nodes, inputs: { x: [1, inputs, window] }, outputs: ['y'], tensors: d.tensors, opset: 17 }, stride };
}
