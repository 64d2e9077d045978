/**
 * The zoo's models as the load test serves them: built, signed, and with a signal.
 *
 * In: a name, a folder.  Out: the bundle's file and the key's; its calibration data as an endless signal, at its own rate. The key is made on the spot.
 */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { newKeyPair, publicPem } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { manifestFields } from '../../host/cli/load.ts';
import { producer } from '../../host/cli/producer.ts';
import { openSession } from '../../host/session/index.ts';
import { readNpy } from '../../host/sources/npy.ts';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';

const zoo = join(import.meta.dirname, '../../models/zoo');

/** Model and calibration data in the zoo, and frames between two outputs. */
const models = {
  'ppg-hr': { file: 'ppg-hr/ppg-hr.onnx', calib: 'ppg-hr/calib.npy', hop: 64, rateHz: 32 },
  har: { file: 'har/har-watch.onnx', calib: 'har/calib-watch.npy', hop: 8, rateHz: 50 },
  kws: { file: 'kws/kws.onnx', calib: 'kws/calib.npy', hop: 2, rateHz: 50 },
};
export type LoadModel = keyof typeof models;
export const loadModels = Object.keys(models) as LoadModel[];

export interface LoadedModel {
  bundle: string;
  key: string;
  /** Real values, [frame][element]. */
  signal: Float32Array;
  frameElements: number;
  rateHz: number;
  hop: number;
  /** Frames that the first output takes. */
  firstOutputTicks: number;
}

export async function loadModel(name: LoadModel, folder: string): Promise<LoadedModel> {
  const { file, calib, hop, rateHz } = models[name];
  const graph = await readModel(new Uint8Array(await readFile(join(zoo, file))), { name });
  const signal = readNpy(new Uint8Array(await readFile(join(zoo, calib)))).data as Float32Array;
  const int8 = quantize(graph, signal, { hop, noReport: true }).graph;
  const fields = { producer: producer(), target: 'simd' as const, ...manifestFields(graph), version: '1.0.0', sequence: 1 };
  const { wasm } = await build(quantPlan(planStream(int8, { hop })), fields);
  const pair = await newKeyPair();
  const files = { bundle: join(folder, `${name}.wasm`), key: join(folder, `${name}.pub`) };
  writeFileSync(files.bundle, await signBundle(wasm, pair));
  writeFileSync(files.key, publicPem(pair));
  const { window, manifest, frameElements } = await openSession(wasm as BufferSource);
  const firstOutputTicks = window + manifest.delayFrames + manifest.warmUpHops * hop;
  return { ...files, signal, frameElements, rateHz, hop, firstOutputTicks };
}
