/**
 * Random int8 networks: fast-check generates the structure, a seed the weights and scales.
 *
 * In: a NetworkSpec.  Out: an int8 Graph.  A layer that does not fit (its kernel is longer than the rest of
 * the window) is dropped, so every spec gives a network and shrinks well.
 */

import fc from 'fast-check';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Clamp, type Graph, noClamp, type QuantParams, type Shape } from '../../models/graph/types.ts';
import { ops } from '../../models/ops/index.ts';
import { uniform } from '../../models/xorshift.ts';
import { applyRecurrent, isRecurrentKind, type RecurrentKind } from './recurrent-layers.ts';

// reports the error as well as the counterexample
fc.configureGlobal({ includeErrorInReport: true });

/** Kinds of layers; frequent ones are repeated. Pinned and fitted results use only these. */
export const firstKinds = [
  ...(['conv', 'conv', 'conv', 'depthwise', 'maxpool', 'avgpool', 'activation', 'residual', 'branches', 'mul'] as const),
] as const;
const kinds = [...firstKinds, 'difference', 'layernorm'] as const;
/**
 * All kinds, including those without an ONNX form here, such as a softmax with a factor. Nothing streams
 * after the last three, so they are rarer.
 */
const allKinds = [...kinds, ...kinds, ...kinds, 'regroup', 'regroup', 'attention', 'permute', 'position'] as const;

export interface LayerSpec {
  kind: (typeof allKinds)[number] | RecurrentKind;
  kernel: number;
  stride: number;
  dilation: number;
  channels: number;
  groups: number;
  padding: 'valid' | 'causal' | 'same' | 'odd';
  fn: 'leakyrelu' | 'sigmoid' | 'tanh' | 'hardswish' | 'identity';
  relu: boolean;
}

export interface NetworkSpec {
  seed: number;
  window: number;
  features: number;
  channels: number;
  layers: LayerSpec[];
  /** If true, global pools also reduce the channels. */
  overC?: boolean;
  head: 'none' | 'dense' | 'globalavg' | 'globalmax' | 'globalavg+dense' | 'softmax' | 'mean';
  hopSteps: number;
  micro: number;
  /** Index of a layer (from 1) whose output is also an output of the network, if there are so many layers. */
  extraOutput?: number;
}

export const layerOf = (from: readonly LayerSpec['kind'][]): fc.Arbitrary<LayerSpec> =>
  fc.record({
    kind: fc.constantFrom(...from),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.constantFrom(1, 1, 1, 2, 3),
    dilation: fc.constantFrom(1, 1, 2, 3),
    channels: fc.integer({ min: 1, max: 6 }),
    groups: fc.constantFrom(1, 1, 2, 3),
    padding: fc.constantFrom('valid', 'causal', 'same', 'odd'),
    fn: fc.constantFrom('leakyrelu', 'sigmoid', 'tanh', 'hardswish', 'identity'),
    relu: fc.boolean(),
  });
export const layer = layerOf(kinds);

export const networkOf = (from: readonly LayerSpec['kind'][]): fc.Arbitrary<NetworkSpec> =>
  fc.record({
    seed: fc.integer({ min: 1, max: 0x7fffffff }),
    window: fc.integer({ min: 4, max: 64 }),
    features: fc.constantFrom(1, 1, 1, 2, 5),
    channels: fc.integer({ min: 1, max: 4 }),
    layers: fc.array(layerOf(from), { minLength: 1, maxLength: 7 }),
    head: fc.constantFrom('none', 'dense', 'globalavg', 'globalmax', 'globalavg+dense', 'softmax', 'mean'),
    hopSteps: fc.integer({ min: 1, max: 12 }),
    micro: fc.integer({ min: 1, max: 4 }),
    extraOutput: fc.integer({ min: 1, max: 12 }),
  });
export const network = networkOf(kinds);
export const anyNetwork = networkOf(allKinds).map((spec): NetworkSpec => ({ ...spec, overC: spec.seed % 2 === 0 }));

/** Uniform numbers in [0, 1). */
export const random = uniform;

export class Maker {
  readonly b = new GraphBuilder('random');
  private readonly rnd: () => number;
  private count = 0;
  constructor(seed: number) {
    this.rnd = random(seed);
  }
  int = (min: number, max: number) => min + Math.floor(this.rnd() * (max - min + 1));
  quant = (scale = 0.02 + this.rnd() * 0.08): QuantParams => ({ scale: Math.fround(scale), zeroPoint: this.int(-128, 127) });
  name = (kind: string) => `${kind}${this.count++}`;
  quantOf = (id: number) => this.b.tensors[id]?.quant as QuantParams;

