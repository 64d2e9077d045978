/**
 * Converts a recording to the form that the web page takes.
 *
 * In: a source that `openSource` reads, a manifest, the user's options.  Out: files of the page, and the
 * entry in its catalogue: frames of the model as float32, and the truth of each frame if a column holds it.
 */
import { basename } from 'node:path';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import type { labelsArg, signalArgs, truthArgs } from '../command/model-options.ts';
import type { Given } from '../command/options.ts';
import { type Recording, readFrames } from '../recording.ts';
import { noTruth } from '../sources/source.ts';
import type { DemoEntry } from '../web/protocol.ts';
import { type Beats, beatColumn } from './page-beats.ts';

export type Files = Map<string, Uint8Array | string>;

export type SignalSaid = Given<typeof signalArgs & typeof truthArgs & typeof labelsArg>;

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
export const jsonOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function rateNeeded(path: string): RunletError {
  return new RunletError('RN739', {
    what: 'the sample rate is unknown',
    where: path,
    why: 'neither the bundle nor the recording states it',
    tryThis: 'give it with --rate',
  });
}

/**
 * Returns the truth of every frame. If it holds names and the order of the labels is unknown, prints a notice
 * and returns undefined.
 */
function truthOf({ truth }: Recording, { outputs, labels }: Manifest): Float32Array | undefined {
  if (!truth) return undefined;
  const elements = outputs[0]?.elements ?? 1;
  if (truth.names.length === 0) return Float32Array.from(truth.values);
  const { column, names } = truth;
  const why =
    elements > 1 && !labels ? `give the model's ${elements} labels in order with --labels` : 'they do not fit the model';
  process.stderr.write(
    `${printable(`the truth in column ${column} is not used: it holds names (${names.slice(0, 8).join(', ')}); ${why}`)}\n`,
  );
  return undefined;
}

export interface Known {
  manifest: Manifest;
  rateHz: number | undefined;
  labels: string[] | undefined;
  beats: Beats | undefined;
  /** Prefix of the names of the model's files. */
  folder: string;
}

/** Reads the recording; for the zoo's ECG model also the beats, if the file has them. */
async function readData(data: string, { manifest, labels, rateHz, beats }: Known, { columns, channel, truth }: SignalSaid) {
  const [input] = manifest.inputs;
  const elements = input?.elements ?? 1;
  const read = (column: string | undefined) =>
    readFrames(elements, manifest.columns ?? (elements === 1 ? [input?.name ?? ''] : undefined), data, {
      columns,
      channel,
      truth: column,
      labels,
      sampleRateHz: rateHz,
    });
  if (truth !== undefined || !beats || !/\.csv$/i.test(data)) return read(truth);
  try {
    return await read(beatColumn);
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN726') return read(undefined);
    throw error;
  }
}

/** Adds the files of a recording to `files`; returns the entry of the catalogue. @throws RN720 to RN739 */
export async function recordingFiles(data: string, known: Known, options: SignalSaid, files: Files) {
  const { manifest, labels, beats, folder } = known;
  const [input] = manifest.inputs;
  const elements = input?.elements ?? 1;
  const recording = await readData(data, known, options);
  if (options.truth !== undefined && !recording.truth) throw noTruth();
  const rateHz = known.rateHz ?? recording.sampleRateHz;
  if (rateHz === undefined) throw rateNeeded(data);
  const truth = truthOf(recording, { ...manifest, ...(labels && { labels }) });
  const names = recording.columns ?? manifest.columns ?? Array.from({ length: elements }, (_, i) => `${input?.name} ${i}`);
  files.set(`${folder}recording.f32`, bytesOf(recording.signals[0] as Float32Array));
  const truthEntry: Partial<DemoEntry> = {};
  if (truth && beats) {
    files.set(`${folder}script.json`, jsonOf(beats.script(truth)));
    truthEntry.script = `${folder}script.json`;
  } else if (truth) {
    files.set(`${folder}truth.f32`, bytesOf(truth));
    truthEntry.truth = { file: `${folder}truth.f32`, stepS: 1 / rateHz };
  }
  const classes = (manifest.outputs[0]?.elements ?? 1) > 1;
  const at = options.truthAt ?? manifest.truthAt ?? (classes ? 'majority' : 'end');
  const demo: DemoEntry = {
    title: printable(basename(data)),
    file: `${folder}recording.f32`,
    rateHz,
    ...(elements > 1 && { channels: names }),
    ...truthEntry,
  };
  // an answer belongs to the middle of its window, unless the truth is at the end
  return { demo, rateHz, answers: { delayS: at === 'end' ? 0 : manifest.window / 2 / rateHz } };
}
