/**
 * The page's engine runs a chain of gates: the same outputs, counts and refusals as a Listener in Node. In a
 * browser: test/browser/page-gate.test.ts.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import {
  gateSummary,
  LabelDetector,
  Listener,
  type ListeningModel,
  type ModelGate,
  openSession,
} from '../../host/session/index.ts';
import { Engine } from '../../host/web/engine.ts';
import { hearingOf } from '../../host/web/hearing.ts';
import { History } from '../../host/web/history.ts';
import type { Batch, Catalogue, Loaded, ModelEntry, Request } from '../../host/web/protocol.ts';
import { readingOf } from '../../host/web/reading.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { codeOf, randomOf } from './helpers.ts';
import { hop, tinyBundle, window } from './tiny-bundle.ts';

const frontEnd = makeFrontEnd(presetParameters('log-mel'));
const { sampleRateHz, windowSamples, stepSamples, channels } = frontEnd;
const rowsWasm = (await buildFrontEnd(frontEnd)).wasm;
const labels = Array.from({ length: channels }, (_, i) => `c${i}`);
const detector = { cutoff: 0.55, slidingWindow: 3, refractoryMs: 100, output: 0, label: 'c3' };
const modelWasm = await tinyBundle({
  channels,
  hostType: 'int8',
  scale: 1 / 256,
  zeroPoint: -128,
  labels,
  manifest: (m) => ({ ...m, detector }),
});

/** Loud and quiet noise in turn, each for about half a second. */
const random = randomOf(7);
const sound = Float32Array.from({ length: 96_000 }, (_, n) => (random(65536) / 32768 - 1) * ((n >> 13) & 1 ? 0.7 : 0.01));

const gate = (by: string, threshold: number, holdMs: number): ModelGate => ({
  by,
  output: 0,
  element: 3,
  threshold,
  orEqual: false,
  holdMs,
});

/** Runs a Listener in Node. Outputs of the first model are noted, also those from before the gate opened. */
async function here(gates: Record<string, ModelGate>) {
  const rows = await openSession(rowsWasm as BufferSource);
  const models = await Promise.all(
    ['last', 'middle', 'first'].map(async (name): Promise<ListeningModel> => {
      const session = await openSession(modelWasm as BufferSource);
      const own = gates[name];
      const words = new LabelDetector(session.manifest, (1000 * hop * stepSamples) / sampleRateHz);
      return { name, session, frontEnd: rows, labels, detector: words, ...(own && { gate: own }) };
    }),
  );
  const found: { timeS: number; values: number[] }[] = [];
  const [last] = models as [ListeningModel];
  const note = (model: ListeningModel, timeMs: number) =>
    model === last && found.push({ timeS: timeMs / 1000, values: [...model.session.output()] });
  const heard: number[] = [];
  const listener = new Listener(models, sampleRateHz, {
    output: note,
    heard: (model, { timeMs }) => model === last && heard.push(timeMs),
  });
  listener.push(sound);
  return { found, heard, summary: gateSummary(listener, last) };
}

const always = (await here({})).found;
const levels = always.map(({ values }) => values[3] as number).sort((a, b) => a - b);
const threshold = ((levels[0] as number) + (levels.at(-1) as number)) / 2;
const chain = { last: gate('middle', threshold, 0), middle: gate('first', threshold, 60) };

const entry = (name: string, opens?: ModelGate): ModelEntry => ({
  name,
  note: '',
  file: 'model.wasm',
  options: { frontEnd: 'rows' },
  ...(opens && { gate: opens }),
});
const catalogue = (models: ModelEntry[]): Catalogue => ({
  version: '',
  models,
  frontEnds: [
    { id: 'rows', preset: 'log-mel', title: '', file: 'rows.wasm', sampleRateHz, windowSamples, stepSamples, channels },
  ],
});