  /** Returns weights, a bias and an output scale with which the outputs spread over most of int8. */
  mac(x: number, taps: number, outputs: number, size: number, perChannel = true) {
    const data = Int8Array.from({ length: size }, () => this.int(-127, 127));
    const scales = Float64Array.from({ length: perChannel ? outputs : 1 }, () => Math.fround(0.002 + this.rnd() * 0.01));
    const bias = this.rnd() < 0.2 ? null : Int32Array.from({ length: outputs }, () => this.int(-20000, 20000));
    const spread = Math.sqrt(taps) * 73 * 70 * 0.007 * this.quantOf(x).scale;
    const rule = perChannel ? ('per-channel' as const) : ('dense-f32' as const);
    return {
      weights: { data, scales, scaleRule: rule },
      bias,
      quant: this.quant(Math.max(1e-4, spread / (20 + this.rnd() * 60))),
    };
  }
}

function padOf(l: LayerSpec, length: number): [number, number] {
  const extent = (l.kernel - 1) * l.dilation;
  if (l.padding === 'causal') return [extent, 0];
  if (l.padding === 'odd') return [Math.floor(extent / 3), Math.floor(extent / 2)];
  if (l.padding === 'valid') return [0, 0];
  const total = Math.max(0, (Math.ceil(length / l.stride) - 1) * l.stride + extent + 1 - length);
  return [total >> 1, total - (total >> 1)];
}

const fits = (s: Shape) => s.t >= 1 && s.f >= 1;

export function conv(m: Maker, x: number, l: LayerSpec, valid = false): number {
  const shape = m.b.shape(x);
  const groups = shape.c % l.groups === 0 ? l.groups : 1;
  const outChannels = l.channels * groups;
  const kernelF = Math.min(l.kernel, shape.f);
  const size = (outChannels * l.kernel * kernelF * shape.c) / groups;
  const { quant, ...mac } = m.mac(x, (l.kernel * kernelF * shape.c) / groups, outChannels, size);
  const clamp: Clamp = l.relu ? [0, Number.POSITIVE_INFINITY] : noClamp;
  const padF: [number, number] = l.padding === 'valid' ? [0, 0] : [(kernelF - 1) >> 1, kernelF >> 1];
  const attrs = {
    kernelT: l.kernel,
    kernelF,
    strideT: l.stride,
    strideF: 1,
    dilationT: l.dilation,
    dilationF: 1,
    padT: valid ? ([0, 0] as const) : padOf(l, shape.t),
    padF,
    groups,
    outChannels,
    clamp,
    ...mac,
  };
  if (!fits(ops.conv.shape([shape], attrs, ''))) return x;
  return m.b.node('conv', [x], attrs, m.name('conv'), quant);
}

function depthwise(m: Maker, x: number, l: LayerSpec): number {
  const shape = m.b.shape(x);
  const multiplier = l.groups;
  const kernelF = Math.min(l.kernel, shape.f);
  const out = shape.c * multiplier;
  const { quant, ...mac } = m.mac(x, l.kernel * kernelF, out, l.kernel * kernelF * out);
  const attrs = {
    kernelT: l.kernel,
    kernelF,
    strideT: l.stride,
    strideF: 1,
    dilationT: l.dilation,
    dilationF: 1,
    padT: padOf(l, shape.t),
    padF: [0, kernelF - 1] as const,
    multiplier,
    clamp: noClamp,
    ...mac,
  };
  if (!fits(ops.depthwise.shape([shape], attrs, ''))) return x;
  return m.b.node('depthwise', [x], attrs, m.name('depthwise'), quant);
}

function pool(m: Maker, x: number, l: LayerSpec, op: 'maxpool' | 'avgpool'): number {
  const shape = m.b.shape(x);
  const padT = padOf({ ...l, dilation: 1 }, shape.t);
  // no window of a pool consists only of padding
  const safe: readonly [number, number] = padT[0] < l.kernel && padT[1] < l.kernel ? padT : [0, 0];
  const attrs = {
    kernelT: l.kernel,
    kernelF: 1,
    strideT: l.stride,
    strideF: 1,
    padT: safe,
    padF: [0, 0] as const,
    countIncludePad: l.relu,
    clamp: noClamp,
  };
  if (!fits(ops[op].shape([shape], attrs, ''))) return x;
  return m.b.node(op, [x], attrs, m.name(op), m.quantOf(x));
}

