/**
 * The front end's reference against other implementations: TensorFlow's C library through a Python package,
 * recordings with their features, and the runs of audio_preprocessor_int8.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetNames, presetParameters } from '../../models/frontend/presets.ts';
import { FrontEndReference, featureRows } from '../../quant/frontend/reference.ts';
import { shared } from '../shared.ts';
import { differing, generator, int8Of, madeSignals, npySamples, wavSamples } from './signals.ts';

test('the features of generated signals equal those of pymicro-features (pymicro.py)', () => {
  const expected = JSON.parse(readFileSync(join(import.meta.dirname, 'pymicro.json'), 'utf8'));
  const frontEnd = makeFrontEnd({ ...presetParameters('microwakeword'), tables: 'newlib' });
  const signals = madeSignals();
  assert.equal(Object.keys(signals), Object.keys(expected));
  for (const [name, samples] of Object.entries(signals)) {
    const reference = new FrontEndReference(frontEnd);
    const hash = createHash('sha256');
    let rows = 0;
    reference.push(samples, () => {
      rows++;
      hash.update(new Uint8Array(Uint16Array.from(reference.features).buffer));
    });
    assert.equal({ rows, sha256: hash.digest('hex') }, expected[name], name);
  }
});

test('the rows are the same for pieces of any length, and after a reset', () => {
  const { noise } = madeSignals() as { noise: Int16Array };
  for (const preset of presetNames) {
    const frontEnd = makeFrontEnd(presetParameters(preset));
    const whole = featureRows(frontEnd, noise);
    const next = generator(7);
    const reference = new FrontEndReference(frontEnd);
    for (let round = 0; round < 2; round++) {
      const rows: number[] = [];
      for (let at = 0; at < noise.length; ) {
        const end = at + 1 + (next() % 700);
        reference.push(noise.subarray(at, end), () => rows.push(...reference.row));
        at = end;
      }
      assert.is(differing(whole, rows), 0, preset);
      reference.reset();
    }
  }
});

const audio = shared('audio');
if (audio) {
  const wavs = readdirSync(audio).filter((f) => f.endsWith('.wav'));
  test('recordings give their recorded features byte for byte', () => {
    let files = 0;
    for (const wav of wavs)
      for (const [ending, preset, step] of [
        ['.features-10ms.s8', 'microwakeword', 160],
        ['.features-20ms.s8', 'microwakeword', 320],
        ['.pre.out.bin', 'audio-preprocessor', 320],
      ] as const) {
        const path = join(audio, wav.replace(/\.wav$/, ending));
        if (!existsSync(path)) continue;
        files++;
        const frontEnd = makeFrontEnd({ ...presetParameters(preset), stepSamples: step });
        assert.is(differing(featureRows(frontEnd, wavSamples(join(audio, wav))), int8Of(path)), 0, path);
      }
    assert.ok(files >= 12, `${files} files were compared`);
  });
}

const model = shared('models', 'tflm', 'audio_preprocessor_int8');
if (model)
  test('the runs of audio_preprocessor_int8 are reproduced with one window per step', () => {
    const frontEnd = makeFrontEnd({ ...presetParameters('audio-preprocessor'), stepSamples: 480 });
    for (const run of ['rand', 'walk', 'edge']) {
      const rows = featureRows(frontEnd, npySamples(join(model, `${run}.in0.npy`)));
      assert.is(differing(rows, int8Of(join(model, `${run}.out0.npy`))), 0, run);
    }
  });

test.run();
