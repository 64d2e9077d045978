/** Damaged TensorFlow Lite files give a RunletError or a consistent graph; RUNLET_FUZZ_COUNT files (3000). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { fixtureNames, fixturesDir, hasSharedModels, readBytes, sharedModels } from '../read/tflite-helpers.ts';
import { fuzzTflite } from './tflite.ts';

const small = [
  'tflm/hello_world_int8',
  'mltk/keyword_spotting_on_off',
  'tflm/micro_speech_quantized',
  'misc/heartbeats_quantized',
  'mww/v2/vad',
];

/** Fixtures with recurrent layers as loops. */
const loops = ['lstm-last', 'gru-sequence', 'both-ways'];

test('damaged files give a RunletError or a consistent graph', () => {
  const count = Number(process.env.RUNLET_FUZZ_COUNT ?? 3000);
  const seed = Number(process.env.RUNLET_FUZZ_SEED ?? 1);
  const files = fixtureNames.map((name) => readBytes(fixturesDir, `${name}.tflite`));
  files.push(...loops.map((name) => readBytes(fixturesDir, '../recurrent', `${name}.tflite`)));
  files.push(...['lstms', 'caches'].map((name) => readBytes(fixturesDir, '../steps', `${name}.tflite`)));
  if (hasSharedModels) files.push(...small.map((name) => readBytes(sharedModels, name, 'model.tflite')));
  const result = fuzzTflite({ count, seed, files });
  if (count > 3000) console.log(JSON.stringify(result));
  assert.is(result.tried, count);
  assert.ok(result.refused > 0 && result.accepted > 0);
});

test('every truncation of a file is refused or read without its tail', () => {
  const file = readBytes(fixturesDir, 'conv2d.tflite');
  for (let end = 0; end < file.length; end += 7) {
    try {
      readTflite(file.subarray(0, end));
    } catch (error) {
      assert.ok(isRunletError(error), `${end} bytes: ${error}`);
    }
  }
});

test.run();
