/**
 * The model kws for its evaluation and its demo: files of the zoo, front end, sessions.
 *
 * In: models/zoo/kws (ONNX, calibration rows).  Out: an int8 graph, a module that takes sound, and constants
 * of the model. A row of features is int8 [40], 50 rows per second.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, type Bundle, build } from '../../assembly/build.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { openSession, type Session } from '../session/index.ts';
import { readFloat as readZooModel, root, zooArray, toInt8 as zooInt8 } from './zoo.ts';

export { root };
export const zoo = join(root, 'models/zoo/kws');
export const hop = 2;
export const rows = 49;
export const channels = 40;
const stepSamples = 320;
export const rateHz = 16000;
export const rowsPerSecond = rateHz / stepSamples;
/** What the names of the networks of each size end in. */
export const sizes = ['', '-small', '-tiny'];
/** Seconds from one output to the next. */
export const hopSeconds = (hop * stepSamples) / rateHz;
export const frontEnd = makeFrontEnd({ ...presetParameters('log-mel'), stepSamples });

/** Index of the first sample after the window of output n. */
export const endSample = (n: number): number => (n * hop + rows - 1) * stepSamples + frontEnd.windowSamples;

/** Real values of stored features. */
export const realRows = (stored: Int8Array): Float32Array =>
  Float32Array.from(stored, (q) => frontEnd.output.scale * (q - frontEnd.output.zeroPoint));

export const readFloat = (file: string): Promise<Graph> => readZooModel('kws', file);

const calibration = (): Float32Array => zooArray('kws', 'calib.npy').data as Float32Array;

export const toInt8 = (graph: Graph): Graph => zooInt8(graph, hop, calibration());

/** Reads int16 PCM from a mono WAV file of 16 kHz and 16 bits, such as the zoo's demo.wav. */
export function readWav(path: string): Int16Array {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 36, 40) !== 'data' || bytes.readUInt32LE(24) !== rateHz || bytes.readUInt16LE(34) !== 16)
    throw new Error(`${path}: not a plain WAV file of 16 kHz, 16 bits, mono`);
  return Int16Array.from({ length: (bytes.length - 44) >> 1 }, (_, i) => bytes.readInt16LE(44 + 2 * i));
}

/** Builds and opens one module with front end and network, from sound to scores. */
export async function openSound(int8: Graph, options: BuildOptions = {}): Promise<{ session: Session; bundle: Bundle }> {
  const bundle = await build(quantPlan(planStream(int8, { hop })), { ...options, frontEnd });
  return { session: await openSession(bundle.wasm as BufferSource), bundle };
}
