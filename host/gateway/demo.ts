/**
 * Demo of the gateway: the zoo's heart-rate model, built and signed twice, on its simulated recording as an
 * endless stream.
 *
 * In: a folder.  Out: first.wasm (an output every 64 ticks), next.wasm (an output every 32 ticks) and the key
 * demo.pub, which are created in the folder if they are missing; frames at a multiple of the recording's
 * rate, through the front end of the model. The key pair is new, and its secret key is not stored.
 * Errors: RN873.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { newKeyPair, publicPem } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { RunletError } from '../../models/error.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { manifestFields } from '../command/load.ts';
import { producer } from '../command/producer.ts';
import { ppgFrontEnd } from '../features/ppg.ts';
import { openSource } from '../sources/index.ts';
import { readNpy } from '../sources/npy.ts';
import { zooFolder } from '../zoo-folder.ts';
import type { Intake } from './streams/intake.ts';

const rateHz = 32;
/** Number of ticks in a message: a quarter of a second. */
const messageTicks = 8;

export interface DemoFiles {
  first: string;
  next: string;
  key: string;
}

/** Returns the path of a file of the zoo. @throws RN873 if the zoo is not installed */
function zooFile(path: string): string {
  if (zooFolder) return join(zooFolder, path);
  throw new RunletError('RN873', {
    what: 'the demo has no model',
    where: `models/zoo/${path}`,
    why: 'it is not installed with the program',
    tryThis: 'use `runlet gateway --model BUNDLE` with your own bundle',
  });
}

export interface ZooBundle {
  /** Paths of the float model and its calibration data in the zoo. */
  model: string;
  calib: string;
  hop: number;
  /** The hop for which the model is quantised. */
  quantHop: number;
  version: string;
  sequence: number;
}

/**
 * Builds a bundle of a zoo model for target simd.
 * @returns the bundle, and its calibration data as real values. @throws RN873
 */
export async function zooBundle({ model, calib, hop, quantHop, version, sequence }: ZooBundle) {
  const graph = await readModel(new Uint8Array(await readFile(zooFile(model))), { name: basename(model, '.onnx') });
  const signal = readNpy(new Uint8Array(await readFile(zooFile(calib)))).data as Float32Array;
  const int8 = quantize(graph, signal, { hop: quantHop, noReport: true }).graph;
  const fields = { producer: producer(), target: 'simd' as const, ...manifestFields(graph), version, sequence };
  return { wasm: (await build(quantPlan(planStream(int8, { hop })), fields)).wasm, signal };
}

const ppgHr = { model: 'ppg-hr/ppg-hr.onnx', calib: 'ppg-hr/calib.npy' };

/**
 * Builds a bundle of the zoo's heart-rate model. All hops share one quantisation, so that bundles of
 * different hops agree on common outputs.
 */
export const demoBundle = async (hop: number, version: string, sequence: number): Promise<Uint8Array> =>
  (await zooBundle({ ...ppgHr, hop, quantHop: 64, version, sequence })).wasm;

/** Builds the files of the demo if they are missing. @throws RN873 */
export async function demoFiles(folder: string, say: (text: string) => void): Promise<DemoFiles> {
  const files = { first: join(folder, 'first.wasm'), next: join(folder, 'next.wasm'), key: join(folder, 'demo.pub') };
  if (Object.values(files).every(existsSync)) return files;
  zooFile(ppgHr.model);
  await mkdir(folder, { recursive: true });
  say('building the demo: a heart-rate model, twice');
  const pair = await newKeyPair();
  await writeFile(files.first, await signBundle(await demoBundle(64, '1.0.0', 1), pair));
  await writeFile(files.next, await signBundle(await demoBundle(32, '1.1.0', 2), pair));
  await writeFile(files.key, publicPem(pair));
  return files;
}

/** Returns the recording after the front end. @throws RN873 */
export async function demoSignal(): Promise<Float32Array> {
  const source = await openSource(zooFile('ppg-hr/demo.csv'), { frameElements: 1, columns: ['ppg'], truth: 'bpm_true' });
  const frontEnd = ppgFrontEnd({ sampleRateHz: rateHz });
  const parts: number[] = [];
  for await (const chunk of source.frames) for (const sample of chunk) parts.push(frontEnd.push(sample));
  return Float32Array.from(parts);
}

/** Sends the recording in a loop at `speed` times its rate. @returns a function that stops it. */
export async function demoStream(intake: Intake, stream: string, speed: number): Promise<() => void> {
  const signal = await demoSignal();
  const begunMs = performance.now();
  const first = Date.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - begunMs) * rateHz * speed) / 1000;
    for (; sent + messageTicks <= due; sent += messageTicks) {
      const values = Float32Array.from({ length: messageTicks }, (_, i) => signal[(sent + i) % signal.length] as number);
      const timestampMs = first + (1000 * sent) / rateHz;
      intake.take({ stream, from: sent, timestampMs, bytes: new Uint8Array(values.buffer) });
    }
  }, 50);
  return () => clearInterval(timer);
}
