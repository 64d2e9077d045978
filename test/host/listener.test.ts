/**
 * Listener: several models on one sound and one front end; order, voice, pieces of any length, and refusals.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import type { DetectorManifest } from '../../assembly/bundle/manifest.ts';
import { LabelDetector, Listener, type ListeningModel, openSession, type Stored } from '../../host/session/index.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import { codeOf, randomOf } from './helpers.ts';
import { reference, tinyBundle } from './tiny-bundle.ts';

const frontEnd = makeFrontEnd(presetParameters('microwakeword'));
const { wasm: frontEndWasm } = await buildFrontEnd(frontEnd);
const openRows = () => openSession(frontEndWasm as BufferSource);

/** Loud and quiet noise alternately. */
const random = randomOf(21);
const sound = Int16Array.from({ length: 16000 }, (_, n) => (random(65536) - 32768) * ((n >> 12) & 1 ? 0.7 : 0.01));

const settings = (part: Partial<DetectorManifest> = {}): DetectorManifest => ({
  cutoff: 0.5,
  slidingWindow: 2,
  refractoryMs: 100,
  output: 0,
  ...part,
});

/** Returns a model on rows: the mean of 40 features over 8 rows, every 4 rows. */
async function rowModel(name: string, options: { detector?: DetectorManifest; hostType?: 'int8' | 'float32' } = {}) {
  const { detector, hostType = 'int8' } = options;
  const labels = Array.from({ length: 40 }, (_, i) => `c${i}`);
  const session = await openSession((await tinyBundle({ channels: 40, hostType, scale: 1 / 256, labels })) as BufferSource);
  const model: ListeningModel = { name, session };
  if (detector) model.detector = new LabelDetector({ ...session.manifest, labels, detector }, 40);
  return model;
}

const log = (lines: string[]) => ({
  heard: ({ name }: ListeningModel, { label, timeMs }: { label: string; timeMs: number }) =>
    lines.push(`${name} heard ${label} ${timeMs}`),
  blocked: ({ name }: ListeningModel, timeMs: number) => lines.push(`${name} blocked ${timeMs}`),
  voice: ({ name }: ListeningModel, active: boolean, timeMs: number) => lines.push(`${name} voice ${active} ${timeMs}`),
});

test('rows are computed once for all models, and each model gets the rows that it would get alone', async () => {
  const rows = featureRows(frontEnd, sound);
  const expected = reference(rows, 40);
  assert.ok(expected.length > 20);
  for (const pieces of [() => 16000, () => 1 + random(400)]) {
    const shared = await openRows();
    const models = [await rowModel('a'), await rowModel('b')].map((model) => ({ ...model, frontEnd: shared }));
    const got: Record<string, Stored[]> = { a: [], b: [] };
    const times: number[] = [];
    const listener = new Listener(models, 16000, {
      output(model, timeMs) {
        got[model.name]?.push(model.session.outputRaw().slice());
        if (model.name === 'a') times.push(timeMs);
      },
    });
    for (let at = 0; at < sound.length; ) {
      const take = pieces();
      listener.push(sound.subarray(at, at + take));
      at += take;
    }
    assert.equal(got, { a: expected, b: expected });
    // output n needs 8 + 4 n rows; the first row is complete after 30 ms, and then one every 10 ms
    assert.equal(
      times,
      expected.map((_, n) => 30 + 10 * (7 + 4 * n)),
    );
    assert.is(listener.rowsOf(shared).outputs, rows.length / 40);
    assert.is(listener.countOf(models[0] as ListeningModel).outputs, expected.length);
    assert.is(listener.samples, 16000);
  }
});

