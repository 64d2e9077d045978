/**
 * Makes the zoo's files of the page: a bundle and a demo recording for each model, and the front ends.
 *
 * In: models/zoo, a function that writes a file of the page.  Out: entries of the catalogue.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { loadGraph, manifestFields, planOptions } from '../../host/command/load.ts';
import { producer } from '../../host/command/producer.ts';
import { classes as beatClasses, delaySamples as beatDelay, rateHz as ecgHz, kindWeights } from '../../host/demo/ecg-records.ts';
import { devices, rateHz as harHz, window as harWindow } from '../../host/demo/har-recordings.ts';
import { openSource } from '../../host/sources/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import type { Catalogue, DemoEntry, FrontEndEntry, ModelEntry, Said } from '../../host/web/protocol.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { root } from '../../test/shared.ts';

type Put = (name: string, bytes: Uint8Array | string) => string;

const zoo = join(root, 'models/zoo');
const motion = ['ax', 'ay', 'az', 'gx', 'gy', 'gz'];
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/**
 * Builds the bundle of a model, quantised with the defaults of `runlet quantize`. Warnings are ignored,
 * because they concern the training of the model.
 */
async function bundleOf(folder: string, name: string, calib: string, put: Put): Promise<string> {
  const graph = await loadGraph({ model: join(zoo, folder, `${name}.onnx`) });
  const options = planOptions(graph, {});
  const calibration = readNpy(new Uint8Array(readFileSync(join(zoo, folder, calib)))).data as Float32Array;
  const int8 = quantize(graph, calibration, { ...options, noReport: true }).graph;
  const { wasm } = await build(quantPlan(planStream(int8, options)), { producer: producer(), ...manifestFields(graph) });
  return put(`models/${name}.wasm`, wasm);
}

/** Reads columns of a recording of the zoo, and the truth of each row. */
async function recordingOf(path: string, columns: string[], truth: string) {
  const source = await openSource(join(zoo, path), { frameElements: columns.length, columns, truth });
  const samples: number[] = [];
  for await (const chunk of source.frames) samples.push(...chunk);
  return { samples: Float32Array.from(samples), truth: [...(source.truth?.view() ?? [])] };
}

/** Writes five minutes of simulated PPG with their truth. */
async function ppgDemo(put: Put): Promise<DemoEntry> {
  const rateHz = 32;
  const { samples, truth } = await recordingOf('ppg-hr/demo.csv', ['ppg'], 'bpm_true');
  const everySecond = Float32Array.from(truth.filter((_, i) => i % rateHz === 0));
  return {
    title: 'demo.csv',
    file: put('demos/ppg-hr.f32', bytesOf(samples)),
    rateHz,
    truth: { file: put('demos/ppg-hr-truth.f32', bytesOf(everySecond)), stepS: 1 },
  };
}

/** Writes two minutes of a simulated ECG with their beats. */
async function ecgDemo(put: Put): Promise<DemoEntry> {
  const { samples, truth } = await recordingOf('ecg/demo.csv', ['ecg'], 'beat');
  const beats = truth.flatMap((beat, n): Said[] =>
    beat > 0 ? [{ word: beatClasses[beat - 1] as string, start: n / ecgHz, end: n / ecgHz }] : [],
  );
  return {
    title: 'demo.csv',
    file: put('demos/ecg.f32', bytesOf(samples)),
    rateHz: ecgHz,
    script: put('demos/ecg.json', JSON.stringify(beats)),
  };
}

/** Writes a simulated minute of a watch or a phone, with the activities of its wearer. */
async function harDemo(device: string, put: Put): Promise<DemoEntry> {
  const { samples, truth } = await recordingOf(`har/demo-${device}.csv`, motion, 'activity');
  return {
    title: `demo-${device}.csv`,
    file: put(`demos/har-${device}.f32`, bytesOf(samples)),
    rateHz: harHz,
    channels: motion,
    truth: { file: put(`demos/har-${device}-truth.f32`, bytesOf(Float32Array.from(truth))), stepS: 1 / harHz },
  };
}

/** Writes the synthesised minute with its script. */
function kwsDemo(put: Put): DemoEntry {
  const { words } = JSON.parse(readFileSync(join(zoo, 'kws/demo.json'), 'utf8')) as { words: Said[] };
  const script = words.map(({ word, start, end }) => ({ word, start, end }));
  return {
    title: 'demo.wav',
    file: put('demos/kws.wav', readFileSync(join(zoo, 'kws/demo.wav'))),
    script: put('demos/kws.json', JSON.stringify(script)),
  };
}

async function models(put: Put): Promise<ModelEntry[]> {
  const entries: ModelEntry[] = [
    {
      name: 'ecg',
      note: 'heart beats, and beats that come too early',
      file: await bundleOf('ecg', 'ecg', 'calib.npy', put),
      demo: await ecgDemo(put),
      answers: { delayS: beatDelay / ecgHz, beats: put('demos/ecg-kinds.json', JSON.stringify(kindWeights())) },
    },
  ];
  for (const device of devices) {
    const name = `har-${device}`;
    entries.push({
      name,
      note: `activity of a person with a ${device === 'watch' ? 'watch on the wrist' : 'phone in the pocket'}`,
      file: await bundleOf('har', name, `calib-${device}.npy`, put),
      demo: await harDemo(device, put),
      answers: { delayS: harWindow / 2 / harHz },
    });
  }
  entries.push({
    name: 'ppg-hr',
    note: 'heart rate from a simulated wrist PPG',
    file: await bundleOf('ppg-hr', 'ppg-hr', 'calib.npy', put),
    demo: await ppgDemo(put),
  });
  if (existsSync(join(zoo, 'kws/kws.onnx')))
    entries.push({
      name: 'kws',
      note: 'ten spoken words',
      file: await bundleOf('kws', 'kws', 'calib.npy', put),
      demo: kwsDemo(put),
    });
  return entries;
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

export async function zooAssets(put: Put): Promise<Pick<Catalogue, 'models' | 'frontEnds'>> {
  return { frontEnds: await frontEnds(put), models: await models(put) };
}
