/**
 * Damaged model files: a file that the reader accepts is compiled to a module that equals the reference, or
 * refused with an error code.
 *
 * RUNLET_FUZZ_COUNT files per format (default 2,000). RUNLET_FUZZ_BUILDS of the accepted files are compiled
 * and run (default 20). RUNLET_SEED (default 1).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readGraph, writeGraph } from '../../models/graph/file.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTfjs } from '../../models/read/tfjs/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { makeNetwork, network } from '../property/random-network.ts';
import type { Files } from '../read/tfjs-models.ts';
import { root, shared } from '../shared.ts';
import { fuzzBuilds } from './builds.ts';
import { kerasFiles, mutateKeras } from './keras.ts';
import { mutate } from './onnx.ts';
import { mutateRnq } from './rnq.ts';
import { graphModels, mutateTfjs, tfjsFiles } from './tfjs.ts';
import { generator, mutateTflite } from './tflite.ts';

const count = Number(process.env.RUNLET_FUZZ_COUNT ?? 2000);
const compiles = Number(process.env.RUNLET_FUZZ_BUILDS ?? 20);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const only = process.env.RUNLET_FUZZ_FORMAT;

function filesIn(folder: string, ending: string): Uint8Array[] {
  const names = readdirSync(folder)
    .filter((n) => n.endsWith(ending))
    .sort();
  return names.map((n) => new Uint8Array(readFileSync(join(folder, n))));
}

async function campaign(
  format: string,
  file: (i: number) => Uint8Array,
  read: (bytes: Uint8Array) => Graph | Promise<Graph>,
): Promise<void> {
  const result = await fuzzBuilds({ count, seed, compiles, file, read });
  console.log(`  ${format}: ${JSON.stringify(result)}`);
  assert.is(result.tried, count);
  assert.ok(result.compiled >= Math.min(compiles, result.emitted) * 0.9, 'the sample was compiled');
  assert.ok(result.refusedByReader > 0 && result.emitted > 0);
}

const when = (format: string) => (only && only !== format ? test.skip : test);

when('tflite')('damaged TensorFlow Lite files equal the reference or are refused', async () => {
  const files = ['tflite', 'recurrent', 'tensorflow'].flatMap((folder) =>
    filesIn(join(root, 'test/fixtures', folder), '.tflite'),
  );
  const models = shared('models');
  if (models) {
    for (const name of [
      'tflm/hello_world_int8',
      'mltk/keyword_spotting_on_off',
      'misc/heartbeats_quantized',
      'tflm/micro_speech_quantized',
    ]) {
      files.push(new Uint8Array(readFileSync(join(models, name, 'model.tflite'))));
    }
  }
  const below = generator(seed);
  await campaign(
    'tflite',
    () => mutateTflite(files[below(files.length)] as Uint8Array, below),
    (bytes) => readTflite(bytes),
  );
});

when('onnx')('damaged ONNX files equal the reference or are refused', async () => {
  const files = filesIn(join(root, 'test/fixtures/onnx'), '.onnx');
  await campaign(
    'onnx',
    (i) => mutate(files, seed * 1_000_003 + i).bytes,
    (bytes) => readOnnx(bytes, { window: 24 }),
  );
});

async function tfjsCampaign(format: string, models: Files[]): Promise<void> {
  const below = generator(seed);
  let files: Files['files'] = {};
  await campaign(
    format,
    () => {
      const damaged = mutateTfjs(models[below(models.length)] as Files, below);
      files = damaged.files;
      return damaged.json;
    },
    (bytes) => readTfjs(bytes, { files, window: 12 }),
  );
}

when('tfjs')('damaged TensorFlow.js models equal the reference or are refused', async () =>
  tfjsCampaign('tfjs', await tfjsFiles(20)),
);
when('tfjs')('damaged TensorFlow.js graph models equal the reference or are refused', () =>
  tfjsCampaign('tfjs graph', graphModels()),
);

when('keras')('damaged Keras files and archives equal the reference or are refused', async () => {
  const files = kerasFiles();
  const below = generator(seed);
  await campaign('keras', () => mutateKeras(files, below), (bytes) => readModel(bytes)); // biome-ignore format: one line
});

when('rnq')('damaged .rnq files equal the reference or are refused', async () => {
  const files = fc.sample(network, { seed, numRuns: 30 }).map((spec) => writeGraph(makeNetwork(spec)));
  const below = generator(seed);
  await campaign('rnq', () => mutateRnq(files[below(files.length)] as Uint8Array, below), readGraph);
});

test.run();
