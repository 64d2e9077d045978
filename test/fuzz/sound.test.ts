/**
 * Damaged WAV files, raw sound and microWakeWord manifests: RUNLET_FUZZ_COUNT of each (2,000). Each gives a
 * RunletError or complete frames.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSource } from '../../host/sources/index.ts';
import { pcmEncodings } from '../../host/sources/pcm.ts';
import { wavSource } from '../../host/sources/wav.ts';
import { isRunletError } from '../../models/error.ts';
import { isMwwManifest, readMwwManifest } from '../../models/read/mww-manifest.ts';
import { collect, fuzzCount, mutate, once, randomOf } from '../host/helpers.ts';

/** Returns a WAV file with a chunk before its samples; `extensible` selects the long format. */
function sound(code: number, bits: number, channels: number, extensible: boolean): Uint8Array {
  const frameBytes = (channels * bits) / 8;
  const format = new Uint8Array(extensible ? 40 : 16);
  const view = new DataView(format.buffer);
  view.setUint16(0, extensible ? 0xfffe : code, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, 44100, true);
  view.setUint32(8, 44100 * frameBytes, true);
  view.setUint16(12, frameBytes, true);
  view.setUint16(14, bits, true);
  if (extensible) view.setUint16(24, code, true);
  const chunk = (tag: string, body: Uint8Array) => [
    ...Buffer.from(tag),
    ...new Uint8Array(Uint32Array.of(body.length).buffer),
    ...body,
    ...(body.length & 1 ? [0] : []),
  ];
  const body = [...Buffer.from('WAVE'), ...chunk('LIST', Buffer.from('abcde')), ...chunk('fmt ', format)];
  const all = [...body, ...chunk('data', new Uint8Array(frameBytes * 40).fill(3))];
  return Uint8Array.from([...Buffer.from('RIFF'), ...new Uint8Array(Uint32Array.of(all.length).buffer), ...all]);
}

const files = [
  sound(1, 8, 1, false),
  sound(1, 16, 2, true),
  sound(1, 24, 3, false),
  sound(3, 32, 1, true),
  sound(6, 8, 1, false),
  sound(7, 8, 2, true),
];

test('damaged WAV files and pipes give frames or a RunletError', async () => {
  const random = randomOf(11);
  let [read, refused] = [0, 0];
  for (let i = 0; i < fuzzCount; i++) {
    const bytes = mutate(files[random(files.length)] as Uint8Array, random);
    const options = { frameElements: 1, sound: true, ...(random(3) === 0 && { sampleRateHz: 16000, resample: true }) };
    try {
      const frames = await (i % 2
        ? collect(wavSource(bytes, 'x', options))
        : collect(openSource('-', { ...options, format: 'wav', stdin: once(bytes, 1 + random(99)) })));
      assert.ok(frames.length <= 16000, `${frames.length} frames`);
      read++;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      refused++;
    }
  }
  assert.ok(read > fuzzCount / 20 && refused > fuzzCount / 20, `${read} read, ${refused} refused`);
});

test('random bytes as raw sound give frames or a RunletError', async () => {
  const random = randomOf(12);
  for (let i = 0; i < fuzzCount; i++) {
    const bytes = Uint8Array.from({ length: 1 + random(300) }, () => random(256));
    const format = pcmEncodings[random(pcmEncodings.length)] as (typeof pcmEncodings)[number];
    const rawChannels = 1 + random(4);
    try {
      const frames = await collect(
        openSource('-', { frameElements: 1, sound: true, format, rawChannels, stdin: once(bytes, 1 + random(20)) }),
      );
      assert.ok(frames.length > 0 && frames.length <= bytes.length);
    } catch (error) {
      if (!isRunletError(error)) throw error;
      // four random bytes are RIFF only once in 2^32
      assert.ok(['RN735', 'RN737'].includes(error.code), error.message);
    }
  }
});

const manifest = JSON.stringify({
  type: 'micro',
  wake_word: 'x',
  model: 'x.tflite',
  version: 2,
  micro: { probability_cutoff: 0.5, sliding_window_size: 5, feature_step_size: 10, tensor_arena_size: 9 },
});

const values = ['0', '-1', '1e308', '"x"', 'null', '[]', '{}', 'true', '0.5', '2', '"../x"', '"\\u0000"', '3', '1e-9'];

test('damaged microWakeWord manifests give valid settings or a RunletError', () => {
  const random = randomOf(13);
  let [read, refused] = [0, 0];
  for (let i = 0; i < fuzzCount; i++) {
    const text = random(3)
      ? manifest.replace(/(":)("[^"]*"|[\d.]+)/g, (all, colon) => (random(6) ? all : `${colon}${values[random(values.length)]}`))
      : new TextDecoder().decode(mutate(new TextEncoder().encode(manifest), random));
    const bytes = new TextEncoder().encode(text);
    isMwwManifest(bytes);
    try {
      const m = readMwwManifest(bytes, 'x.json');
      assert.ok(m.cutoff >= 0 && m.cutoff <= 1 && m.slidingWindow >= 1 && Number.isInteger(m.slidingWindow), text);
      assert.ok(m.featureStepMs >= 1 && /^[^/\\:]+$/.test(m.model) && m.model !== '..', text);
      read++;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      refused++;
    }
  }
  assert.ok(read > fuzzCount / 20 && refused > fuzzCount / 20, `${read} read, ${refused} refused`);
});

test.run();