/** Limits a scale: products of products would exceed every multiplier. */
const held = (scale: number): number => Math.min(1e6, Math.max(1e-6, scale));

function layernorm(m: Maker, x: number, l: LayerSpec): number {
  const { f, c } = m.b.shape(x);
  const over = l.stride === 1 ? ('c' as const) : ('fc' as const);
  const count = over === 'fc' && l.dilation === 1 ? f * c : c;
  const values = (limit: number) => Float32Array.from({ length: count }, () => m.int(-100, 100) * 0.01 * limit);
  const attrs = {
    over,
    centre: l.padding !== 'odd',
    epsilon: l.relu ? 1e-5 : 1e-3,
    gamma: values(2),
    beta: values(1),
    clamp: l.relu ? ([0, Number.POSITIVE_INFINITY] as const) : noClamp,
  };
  return m.b.node('layernorm', [x], attrs, m.name('layernorm'), m.quant(0.02));
}

/** Regroups feature rows to channels, or the values to `channels` feature rows if they divide evenly. */
function regroup(m: Maker, x: number, { channels }: LayerSpec): number {
  const { f, c } = m.b.shape(x);
  return m.b.node('regroup', [x], { f: (f * c) % channels === 0 ? channels : 1 }, m.name('regroup'), m.quantOf(x));
}

/** Largest number of elements in a permuted window. A choice: layers after more channels are slow. */
const largestPermuted = 400;

/** Permutes the window: as one frame or with its outermost axis as rows, and with some axes reversed. */
function permute(m: Maker, x: number, l: LayerSpec): number {
  const { t, f, c } = m.b.shape(x);
  const orders = [['t', 'f', 'c'], ['c', 'f', 't'], ['c', 't', 'f'], ['f', 't', 'c'], ['f', 'c', 't']] as const; // biome-ignore format: a list
  const order = orders[l.kernel % orders.length] as (typeof orders)[number];
  if (t * f * c > largestPermuted) return x;
  const attrs = {
    order,
    t: l.stride === 1 ? { t, f, c }[order[0]] : 1,
    f: l.relu ? { t, f, c }[order[1]] : 1,
    ...(l.dilation > 1 && { back: order.slice(l.groups) }),
  };
  return m.b.node('permute', [x], attrs, m.name('permute'), m.quantOf(x));
}

/**
 * Self-attention with one or two heads and a residual. With a stride, keys and values come from a max pool.
 */
function attention(m: Maker, x: number, l: LayerSpec): number {
  const { f, c } = m.b.shape(x);
  const heads = l.groups === 2 && (f * c) % 2 === 0 ? 2 : 1;
  const one: LayerSpec = { ...l, kernel: 1, stride: 1, dilation: 1, groups: 1, padding: 'valid', channels: c };
  const met = l.stride > 1 ? pool(m, x, { ...l, padding: 'valid' }, 'maxpool') : x;
  const [q, k, v] = [conv(m, x, one), conv(m, met, one), conv(m, met, one)];
  if ([q, k, v].some((y) => m.b.shape(y).f !== f)) return x;
  const product = held(m.quantOf(q).scale * m.quantOf(k).scale * 60 * Math.sqrt((f * c) / heads));
  const scores = m.b.node('matmul', [q, k], { heads, over: 'channels' }, m.name('scores'), m.quant(product));
  const beta = Math.min(1e6, Math.max(1e-6, 0.02 / product));
  const weights = m.b.node('softmax', [scores], { beta }, m.name('weights'), { scale: 1 / 256, zeroPoint: -128 });
  const mean = m.b.node('matmul', [weights, v], { heads, over: 'rows' }, m.name('mean'), m.quant(m.quantOf(v).scale));
  return m.b.node('add', [mean, x], { clamp: noClamp }, m.name('add'), m.quant());
}

/** Adds a constant that differs from row to row. */
function position(m: Maker, x: number, l: LayerSpec): number {
  const { t, f, c } = m.b.shape(x);
  const data = Int8Array.from({ length: t * f * c }, () => m.int(-128, 127));
  const constant = { data, quant: m.quant(m.quantOf(x).scale) };
  return m.b.node('add', [x], { clamp: noClamp, constant, ...(l.relu && { minus: 1 }) }, m.name('position'), m.quant());
}

