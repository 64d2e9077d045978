/**
 * kws as the evaluation and the demo run it: the zoo's files, the front end, sessions.
 *
 * In: models/zoo/kws (ONNX, calibration rows).  Out: an int8 graph, a module that takes sound, and what its
 * numbers mean. A row of features is int8 [40], 50 rows a second.
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
export const stepSamples = 320;
export const rateHz = 16000;
/** Seconds from one output to the next. */
export const hopSeconds = (hop * stepSamples) / rateHz;
export const frontEnd = makeFrontEnd({ ...presetParameters('log-mel'), stepSamples });

/** Sample after the last one that output n has seen. */
export const endSample = (n: number): number => (n * hop + rows - 1) * stepSamples + frontEnd.windowSamples;

/** What a stored feature stands for. */
export const realRows = (stored: Int8Array): Float32Array =>
  Float32Array.from(stored, (q) => frontEnd.output.scale * (q - frontEnd.output.zeroPoint));

export const readFloat = (file: string): Promise<Graph> => readZooModel('kws', file);

export const calibration = (): Float32Array => zooArray('kws', 'calib.npy').data as Float32Array;

export const toInt8 = (graph: Graph): Graph => zooInt8(graph, hop, calibration());

/** int16 PCM of a 16 kHz mono WAV file of 16 bits, as the zoo's demo.wav is. */
export function readWav(path: string): Int16Array {
  const bytes = readFileSync(path);
  if (bytes.toString('latin1', 36, 40) !== 'data' || bytes.readUInt32LE(24) !== rateHz || bytes.readUInt16LE(34) !== 16)
    throw new Error(`${path}: not a plain WAV file of 16 kHz, 16 bits, mono`);
  return Int16Array.from({ length: (bytes.length - 44) >> 1 }, (_, i) => bytes.readInt16LE(44 + 2 * i));
}

/** One module from sound to scores: front end and network, streamed. */
export async function openSound(int8: Graph, options: BuildOptions = {}): Promise<{ session: Session; bundle: Bundle }> {
  const bundle = await build(quantPlan(planStream(int8, { hop })), { ...options, frontEnd });
  return { session: await openSession(bundle.wasm as BufferSource), bundle };
}
