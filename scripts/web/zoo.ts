/**
 * What of the zoo goes into the page: a bundle for each model and its demo recording, and the front ends.
 *
 * In: models/zoo, a function that writes a file of the page.  Out: entries of the catalogue.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import { loadGraph, loadQuantPlan, manifestFields, planOptions } from '../../host/cli/load.ts';
import { producer } from '../../host/cli/producer.ts';
import { openSource } from '../../host/sources/index.ts';
import type { Catalogue, DemoEntry, FrontEndEntry, ModelEntry, Said } from '../../host/web/protocol.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { root } from '../../test/shared.ts';

type Put = (name: string, bytes: Uint8Array | string) => string;

const zoo = join(root, 'models/zoo');
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

async function bundleOf(name: string, put: Put): Promise<string> {
  const folder = join(zoo, name);
  const graph = await loadGraph({ model: join(folder, `${name}.onnx`) });
  const quant = await loadQuantPlan(graph, planOptions(graph, {}), { calib: join(folder, 'calib.npy') });
  const { wasm } = await build(quant, { producer: producer(), ...manifestFields(graph) });
  return put(`models/${name}.wasm`, wasm);
}

/** Five minutes of simulated PPG with their truth. */
async function ppgDemo(put: Put): Promise<DemoEntry> {
  const source = await openSource(join(zoo, 'ppg-hr/demo.csv'), { frameElements: 1, columns: ['ppg'], truth: 'bpm_true' });
  const samples: number[] = [];
  for await (const chunk of source.frames) samples.push(...chunk);
  const rateHz = 32;
  const truth = Float32Array.from(source.truth?.view() ?? []).filter((_, i) => i % rateHz === 0);
  return {
    title: 'demo.csv',
    file: put('demos/ppg-hr.f32', bytesOf(Float32Array.from(samples))),
    rateHz,
    truth: { file: put('demos/ppg-hr-truth.f32', bytesOf(truth)), stepS: 1 },
  };
}

/** The synthesised minute with its script. */
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
  const entries: ModelEntry[] = [];
  if (existsSync(join(zoo, 'kws/kws.onnx')))
    entries.push({ name: 'kws', note: 'ten spoken words', file: await bundleOf('kws', put), demo: kwsDemo(put) });
  entries.push({
    name: 'ppg-hr',
    note: 'heart rate from a simulated wrist PPG',
    file: await bundleOf('ppg-hr', put),
    demo: await ppgDemo(put),
  });
  return entries;
}

/** Presets and steps that models are found with. */
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
