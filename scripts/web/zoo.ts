/**
 * Makes the zoo's files of the page: a bundle and a demo recording for each model, and the front ends.
 *
 * In: models/zoo, a function that writes a file of the page.  Out: entries of the catalogue, and the models
 * that were built.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { loadGraph, manifestFields, planOptions } from '../../host/command/load.ts';
import { producer } from '../../host/command/producer.ts';
import { delaySamples as beatDelay, rateHz as ecgHz, kindWeights } from '../../host/demo/ecg-records.ts';
import { rateHz as harHz, window as harWindow } from '../../host/demo/har-recordings.ts';
import { type ModelGate, openSession, withGates } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import type { Catalogue, FrontEndEntry, ModelEntry } from '../../host/web/protocol.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { ecgDemo, harDemo, kwsDemo, type Put, pausesDemo, ppgDemo, vadDemo, zoo } from './demos.ts';

/** A model of the zoo that was built for the page. */
export interface ZooModel {
  /** Its folder in models/zoo, which holds its card. */
  folder: string;
  entry: ModelEntry;
  quant: QuantPlan;
  bundle: Bundle;
  /** Options with which the bundle was built. */
  options: BuildOptions;
}

/**
 * Builds the bundle of a model, quantised with the defaults of `runlet quantize`. Warnings are ignored,
 * because they concern the training of the model.
 */
async function bundleOf(folder: string, name: string, calib: string): Promise<Omit<ZooModel, 'folder' | 'entry'>> {
  const graph = await loadGraph({ model: join(zoo, folder, `${name}.onnx`) });
  const plan = planOptions(graph, {});
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, folder, calib)))).data as Float32Array;
  const int8 = quantize(graph, calibration, { ...plan, noReport: true }).graph;
  const quant = quantPlan(planStream(int8, plan));
  const options = { producer: producer(), ...manifestFields(graph) };
  return { quant, options, bundle: await build(quant, options) };
}

/** A model of the zoo: where its files are, and how the page shows it. */
type Shown = Omit<ModelEntry, 'file'> & { folder: string; calib?: string };

async function shownModels(put: Put): Promise<Shown[]> {
  const [watch, phone] = [await harDemo('watch', put), await harDemo('phone', put)];
  const [words, voice] = [kwsDemo(put), vadDemo(put)];
  const middle = { delayS: harWindow / 2 / harHz };
  const beats = { delayS: beatDelay / ecgHz, beats: put('demos/ecg-kinds.json', JSON.stringify(kindWeights())) };
  const activity = 'activity of a person with a';
  return [
    { folder: 'ecg', name: 'ecg', note: 'heart beats, and beats that come too early', demo: await ecgDemo(put), answers: beats },
    ...[
      { name: 'har-watch', note: `${activity} watch on the wrist`, demo: watch, calib: 'calib-watch.npy' },
      { name: 'har-watch-small', note: `${activity} watch, a third of the work`, demo: watch, calib: 'calib-watch.npy' },
      { name: 'har-watch-tiny', note: `${activity} watch, a tenth of the work`, demo: watch, calib: 'calib-watch.npy' },
      { name: 'har-phone', note: `${activity} phone in the pocket`, demo: phone, calib: 'calib-phone.npy' },
      { name: 'har-watch-gru', note: `${activity} watch, with a GRU`, demo: watch, calib: 'calib-watch.npy' },
    ].map((model) => ({ ...model, folder: 'har', answers: middle })),
    { folder: 'ppg-hr', name: 'ppg-hr', note: 'heart rate from a simulated wrist PPG', demo: await ppgDemo(put) },
    ...[
      { name: 'kws', note: 'ten spoken words' },
      { name: 'kws-small', note: 'ten spoken words, a third of the work' },
      { name: 'kws-tiny', note: 'ten spoken words, a tenth of the work' },
    ].map((model) => ({ ...model, folder: 'kws', demo: words })),
    ...[
      { name: 'vad', note: 'whether somebody speaks' },
      { name: 'vad-small', note: 'whether somebody speaks, a third of the work' },
    ].map((model) => ({ ...model, folder: 'vad', demo: voice })),
  ];
}

async function builtModels(put: Put): Promise<ZooModel[]> {
  const models: ZooModel[] = [];
  for (const { folder, calib = 'calib.npy', ...shown } of await shownModels(put)) {
    const built = await bundleOf(folder, shown.name, calib);
    models.push({ folder, ...built, entry: { ...shown, file: put(`models/${shown.name}.wasm`, built.bundle.wasm) } });
  }
  return models;
}

/** Returns the gate of a condition that names two models. @throws RN778 */
async function gateOf(models: readonly ZooModel[], condition: string): Promise<ModelGate | undefined> {
  const opened = models.map(async ({ entry, bundle }) => ({
    name: entry.name,
    session: await openSession(bundle.wasm as BufferSource),
  }));
  return withGates(await Promise.all(opened), condition).find(({ gate }) => gate)?.gate;
}

/** The pair of a cheap model that wakes a dear one. It plays a recording with pauses. */
async function gatedPair(models: readonly ZooModel[], put: Put): Promise<ModelEntry> {
  const gate = await gateOf(models, 'kws=vad-small>0.5 for 1s');
  const { file } = models.find(({ entry }) => entry.name === 'kws')?.entry ?? { file: '' };
  return {
    name: 'kws-vad',
    note: 'ten spoken words while vad-small hears a voice; else kws sleeps',
    file,
    ...(gate && { gate }),
    demo: pausesDemo(put),
  };
}

/** Presets and steps that are common in models. */
const frontEndsOf: [preset: string, stepSamples: number, title: string][] = [
  ['microwakeword', 160, 'microWakeWord, 10 ms'],
  ['microwakeword', 320, 'microWakeWord, 20 ms'],
  ['audio-preprocessor', 320, 'audio preprocessor, 20 ms'],
  ['log-mel', 160, 'log mel, 10 ms'],
  ['log-mel', 320, 'log mel, 20 ms'],
];

async function frontEnds(put: Put): Promise<FrontEndEntry[]> {
  const entries: FrontEndEntry[] = [];
  for (const [preset, stepSamples, title] of frontEndsOf) {
    const frontEnd = makeFrontEnd({ ...presetParameters(preset), stepSamples });
    const { sampleRateHz, windowSamples, channels } = frontEnd;
    const id = `${preset}-${(1000 * stepSamples) / sampleRateHz}ms`;
    const { wasm } = await buildFrontEnd(frontEnd, { producer: producer() });
    const file = put(`front-ends/${id}.wasm`, wasm);
    entries.push({ id, preset, title, file, sampleRateHz, windowSamples, stepSamples, channels });
  }
  return entries;
}

export interface ZooAssets extends Pick<Catalogue, 'models' | 'frontEnds'> {
  /** The models of the catalogue that were built, in its order. */
  built: ZooModel[];
}

export async function zooAssets(put: Put): Promise<ZooAssets> {
  const built = await builtModels(put);
  const models = [...built.map(({ entry }) => entry), await gatedPair(built, put)];
  return { frontEnds: await frontEnds(put), models, built };
}