test('float sound gives the same rows, and a model that quantises rows differently gets real values', async () => {
  const [shared, model] = [await openRows(), await rowModel('x', { hostType: 'float32' })];
  const got: Stored[] = [];
  const listener = new Listener([{ ...model, frontEnd: shared }], 16000, {
    output: () => got.push(model.session.outputRaw().slice()),
  });
  listener.push(Float32Array.from(sound, (q) => q / 32768));
  const { scale, zeroPoint } = frontEnd.output;
  const rows = featureRows(frontEnd, sound).map((q) =>
    Math.min(127, Math.round(Math.fround(Math.fround(scale * (q - zeroPoint)) * 256))),
  );
  assert.equal(got, reference(rows, 40));
  listener.reset();
  assert.is(listener.samples, 0);
  got.length = 0;
  listener.push(sound.subarray(0, 3000));
  assert.equal(got, reference(rows.subarray(0, 40 * 16), 40), 'a new sound');
});

test('a word counts only while there is voice, whichever model comes first', async () => {
  const lines: Record<string, string[]> = {};
  for (const order of ['word first', 'voice first'] as const) {
    const shared = await openRows();
    const word = await rowModel('word', {
      detector: settings({ label: 'c20', cutoff: 0.01, slidingWindow: 1, refractoryMs: 0 }),
    });
    const voice = await rowModel('vad', { detector: settings({ label: 'c20', cutoff: 0.2, slidingWindow: 1, voice: true }) });
    const models = (order === 'word first' ? [word, voice] : [voice, word]).map((m) => ({ ...m, frontEnd: shared }));
    const all: string[] = [];
    const listener = new Listener(models, 16000, log(all));
    listener.push(sound);
    lines[order] = all;
    const spoken = all.filter((l) => l.includes('heard')).length;
    assert.ok(spoken > 0 && all.some((l) => l.includes('blocked')) && all.some((l) => l.includes('voice true')), all.join('\n'));
    assert.is(listener.countOf(models.find((m) => m.name === 'word') as ListeningModel).heard, spoken);
    const voiced = listener.countOf(models.find((m) => m.name === 'vad') as ListeningModel).voiced;
    assert.ok(voiced > 0 && voiced < 24);
    // no word is heard while there is no voice
    let [on, heardOff] = [false, 0];
    for (const line of all) {
      if (line.includes(' voice ')) on = line.includes('true');
      if (line.includes('heard') && !on) heardOff++;
    }
    assert.is(heardOff, 0);
  }
  assert.equal(lines['word first'], lines['voice first']);
});

test('models on sound and models on rows listen together', async () => {
  const shared = await openRows();
  const rows = await rowModel('rows');
  const direct: ListeningModel = { name: 'sound', session: await openRows() };
  const seen: string[] = [];
  const listener = new Listener([direct, { ...rows, frontEnd: shared }], 16000, {
    output: (m, t) => seen.push(`${m.name} ${t}`),
  });
  listener.push(sound.subarray(0, 2400));
  assert.equal(seen.slice(0, 3), ['sound 30', 'sound 40', 'sound 50']);
  assert.equal(
    seen.filter((l) => l.startsWith('rows')),
    ['rows 100', 'rows 140'],
  );
  assert.equal(seen.indexOf('rows 100'), seen.indexOf('sound 100') + 1);
});

test('models and options that do not fit are refused', async () => {
  const [shared, rows] = [await openRows(), await rowModel('rows')];
  const two: ListeningModel = { name: 'two', session: await openSession((await tinyBundle({ channels: 2 })) as BufferSource) };
  const slow: ListeningModel = {
    name: 'slow',
    session: await openSession((await tinyBundle({ sampleRateHz: 8000 })) as BufferSource),
  };
  const open = (models: ListeningModel[], rate = 16000) => codeOf(() => new Listener(models, rate, {}));
  assert.is(await open([{ ...rows, frontEnd: shared }]), 'none');
  assert.is(await open([{ ...two, frontEnd: shared }]), 'RN774', 'rows of 40 for 2');
  assert.is(await open([rows]), 'RN774', 'no front end');
  assert.is(await open([slow]), 'RN774', '8,000 Hz');
  assert.is(await open([slow], 8000), 'none');
  assert.is(await open([{ ...rows, frontEnd: shared }], 8000), 'RN774');
});

test.run();