/** Runs the engine, in pieces. @param models the first one is shown */
async function engine(models: ModelEntry[], pieces = () => 1 + random(4000)) {
  const batches: Batch[] = [];
  const fetched: string[] = [];
  const made = new Engine({
    tell: (message) => 'batch' in message && batches.push(message.batch),
    asset: async (file) => {
      fetched.push(file);
      return file === 'rows.wasm' ? rowsWasm : modelWasm;
    },
  });
  await made.handle({ do: 'setup', catalogue: catalogue(models) });
  const [{ name, gate: own, options }] = models as [ModelEntry];
  const load: Request = { do: 'load', name, bytes: modelWasm, options: options ?? {}, ...(own && { gate: own }) };
  const loaded = (await made.handle(load)) as Loaded;
  const run = async (signal: Float32Array, rateHz?: number) => {
    batches.length = 0;
    await made.handle({ do: 'begin', run: 1, signal: { rateHz } });
    const history = new History(loaded);
    for (let at = 0, take = 0; at < signal.length; at += take) {
      take = pieces();
      await made.handle({ do: 'push', samples: signal.slice(at, at + take) });
    }
    await made.handle({ do: 'end' });
    for (const batch of batches) history.add(batch);
    return history;
  };
  return { loaded, run, fetched };
}

const entries = [entry('last', chain.last), entry('middle', chain.middle), entry('first')];

test('a chain of three models gives the outputs of a Listener, and those of a model that never slept', async () => {
  const { found, heard, summary } = await here(chain);
  assert.ok(found.length > 20 && found.length < always.length - 20, `${found.length} of ${always.length}`);
  const { run, fetched, loaded } = await engine(entries);
  assert.equal(fetched, ['rows.wasm', 'model.wasm', 'model.wasm'], 'the front end is shared');
  assert.is(loaded.gate?.rule.by, 'middle');
  assert.ok(heard.length >= 3);
  const known = new Map(always.map(({ timeS, values }) => [timeS.toFixed(6), values]));
  for (const times of [1, 2]) {
    const history = await run(sound, sampleRateHz);
    const { times: at, values, gate: counted } = history.list();
    const due = at.flatMap((timeS, i) => (history.voice.at(i) === 1 ? [{ timeS, values: values[i] }] : []));
    assert.equal(due, found, `run ${times}`);
    assert.ok(at.length > due.length, 'the detector gets outputs from before the gate opened');
    for (const [i, timeS] of at.entries()) assert.equal(values[i], known.get(timeS.toFixed(6)), `${timeS} s`);
    assert.equal({ ...counted, catchUpMs: 0 }, { ...summary, catchUpMs: 0 });
    const hearing = hearingOf(loaded, { ...readingOf(loaded.manifest), kind: 'words' });
    assert.equal(hearing.follow(history).map(({ timeMs }) => timeMs), heard); // biome-ignore format: one line
    assert.is(counted?.keptFrames, window + 2 * hop, 'the window, and two hops for the detector');
  }
});

test('the history knows when the gate was open, and where the model slept', async () => {
  const { run, loaded } = await engine(entries);
  const history = await run(sound, sampleRateHz);
  const { gate: seen } = history;
  assert.ok(seen && seen.open.length >= 3);
  assert.is(seen.open.length, seen.summary?.opened);
  const isOpen = (timeS: number) =>
    seen.open.some(({ startS, endS = Number.POSITIVE_INFINITY }) => timeS >= startS && timeS < endS);
  const wanted = history.list().times.filter((_, i) => history.voice.at(i) === 1);
  const all = always.map(({ timeS }) => timeS);
  assert.equal(wanted, all.filter(isOpen));
  const slept = Array.from({ length: history.times.end }, (_, i) => i).filter((i) => history.sleptBefore(i));
  assert.ok(slept.length > 0 && slept.length < seen.open.length);
  for (const i of slept) assert.ok(history.times.at(i) - history.times.at(i - 1) > 1.9 * loaded.hopS);
  const middle = (await here({ last: chain.middle })).found;
  const gates = Array.from({ length: seen.times.end }, (_, i) => [seen.times.at(i), seen.outputs.at(i)]);
  assert.equal(gates, middle.map(({ timeS, values }) => [timeS, values[3]])); // biome-ignore format: one line
});

test('gates that do not fit are refused when the model is loaded, and frames when they are given', async () => {
  const loading = (models: ModelEntry[]) => codeOf(() => engine(models));
  assert.is(await loading(entries), 'none');
  assert.is(await loading(entries.slice(0, 2)), 'RN778', 'the first model is missing');
  assert.is(await loading([entry('last', chain.last), entry('middle', gate('last', 0, 0))]), 'RN778', 'a circle');
  const { run } = await engine(entries, () => channels);
  assert.is(await codeOf(() => run(new Float32Array(10 * channels))), 'RN785');
});

test.run();
