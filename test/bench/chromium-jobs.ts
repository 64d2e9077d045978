/**
 * The comparisons in Chromium: a network of the benchmark, and microWakeWord's okay_nabu.
 *
 * In: a network's name and a hop, or the folder of the reference models.  Out: rows, Runlet's hop first.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { madeUpNetwork, noiseOf } from '../../host/bench/networks.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { frameOf, type QuantParams, type Shape } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { type ChromiumRun, inChromium, versionOf } from './chromium.ts';
import type { PageJob } from './chromium-page.ts';
import { tfliteOf } from './tflite-of.ts';

const windowsCompared = 8;
/** A sample is shorter than the time slice of a scheduler, so most samples are not interrupted. */
const pace = { sampleMs: 2, warmUpMs: 600 };

/**
 * LiteRT.js's fastest build with one thread, the same without its JavaScript, and that without relaxed SIMD.
 */
const engines = [
  { build: 'relaxed SIMD', engine: 'litert_wasm_internal.js' },
  { build: 'relaxed SIMD, its module alone', engine: 'litert_wasm_internal.js', bare: true },
  { build: 'compatible', engine: 'litert_wasm_compat_internal.js' },
];

export async function networkInChromium(name: string, hop: number, rounds: number): Promise<ChromiumRun> {
  const { int8 } = madeUpNetwork(name);
  const { shape } = int8.tensors[int8.inputs[0]?.tensor ?? -1] as { shape: Shape };
  const { quant } = int8.tensors[int8.outputs[0]?.tensor ?? -1] as { quant: QuantParams };
  const size = shape.t * frameOf(shape);
  const noise = Array.from(noiseOf(windowsCompared * size), Math.fround);
  const simd = async (options: { hop: number; mode?: 'windowed' }) =>
    (await build(quantPlan(planStream(int8, options)), { target: 'simd' })).wasm;
  const files = {
    'hop.wasm': await simd({ hop }),
    'window.wasm': await simd({ hop, mode: 'windowed' }),
    'model.tflite': tfliteOf(int8),
  };
  const job: PageJob = {
    subjects: [
      { name: 'Runlet simd, a hop', kind: 'runlet', model: '/hop.wasm' },
      { name: 'Runlet simd, the window', kind: 'runlet', model: '/window.wasm' },
      ...engines.map(({ build, ...which }) => ({
        name: `LiteRT.js ${versionOf('litert')}, int8, ${build}`,
        kind: 'litert' as const,
        model: '/model.tflite',
        ...which,
      })),
      { name: `tfjs-tflite ${versionOf('tflite')}, int8`, kind: 'tflite', model: '/model.tflite' },
    ],
    windows: Array.from({ length: windowsCompared }, (_, i) => noise.slice(i * size, (i + 1) * size)),
    shape: [1, shape.t, shape.f, shape.c],
    stored: false,
    scale: quant.scale,
    zeroPoint: quant.zeroPoint,
    rounds,
    ...pace,
  };
  return inChromium(files, job);
}

/** Runs one step of a stateful model over its recorded signal. */
export async function stepInChromium(folder: string, rounds: number): Promise<ChromiumRun> {
  const model = new Uint8Array(readFileSync(join(folder, 'model.tflite')));
  const graph = await readModel(model);
  const { window: hop } = clockOf(graph);
  const x = Array.from(readNpy(new Uint8Array(readFileSync(join(folder, 'audio_okay_nabu_1.in0.npy')))).data);
  const size = hop * frameOf((graph.tensors[graph.inputs[0]?.tensor ?? -1] as { shape: Shape }).shape);
  const files = {
    'hop.wasm': (await build(quantPlan(planStream(graph, { hop })), { target: 'simd' })).wasm,
    'model.tflite': model,
  };
  const job: PageJob = {
    subjects: [
      { name: 'Runlet simd, a step', kind: 'runlet', model: '/hop.wasm' },
      { name: `tfjs-tflite ${versionOf('tflite')}, int8, a step`, kind: 'tflite', model: '/model.tflite' },
    ],
    windows: Array.from({ length: x.length / size }, (_, i) => x.slice(i * size, (i + 1) * size)),
    shape: [1, hop, size / hop],
    stored: true,
    scale: 1,
    zeroPoint: 0,
    rounds,
    ...pace,
  };
  return inChromium(files, job);
}
