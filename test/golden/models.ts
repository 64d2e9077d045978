/**
 * Models whose modules are pinned: those of the zoo, the shared ones, and seeded random networks.
 *
 * Out: int8 graphs by name, made on request. They do not depend on RUNLET_SEED.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readNpy } from '../../host/sources/npy.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { quantize } from '../../quant/quantize.ts';
import { inputsNetworkOf, makeInputsNetwork } from '../property/inputs-network.ts';
import { firstKinds, layerOf, makeNetwork, networkOf, random } from '../property/random-network.ts';
import { widen } from '../property/widen.ts';
import { sharedModels, sharedNames } from '../read/tflite-helpers.ts';
import { root } from '../shared.ts';

export interface GoldenModel {
  name: string;
  /** File of the model. If it is absent, the model is skipped. */
  file?: string;
  graph: () => Promise<Graph>;
}

/** Seed of all random networks. */
const seed = 20261128;
const networkCount = 100;
const inputsCount = 10;

const bytesOf = (path: string) => new Uint8Array(readFileSync(path));

const zoo = [
  ['ecg', 'ecg', 'calib'],
  ['har', 'har-watch', 'calib-watch'],
  ['har', 'har-phone', 'calib-phone'],
  ['ppg-hr', 'ppg-hr', 'calib'],
  ['kws', 'kws', 'calib'],
] as const;

const zooModels = zoo.map(([folder, model, calib]): GoldenModel => {
  const at = (file: string) => join(root, 'models/zoo', folder, file);
  return {
    name: `zoo/${model}`,
    graph: async () => {
      const float = await readModel(bytesOf(at(`${model}.onnx`)), { name: model });
      const hop = Number(float.metadata['runlet.hop']);
      const signal = readNpy(bytesOf(at(`${calib}.npy`))).data as Float32Array;
      return quantize(float, signal, { hop, preset: 'fast', noReport: true }).graph;
    },
  };
});

const streaming = ['mww/v1/okay_nabu', 'mww/v2/hey_jarvis', 'mww/v2/okay_nabu', 'mww/v2/vad'];

const files = [...sharedNames, ...streaming].map((name): GoldenModel => {
  const file = join(sharedModels, name, 'model.tflite');
  return {
    name,
    file,
    graph: () => readModel(bytesOf(file), { name, timeAxis: name.startsWith('mlperf-tiny/ic') ? 1 : undefined }),
  };
});

/** Converts some tensors to int16; the outputs stay int8. */
const widened = (graph: Graph, rnd: () => number): Graph =>
  widen(
    graph,
    rnd,
    rnd(),
    graph.outputs.map(({ tensor }) => tensor),
  );

/** Random networks. Every fifth has int16 tensors. */
const networks = fc.sample(networkOf(firstKinds), { seed, numRuns: networkCount }).map(
  (spec, i): GoldenModel => ({
    name: `network/${i}`,
    graph: async () => (i % 5 === 4 ? widened(makeNetwork(spec), random(spec.seed)) : makeNetwork(spec)),
  }),
);

const inputs = fc
  .sample(inputsNetworkOf(layerOf(firstKinds)), { seed, numRuns: inputsCount })
  .map((spec, i): GoldenModel => ({ name: `inputs/${i}`, graph: async () => makeInputsNetwork(spec) }));

/** Returns the model with a cached graph. */
function kept(model: GoldenModel): GoldenModel {
  let made: Promise<Graph> | undefined;
  return { ...model, graph: () => (made ??= model.graph()) };
}

export const realModels = [...zooModels, ...files].map(kept);
export const randomModels = [...networks, ...inputs].map(kept);
export const isThere = ({ file }: GoldenModel): boolean => file === undefined || existsSync(file);
