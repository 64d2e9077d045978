/**
 * Builds and signs a model of the zoo for the load test.
 *
 * In: a name, a folder.  Out: the files of the bundle and of a new key; the calibration data as signal, and
 * its rate.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newKeyPair, publicPem } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { framesNeeded } from '../../assembly/bundle/timing.ts';
import { zooBundle } from '../../host/gateway/demo.ts';
import { openSession } from '../../host/session/index.ts';

/** Model and calibration data in the zoo, hop in frames, and rate of the signal. */
const models = {
  'ppg-hr': { model: 'ppg-hr/ppg-hr.onnx', calib: 'ppg-hr/calib.npy', hop: 64, rateHz: 32 },
  har: { model: 'har/har-watch.onnx', calib: 'har/calib-watch.npy', hop: 8, rateHz: 50 },
  kws: { model: 'kws/kws.onnx', calib: 'kws/calib.npy', hop: 2, rateHz: 50 },
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
  /** Number of frames until the first output. */
  firstOutputTicks: number;
}

export async function loadModel(name: LoadModel, folder: string): Promise<LoadedModel> {
  const { model, calib, hop, rateHz } = models[name];
  const { wasm, signal } = await zooBundle({ model, calib, hop, quantHop: hop, version: '1.0.0', sequence: 1 });
  const pair = await newKeyPair();
  const files = { bundle: join(folder, `${name}.wasm`), key: join(folder, `${name}.pub`) };
  writeFileSync(files.bundle, await signBundle(wasm, pair));
  writeFileSync(files.key, publicPem(pair));
  const { manifest, frameElements } = await openSession(wasm as BufferSource);
  return { ...files, signal, frameElements, rateHz, hop, firstOutputTicks: framesNeeded(manifest) };
}
