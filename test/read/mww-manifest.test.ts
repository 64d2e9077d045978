/** Manifests of microWakeWord models: both versions, every wrong field, real manifests, and the metadata. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RunletError } from '../../models/error.ts';
import { detectorSettings, featuresSettings, mwwMetadata } from '../../models/read/detection.ts';
import { isMwwManifest, readMwwManifest } from '../../models/read/mww-manifest.ts';
import { shared } from '../shared.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

const version2 = () => ({
  type: 'micro',
  wake_word: 'Hello',
  author: 'somebody',
  model: './hello.tflite',
  trained_languages: ['en'],
  version: 2,
  micro: {
    probability_cutoff: 0.9,
    feature_step_size: 10,
    sliding_window_size: 4,
    tensor_arena_size: 1,
    minimum_esphome_version: '2024.7.0',
  },
});
const version1 = () => ({
  type: 'micro',
  wake_word: 'Hello',
  model: 'hello.tflite',
  version: 1,
  micro: { probability_cutoff: 0.5, sliding_window_average_size: 10 },
});

const read = (value: unknown) => readMwwManifest(utf8(JSON.stringify(value)), 'x.json');

function refused(value: unknown): { code: string; text: string } {
  try {
    typeof value === 'string' ? readMwwManifest(utf8(value), 'x.json') : read(value);
  } catch (error) {
    assert.instance(error, RunletError);
    return { code: (error as RunletError).code, text: (error as RunletError).message };
  }
  return { code: 'none', text: '' };
}

test('version 2 is read', () => {
  assert.equal(read(version2()), {
    version: 2,
    wakeWord: 'Hello',
    model: 'hello.tflite',
    cutoff: 0.9,
    slidingWindow: 4,
    featureStepMs: 10,
    refractoryMs: 1000,
  });
});

test('version 1 is upgraded, with a notice', () => {
  const { notice, ...rest } = read(version1());
  assert.equal(rest, {
    version: 1,
    wakeWord: 'Hello',
    model: 'hello.tflite',
    cutoff: 0.5,
    slidingWindow: 10,
    featureStepMs: 20,
    refractoryMs: 1480,
  });
  assert.match(notice as string, /version 1/);
});

test('other texts are not accepted as a manifest', () => {
  for (const text of ['', '{', '[]', 'null', '3', '"micro"', '{"type":"openWakeWord"}', '{}', '{"type":"micro"']) {
    assert.is(refused(text).code, 'RN131', text);
    assert.not.ok(isMwwManifest(utf8(text)), text);
  }
  assert.is(refused(`{"type":"micro","x":"${' '.repeat(1 << 20)}"}`).code, 'RN131', 'too long');
});

test('an unknown version, a wrong field or an unsafe model name is refused', () => {
  for (const version of [0, 3, '2', 2.5, null, undefined])
    assert.is(refused({ ...version2(), version }).code, 'RN132', `${version}`);
  const micro = (part: object) => refused({ ...version2(), micro: { ...version2().micro, ...part } });
  for (const part of [
    { probability_cutoff: 1.5 },
    { probability_cutoff: -0.1 },
    { probability_cutoff: '0.9' },
    { probability_cutoff: undefined },
    { sliding_window_size: 0 },
    { sliding_window_size: 2.5 },
    { sliding_window_size: 1e9 },
    { feature_step_size: 0 },
    { feature_step_size: undefined },
  ]) {
    const { code, text } = micro(part);
    assert.is(code, 'RN133', JSON.stringify(part));
    assert.ok(text.includes(`micro.${Object.keys(part)[0]}`), text);
  }
  assert.is(refused({ ...version2(), micro: 3 }).code, 'RN133');
  assert.is(refused({ ...version2(), wake_word: '' }).code, 'RN133');
  assert.is(refused({ ...version1(), micro: version2().micro }).code, 'RN133', 'fields of version 2 in version 1');
  for (const model of [
    '../x.tflite',
    '/etc/passwd',
    'a/b.tflite',
    'a\\b.tflite',
    '..\\x.tflite',
    'https://x.org/y.tflite',
    'C:\\x',
    '..',
    '.',
    './',
    'a\0b',
  ])
    assert.is(refused({ ...version2(), model }).code, 'RN134', model);
});

test('the metadata holds the settings of the manifest, and is checked when it is read', () => {
  const metadata = mwwMetadata(read(version2()));
  assert.equal(detectorSettings(metadata), { label: 'Hello', cutoff: 0.9, slidingWindow: 4, refractoryMs: 1000, output: 0 });
  assert.equal(featuresSettings(metadata), { preset: 'microwakeword', stepSamples: 160, sampleRateHz: 16000 });
  assert.is(metadata['runlet.sample_rate_hz'], '100');
  assert.is(detectorSettings(mwwMetadata({ ...read(version2()), wakeWord: 'vad' }))?.voice, true);
  assert.is(detectorSettings({}), undefined);
  for (const bad of ['', '{', '[]', '{"cutoff":2,"slidingWindow":1}', '{"cutoff":0.5}', '{"cutoff":0.5,"slidingWindow":0}'])
    assert.throws(() => detectorSettings({ 'runlet.detector': bad }), /RN133/, bad);
  assert.throws(() => featuresSettings({ 'runlet.features': '{"preset":""}' }), /RN133/);
});

test('real manifests give their published settings', () => {
  const models = shared('models', 'mww');
  if (!models) return;
  const found = ['v2/okay_nabu', 'v2/hey_jarvis', 'v2/vad', 'v1/okay_nabu'].map((name) => {
    const { wakeWord, cutoff, slidingWindow, featureStepMs } = readMwwManifest(
      new Uint8Array(readFileSync(join(models, name, 'manifest.json'))),
      name,
    );
    return [wakeWord, cutoff, slidingWindow, featureStepMs];
  });
  assert.equal(found, [
    ['Okay Nabu', 0.97, 5, 10],
    ['Hey Jarvis', 0.97, 5, 10],
    ['vad', 0.5, 5, 10],
    ['Okay Nabu', 0.5, 10, 20],
  ]);
});

test.run();
