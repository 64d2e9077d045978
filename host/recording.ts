/**
 * Reads a whole recording into memory: all frames, and the facts that its file states.
 *
 * In: a graph and a file. For a model with several inputs: several files, separated by commas.
 * Out: one signal `[frames][f][c]` per input, column names, sample rate, and the truth of each frame if a
 * column holds it.  Errors: RN720 to RN739 if the recording cannot be read.
 */

import { clockOf } from '../models/graph/clock.ts';
import { frameOf, type Graph } from '../models/graph/types.ts';
import { join, minOf } from '../models/lists.ts';
import { labelsIn } from '../models/read/detection.ts';
import { knownColumns } from './model-fields.ts';
import type { Session } from './session/index.ts';
import { openSource } from './sources/index.ts';
import { openEach } from './sources/several.ts';
import type { Source, SourceOptions } from './sources/source.ts';

export interface Truth {
  column: string;
  /** f64 [frames]: a number, an index into `names` or into the model's labels, or NaN if it is unknown. */
  values: Float64Array;
  /** Class names, in order of first appearance; only for a column of names and a model without labels. */
  names: string[];
}

export interface Recording {
  describe: string;
  signals: Float32Array[];
  /** Names of the elements of a frame, for a model with one input, if the file names its columns. */
  columns?: string[];
  /** Frames per second, for a model with one input, if the file states it. */
  sampleRateHz?: number;
  truth?: Truth;
}

export type RecordingOptions = Pick<SourceOptions, 'channel' | 'columns' | 'truth' | 'labels' | 'sampleRateHz'>;

/** The graph's inputs in the form that sources take. */
export const inputsOf = (graph: Graph) => {
  const { rates } = clockOf(graph);
  return graph.inputs.map(({ name, tensor }, i) => ({
    name,
    elements: frameOf(graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 }),
    rate: rates[i] as number,
  }));
};

/** Yields a recording hop by hop, as a session takes it: ticks [at, end) of each input. */
export function* hopsOf<A extends Float32Array | Int8Array | Int16Array>({ manifest, hop }: Session, signals: readonly A[]) {
  const perTick = manifest.inputs.map(({ elements, rate = 1 }) => elements * rate);
  const ticks = minOf(signals.map((data, i) => Math.floor(data.length / (perTick[i] as number))));
  for (let at = 0; at < ticks; at += hop) {
    const end = Math.min(ticks, at + hop);
    const parts = signals.map((data, i) => data.subarray(at * (perTick[i] as number), end * (perTick[i] as number)) as A);
    yield { at, end, parts };
  }
}

async function whole(frames: AsyncIterable<Float32Array>): Promise<Float32Array> {
  const chunks: Float32Array[] = [];
  for await (const chunk of frames) chunks.push(chunk);
  return join(Float32Array, chunks);
}

/** Returns what a source knows in addition to its frames. Call it after all frames are read. */
const factsOf = ({ describe, names, named, sampleRateHz, truth, truthName, truthNames }: Source): Omit<Recording, 'signals'> => ({
  describe,
  ...(named && names && { columns: names }),
  ...(sampleRateHz !== undefined && { sampleRateHz }),
  ...(truth && { truth: { column: truthName ?? 'truth', values: truth.view().slice(), names: truthNames ?? [] } }),
});

/** Reads a recording for one input. @param known names of the columns that make up a frame. */
export async function readFrames(
  frameElements: number,
  known: string[] | undefined,
  spec: string,
  options: RecordingOptions,
): Promise<Recording> {
  const source = await openSource(spec, {
    ...options,
    frameElements,
    checkTime: true,
    guessTruth: true,
    ...(known && { known }),
  });
  const signals = [await whole(source.frames)];
  return { ...factsOf(source), signals };
}

export async function readRecording(graph: Graph, spec: string, options: RecordingOptions): Promise<Recording> {
  const inputs = inputsOf(graph);
  const [only] = inputs;
  if (inputs.length > 1 || !only) {
    const sources = await openEach(inputs, spec.split(','), {});
    const signals: Float32Array[] = [];
    for (const source of sources) signals.push(await whole(source.frames));
    return { signals, describe: sources.map(({ describe }) => describe).join('; ') };
  }
  return readFrames(only.elements, knownColumns(graph), spec, { ...options, labels: options.labels ?? labelsIn(graph.metadata) });
}
