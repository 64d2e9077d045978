/**
 * Random TensorFlow.js layers models, built with TensorFlow.js itself, and their files as `save` writes them.
 *
 * In: a seed.  Out: the model, and model.json with one or more weight files. Sequential and functional, 1-D
 * and 2-D; weights are random.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { random } from '../property/random-network.ts';

type Value = layers.SymbolicTensor;
// the package's layer factories take and give values of any number
// biome-ignore lint/suspicious/noExplicitAny: as above
type Apply = any;
const L = layers.layers;

export interface Files {
  json: Uint8Array;
  files: Record<string, Uint8Array>;
}

class Maker {
  private readonly rnd: () => number;
  readonly planar: boolean;
  /** Names are unique in the library's whole life, and say nothing of the seed. */
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

  /** Layers that keep the rank. */
  layer(x: Value): Value {
    const kind = this.pick([
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
    ] as const);
    const [, t = 1, f = 1] = x.shape as number[];
    const room = Math.min(t, this.planar ? f : t);
    const size = this.int(1, Math.min(4, room));
    const stride = this.pick([1, 1, 2]);
    const padding = this.pick(['valid', 'same'] as const);
    const useBias = this.int(0, 3) > 0;
    const common = { kernelSize: size, padding, useBias, activation: this.activation() };
    const dilationRate = stride === 1 && this.int(0, 2) === 0 && 2 * size - 1 <= room ? 2 : 1;
    const name = this.name(kind);
    const filters = this.int(1, 5);
    const of = (layer: Apply): Value => layer.apply(x);
    switch (kind) {
      case 'conv': {
        if (this.planar) return of(L.conv2d({ ...common, filters, strides: stride, dilationRate, name }));
        return of(L.conv1d({ ...common, filters, strides: stride, dilationRate, name }));
      }
      case 'depthwise':
        return this.planar ? of(L.depthwiseConv2d({ ...common, depthMultiplier: this.int(1, 2), strides: stride, name })) : x;
      case 'separable':
        return this.planar
          ? of(L.separableConv2d({ ...common, filters, depthMultiplier: this.int(1, 2), strides: stride, name }))
          : x;
      case 'recurrent': {
        if (this.planar) return x;
        const recurrentActivation = this.pick(['sigmoid', 'hardSigmoid'] as const);
        const start = { recurrentInitializer: 'glorotNormal' } as const;
        const activation = this.pick(['tanh', 'relu', 'linear'] as const);
        const config = { units: this.int(1, 4), returnSequences: true, useBias, name, activation, ...start };
        const gated = { ...config, recurrentActivation };
        const cell: Apply = this.pick([() => L.lstm(gated), () => L.gru(gated), () => L.simpleRNN(config)])();
        const both = { layer: cell, mergeMode: 'concat', name: `${name}_both` } as const;
        return of(this.int(0, 2) === 0 ? L.bidirectional(both) : cell);
      }
      case 'max':
        return of(
          this.planar
            ? L.maxPooling2d({ poolSize: size, strides: stride, padding, name })
            : L.maxPooling1d({ poolSize: size, strides: stride, padding, name }),
        );
      case 'average':
        return of(
          this.planar
            ? L.averagePooling2d({ poolSize: size, strides: stride, padding, name })
            : L.averagePooling1d({ poolSize: size, strides: stride, padding, name }),
        );
      case 'layer_norm': {
        const [scale, center] = [this.int(0, 3) > 0, this.int(0, 3) > 0];
        return of(L.layerNormalization({ epsilon: this.pick([1e-3, 0.1]), scale, center, name }));
      }
      case 'norm':
        return of(L.batchNormalization({ name, scale: this.int(0, 2) > 0, center: this.int(0, 2) > 0 }));
      case 'act':
        return of(
          this.int(0, 1) ? L.activation({ activation: this.activation(), name }) : L.reLU({ maxValue: this.pick([1, 6]), name }),
        );
      case 'leaky':
        return of(this.pick([L.leakyReLU({ alpha: 0.2, name }), L.elu({ name }), L.thresholdedReLU({ theta: 0.4, name })]));
      case 'dense':
        return of(L.dense({ units: filters, activation: this.activation(), useBias, name }));
      case 'slopes':
        return of(L.prelu({ sharedAxes: this.pick([[1], [1, 2], []]), alphaInitializer: 'zeros', name }));
      case 'up':
        return this.planar
          ? of(
              L.upSampling2d({ size: [this.int(1, 3), this.int(1, 2)], interpolation: this.pick(['nearest', 'bilinear']), name }),
            )
          : x;
      case 'apart':
        return this.planar ? of(L.conv2dTranspose({ ...common, filters, strides: [this.int(1, 3), stride], name })) : x;
      case 'zero': {
        if (!this.planar) return of(L.dropout({ rate: 0.3, name }));
        const padded = of(
          L.zeroPadding2d({
            padding: [
              [this.int(0, 2), 1],
              [0, this.int(0, 2)],
            ],
            name,
          }),
        ) as Apply;
        return L.conv2d({ ...common, padding: 'valid', filters, name: this.name('padded') }).apply(padded) as Value;
      }
      default: {
        const [, , , ch] = x.shape as number[];
        const channels = this.planar ? (ch as number) : f;
        const conv = this.planar ? L.conv2d : L.conv1d;
        const branch = conv({ filters: channels, kernelSize: size, padding: 'same', name: this.name('branch') } as Apply).apply(
          x,
        );
        const joined =
          kind === 'join' ? L.concatenate({ name }) : this.pick([L.add, L.multiply, L.average, L.maximum, L.minimum])({ name });
        return joined.apply([x, branch] as Apply) as Value;
      }
    }
  }

  head(x: Value): Value {
    const dense = (y: Apply, activation: 'softmax' | 'linear') =>
      L.dense({ units: this.int(2, 4), activation, name: this.name('head') }).apply(y) as Value;
    switch (this.int(0, 4)) {
      case 0:
        return dense(L.flatten({ name: this.name('flatten') }).apply(x), 'softmax');
      case 1:
        return dense(
          (this.planar
            ? L.globalAveragePooling2d({ dataFormat: 'channelsLast', name: this.name('average') })
            : L.globalAveragePooling1d({ name: this.name('average') })
          ).apply(x),
          'linear',
        );
      case 2:
        return (
          this.planar
            ? L.globalMaxPooling2d({ dataFormat: 'channelsLast', name: this.name('most') })
            : L.globalMaxPooling1d({ name: this.name('most') })
        ).apply(x) as Value;
      case 3:
        return L.softmax({ axis: -1, name: this.name('softmax') }).apply(x) as Value;
    }
    return x;
  }
}

