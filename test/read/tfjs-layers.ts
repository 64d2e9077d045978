/**
 * Random layers of TensorFlow.js: layers that keep the rank, and the head of a model.
 *
 * In: the seeded choices and the layer's input.  Out: the layer's output. Every kind draws the same values in
 * the same order, so that a seed's model does not depend on the other kinds.
 */
import * as layers from '@tensorflow/tfjs-layers';
import { random } from '../property/random-network.ts';

export type Value = layers.SymbolicTensor;
// the package's layer factories take and return any number of values
// biome-ignore lint/suspicious/noExplicitAny: as above
type Apply = any;
const L = layers.layers;

/** Seeded random choices. */
export class Choices {
  private readonly rnd: () => number;
  /** True if the model has two spatial dimensions. */
  readonly planar: boolean;
  /** Makes layer names unique for the lifetime of the library, independently of the seed. */
  private count = 0;
  constructor(seed: number) {
    this.rnd = random(seed);
    this.planar = this.int(0, 2) === 0;
  }
  int = (min: number, max: number) => min + Math.floor(this.rnd() * (max - min + 1));
  pick = <T>(list: readonly T[]): T => list[this.int(0, list.length - 1)] as T;
  name = (kind: string) => `${kind}_${this.count++}`;
  activation = () =>
    this.pick(
      'linear linear relu relu6 tanh sigmoid swish hardSigmoid elu selu softplus softsign mish gelu gelu_new'.split(' '),
    ) as 'relu';
}

/** Draws the settings of a layer of any kind. */
function drawn(m: Choices, x: Value, kind: string) {
  const [, t = 1, f = 1] = x.shape as number[];
  const room = Math.min(t, m.planar ? f : t);
  const size = m.int(1, Math.min(4, room));
  const stride = m.pick([1, 1, 2]);
  const padding = m.pick(['valid', 'same'] as const);
  const useBias = m.int(0, 3) > 0;
  const common = { kernelSize: size, padding, useBias, activation: m.activation() };
  const dilationRate = stride === 1 && m.int(0, 2) === 0 && 2 * size - 1 <= room ? 2 : 1;
  const name = m.name(kind);
  const filters = m.int(1, 5);
  return { common, size, stride, padding, useBias, dilationRate, name, filters };
}

type Drawn = ReturnType<typeof drawn>;
/** Makes a layer of a kind, or undefined if the kind does not support this rank. */
type Made = (m: Choices, d: Drawn) => Apply | undefined;
/** A kind that combines the value with another, or consists of two layers. */
type Joined = (m: Choices, d: Drawn, x: Value) => Value;

const recurrent: Made = (m, { useBias, name }) => {
  if (m.planar) return undefined;
  const recurrentActivation = m.pick(['sigmoid', 'hardSigmoid'] as const);
  const start = { recurrentInitializer: 'glorotNormal' } as const;
  const activation = m.pick(['tanh', 'relu', 'linear'] as const);
  const config = { units: m.int(1, 4), returnSequences: true, useBias, name, activation, ...start };
  const gated = { ...config, recurrentActivation };
  const cell: Apply = m.pick([() => L.lstm(gated), () => L.gru(gated), () => L.simpleRNN(config)])();
  const both = { layer: cell, mergeMode: 'concat', name: `${name}_both` } as const;
  return m.int(0, 2) === 0 ? L.bidirectional(both) : cell;
};

const layerNorm: Made = (m, { name }) => {
  const [scale, center] = [m.int(0, 3) > 0, m.int(0, 3) > 0];
  return L.layerNormalization({ epsilon: m.pick([1e-3, 0.1]), scale, center, name });
};