export function applyLayer(m: Maker, x: number, l: LayerSpec): number {
  if (isRecurrentKind(l.kind)) return applyRecurrent(m, x, l, l.kind);
  if (l.kind === 'conv') return conv(m, x, l);
  if (l.kind === 'depthwise') return m.b.shape(x).c * l.groups > 12 ? x : depthwise(m, x, l);
  if (l.kind === 'maxpool' || l.kind === 'avgpool') return pool(m, x, l, l.kind);
  if (l.kind === 'layernorm') return layernorm(m, x, l);
  if (l.kind === 'regroup') return regroup(m, x, l);
  if (l.kind === 'permute') return permute(m, x, l);
  if (l.kind === 'attention') return attention(m, x, l);
  if (l.kind === 'position') return position(m, x, l);
  if (l.kind === 'activation')
    return m.b.node('activation', [x], { fn: l.fn, alpha: 0.1, clamp: noClamp }, m.name(l.fn), m.quant());
  // branches that are combined must have the same length; 'same' padding keeps it
  const same: LayerSpec = {
    ...l,
    stride: 1,
    groups: 1,
    padding: l.padding === 'valid' || l.padding === 'odd' ? 'causal' : l.padding,
  };
  const shape = m.b.shape(x);
  if (l.kind === 'branches') {
    const parts = [conv(m, x, same), conv(m, x, { ...same, kernel: (l.kernel % 5) + 1, channels: 2 }), x];
    const lengths = new Set(parts.map((p) => m.b.shape(p).f));
    return lengths.size === 1 ? m.b.node('concat', parts, { axis: 'c' }, m.name('concat'), m.quant()) : x;
  }
  const branch = conv(m, x, { ...same, channels: shape.c });
  if (branch === x || m.b.shape(branch).f !== shape.f || m.b.shape(branch).t !== shape.t) return x;
  const op = l.kind === 'mul' ? 'mul' : 'add';
  const clamp: Clamp = l.relu ? [0, Number.POSITIVE_INFINITY] : noClamp;
  return m.b.node(
    op,
    [branch, x],
    { clamp, ...(l.kind === 'difference' && { minus: l.stride === 1 ? 1 : 0 }) },
    m.name(op),
    m.quant(op === 'mul' ? held(m.quantOf(x).scale * m.quantOf(branch).scale * 40) : undefined),
  );
}

/** @param all if true, a global pool also reduces the channels. */
export function applyHead(m: Maker, x: number, head: NetworkSpec['head'], all = false): number {
  const shape = m.b.shape(x);
  if (head === 'softmax') return m.b.node('softmax', [x], { beta: 1 }, m.name('softmax'), { scale: 1 / 256, zeroPoint: -128 });
  const overC = all && { overC: true };
  if (head === 'globalmax') {
    const attrs = { overF: shape.t % 2 === 0, ...overC, clamp: noClamp };
    return m.b.node('globalmax', [x], attrs, m.name('globalmax'), m.quantOf(x));
  }
  let y = x;
  if (head.startsWith('globalavg')) {
    const attrs = { overF: true, ...overC, clamp: noClamp, rule: 'avgpool' as const };
    y = m.b.node('globalavg', [x], attrs, m.name('globalavg'), m.quantOf(x));
  }
  if (head === 'mean') y = m.b.node('globalavg', [x], { overF: false, clamp: noClamp, rule: 'mean' }, m.name('mean'), m.quant());
  if (head.endsWith('dense')) {
    const s = m.b.shape(y);
    const n = s.t * s.f * s.c;
    const { quant, ...mac } = m.mac(y, n, 3, 3 * n, m.int(0, 1) === 1);
    y = m.b.node('dense', [y], { units: 3, clamp: noClamp, ...mac }, m.name('dense'), quant);
  }
  return y;
}

export function makeNetwork(spec: NetworkSpec): Graph {
  const m = new Maker(spec.seed);
  let x = m.b.input('x', { t: spec.window, f: spec.features, c: spec.channels }, { quant: m.quant(0.05), hostType: 'int8' });
  const made: number[] = [];
  for (const l of spec.layers) {
    const y = applyLayer(m, x, l);
    if (y !== x) made.push(y);
    x = y;
  }
  if (m.b.nodes.length === 0 || spec.head !== 'none') x = applyHead(m, x, spec.head === 'none' ? 'dense' : spec.head, spec.overC);
  m.b.output(x, 'y', { hostType: 'int8' });
  const extra = made[(spec.extraOutput ?? 0) - 1];
  if (extra !== undefined && extra !== x) m.b.output(extra, 'extra', { hostType: 'int8' });
  return m.b.build();
}