/** A model whose weights, batch statistics included, are random. */
export function randomModel(seed: number): layers.LayersModel {
  const m = new Maker(seed);
  const t = m.int(8, 20);
  const shape = m.planar ? [t, m.int(5, 9), m.int(1, 2)] : [t, m.int(1, 4)];
  const flat = m.int(0, 4) === 0;
  const input = layers.input({ shape: flat ? [shape.reduce((a, b) => a * b, 1)] : shape, name: 'signal' });
  let x: Value = flat ? (L.reshape({ targetShape: shape, name: m.name('reshape') }).apply(input) as Value) : input;
  x = !m.planar
    ? (L.conv1d({ filters: 3, kernelSize: 2, name: m.name('first') }).apply(x) as Value)
    : (L.conv2d({ filters: 3, kernelSize: 2, name: m.name('first') }).apply(x) as Value);
  for (let i = m.int(1, 5); i > 0; i--) x = m.layer(x);
  const model = layers.model({ inputs: input, outputs: m.head(x), name: `random_${seed}` });
  const rnd = random(seed ^ 0x2468);
  const values = model.weights.map((w) => {
    const positive = w.originalName.endsWith('variance');
    const size = w.shape.reduce<number>((a, b) => a * (b ?? 1), 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => (positive ? 0.3 + rnd() : 1.2 * rnd() - 0.6)),
      w.shape as number[],
    );
  });
  model.setWeights(values);
  for (const v of values) v.dispose();
  return model;
}

/** model.json and its weights, cut into `shards`. */
export async function filesOf(model: layers.LayersModel, shards = 1): Promise<Files> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = saved as tf.io.ModelArtifacts;
  const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData as ArrayBuffer));
  const step = Math.max(1, Math.ceil(bytes.length / shards));
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i * step < bytes.length; i++)
    files[`group1-shard${i + 1}of${shards}.bin`] = bytes.slice(i * step, (i + 1) * step);
  const weightsManifest = [{ paths: Object.keys(files), weights: weightSpecs }];
  const json = JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest });
  return { json: new TextEncoder().encode(json), files };
}

/** TensorFlow.js's answer for one input in file order. */
export function answer(model: layers.LayersModel, data: Float32Array): Float32Array {
  return tf.tidy(() => {
    const shape = (model.inputs[0] as Value).shape.map((d) => d ?? 1);
    const y = model.predict(tf.tensor(data, shape)) as tf.Tensor;
    return y.dataSync() as Float32Array;
  });
}

export { layers, tf };