/** Kinds that consist of one layer. */
const single: Record<string, Made> = {
  conv: (m, { common, filters, stride: strides, dilationRate, name }) =>
    (m.planar ? L.conv2d : L.conv1d)({ ...common, filters, strides, dilationRate, name }),
  depthwise: (m, { common, stride: strides, name }) =>
    m.planar ? L.depthwiseConv2d({ ...common, depthMultiplier: m.int(1, 2), strides, name }) : undefined,
  separable: (m, { common, filters, stride: strides, name }) =>
    m.planar ? L.separableConv2d({ ...common, filters, depthMultiplier: m.int(1, 2), strides, name }) : undefined,
  recurrent,
  max: (m, { size: poolSize, stride: strides, padding, name }) =>
    (m.planar ? L.maxPooling2d : L.maxPooling1d)({ poolSize, strides, padding, name }),
  average: (m, { size: poolSize, stride: strides, padding, name }) =>
    (m.planar ? L.averagePooling2d : L.averagePooling1d)({ poolSize, strides, padding, name }),
  layer_norm: layerNorm,
  norm: (m, { name }) => L.batchNormalization({ name, scale: m.int(0, 2) > 0, center: m.int(0, 2) > 0 }),
  act: (m, { name }) =>
    m.int(0, 1) ? L.activation({ activation: m.activation(), name }) : L.reLU({ maxValue: m.pick([1, 6]), name }),
  leaky: (m, { name }) => m.pick([L.leakyReLU({ alpha: 0.2, name }), L.elu({ name }), L.thresholdedReLU({ theta: 0.4, name })]),
  dense: (m, { filters: units, useBias, name }) => L.dense({ units, activation: m.activation(), useBias, name }),
  slopes: (m, { name }) => L.prelu({ sharedAxes: m.pick([[1], [1, 2], []]), alphaInitializer: 'zeros', name }),
  up: (m, { name }) =>
    m.planar
      ? L.upSampling2d({ size: [m.int(1, 3), m.int(1, 2)], interpolation: m.pick(['nearest', 'bilinear']), name })
      : undefined,
  apart: (m, { common, filters, stride, name }) =>
    m.planar ? L.conv2dTranspose({ ...common, filters, strides: [m.int(1, 3), stride], name }) : undefined,
};

/** Zero padding and a convolution over it. In 1-D, where the library has no such layer, a dropout. */
const zero: Joined = (m, { common, filters, name }, x) => {
  if (!m.planar) return L.dropout({ rate: 0.3, name }).apply(x) as Value;
  const padded = L.zeroPadding2d({
    padding: [
      [m.int(0, 2), 1],
      [0, m.int(0, 2)],
    ],
    name,
  }).apply(x) as Apply;
  return L.conv2d({ ...common, padding: 'valid', filters, name: m.name('padded') }).apply(padded) as Value;
};

/** Combines the value and a convolution of it in a layer with two inputs. */
const branched =
  (join: (m: Choices, name: string) => Apply): Joined =>
  (m, { size, name }, x) => {
    const [, , f = 1, ch] = x.shape as number[];
    const channels = m.planar ? (ch as number) : f;
    const conv = m.planar ? L.conv2d : L.conv1d;
    const branch = conv({ filters: channels, kernelSize: size, padding: 'same', name: m.name('branch') } as Apply).apply(x);
    return join(m, name).apply([x, branch]) as Value;
  };

const several: Record<string, Joined> = {
  zero,
  join: branched((_, name) => L.concatenate({ name })),
  add: branched((m, name) => m.pick([L.add, L.multiply, L.average, L.maximum, L.minimum])({ name })),
};

/** The kinds to draw from. A repeated kind is drawn more often. */
const kinds = [
  'conv',
  'conv',
  'depthwise',
  'separable',
  'max',
  'average',
  'norm',
  'layer_norm',
  'act',
  'leaky',
  'dense',
  'zero',
  'recurrent',
  'join',
  'add',
  'slopes',
  'up',
  'apart',
] as const;

/** Adds a random layer that keeps the rank. */
export function randomLayer(m: Choices, x: Value): Value {
  const kind = m.pick(kinds);
  const d = drawn(m, x, kind);
  const made = several[kind];
  if (made) return made(m, d, x);
  return (single[kind] as Made)(m, d)?.apply(x) ?? x;
}

export function randomHead(m: Choices, x: Value): Value {
  const dense = (y: Apply, activation: 'softmax' | 'linear') =>
    L.dense({ units: m.int(2, 4), activation, name: m.name('head') }).apply(y) as Value;
  switch (m.int(0, 4)) {
    case 0:
      return dense(L.flatten({ name: m.name('flatten') }).apply(x), 'softmax');
    case 1:
      return dense(
        (m.planar
          ? L.globalAveragePooling2d({ dataFormat: 'channelsLast', name: m.name('average') })
          : L.globalAveragePooling1d({ name: m.name('average') })
        ).apply(x),
        'linear',
      );
    case 2:
      return (
        m.planar
          ? L.globalMaxPooling2d({ dataFormat: 'channelsLast', name: m.name('most') })
          : L.globalMaxPooling1d({ name: m.name('most') })
      ).apply(x) as Value;
    case 3:
      return L.softmax({ axis: -1, name: m.name('softmax') }).apply(x) as Value;
  }
  return x;
}
