/**
 * Random TensorFlow.js layers models, built with TensorFlow.js, and their files in the format of `save`.
 *
 * In: a seed.  Out: the model, and model.json with one or more weight files. Models are sequential or
 * functional, 1-D or 2-D, with random weights.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { random } from '../property/random-network.ts';
import { Choices, randomHead, randomLayer, type Value } from './tfjs-layers.ts';

const L = layers.layers;

export interface Files {
  json: Uint8Array;
  files: Record<string, Uint8Array>;
}

/** Returns a model with random weights and random batch statistics. */
export function randomModel(seed: number): layers.LayersModel {
  const m = new Choices(seed);
  const t = m.int(8, 20);
  const shape = m.planar ? [t, m.int(5, 9), m.int(1, 2)] : [t, m.int(1, 4)];
  const flat = m.int(0, 4) === 0;
  const input = layers.input({ shape: flat ? [shape.reduce((a, b) => a * b, 1)] : shape, name: 'signal' });
  let x: Value = flat ? (L.reshape({ targetShape: shape, name: m.name('reshape') }).apply(input) as Value) : input;
  x = !m.planar
    ? (L.conv1d({ filters: 3, kernelSize: 2, name: m.name('first') }).apply(x) as Value)
    : (L.conv2d({ filters: 3, kernelSize: 2, name: m.name('first') }).apply(x) as Value);
  for (let i = m.int(1, 5); i > 0; i--) x = randomLayer(m, x);
  const model = layers.model({ inputs: input, outputs: randomHead(m, x), name: `random_${seed}` });
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

/** Returns model.json and its weights, split into `shards` files. */
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

/** Returns the output of TensorFlow.js for one input in file order. */
export function answer(model: layers.LayersModel, data: Float32Array): Float32Array {
  return tf.tidy(() => {
    const shape = (model.inputs[0] as Value).shape.map((d) => d ?? 1);
    const y = model.predict(tf.tensor(data, shape)) as tf.Tensor;
    return y.dataSync() as Float32Array;
  });
}

export { layers, tf };
