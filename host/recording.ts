/**
 * A recording that a verb goes by: all of its frames, and what it says of itself.
 *
 * In: a graph and a file (or several, with commas between them, for a model of several inputs).  Out: signals
 * `[frames][f][c]` an input, the names and the rate of its columns, the truth per frame where one column
 * holds it.  RN720 to RN739 where it cannot be read.
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
  /** A frame each: a number, an index of `names` or of the model's labels, or NaN. */
  values: Float64Array;
  /**
   * Names of classes in the order in which they come, where the model has no labels and the column holds
   * names.
   */
  names: string[];
}

export interface Recording {
  describe: string;
  signals: Float32Array[];
  /** Of a frame of the only input, where the file names its columns. */
  columns?: string[];
  /** Frames of the only input a second, where the file says it. */
  sampleRateHz?: number;
  truth?: Truth;
}

export type RecordingOptions = Pick<SourceOptions, 'channel' | 'columns' | 'truth' | 'labels' | 'sampleRateHz'>;

/** Inputs as sources take them. */
export const inputsOf = (graph: Graph) => {
  const { rates } = clockOf(graph);
  return graph.inputs.map(({ name, tensor }, i) => ({
    name,
    elements: frameOf(graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 }),
    rate: rates[i] as number,
  }));
};

/** A recording hop by hop, as a session is pushed: ticks [at, end) of each input. */
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

/** What one source knew beside its frames, once they are read. */
const factsOf = ({ describe, names, named, sampleRateHz, truth, truthName, truthNames }: Source): Omit<Recording, 'signals'> => ({
  describe,
  ...(named && names && { columns: names }),
  ...(sampleRateHz !== undefined && { sampleRateHz }),
  ...(truth && { truth: { column: truthName ?? 'truth', values: truth.view().slice(), names: truthNames ?? [] } }),
});

/** A recording for an input. @param known names that its columns may have. */
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
