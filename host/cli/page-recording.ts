/**
 * A recording as the web page takes it.
 *
 * In: what `openSource` reads, a manifest, what the user says.  Out: files of the page, and the entry of its
 * catalogue: frames of the model as float32, the truth of each where a column has it.
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
    why: 'neither the bundle nor the recording says it',
    tryThis: 'give it with --rate',
  });
}

/**
 * The truth of every frame as the page takes it; undefined, with a line on stderr, where it holds names and
 * nobody said which value of the output is which.
 */
function truthOf({ truth }: Recording, { outputs, labels }: Manifest): Float32Array | undefined {
  if (!truth) return undefined;
  const elements = outputs[0]?.elements ?? 1;
  if (truth.names.length === 0) return Float32Array.from(truth.values);
  const { column, names } = truth;
  const why =
    elements > 1 && !labels ? `--labels with the model's ${elements}, in their order, says which` : 'it does not fit the model';
  process.stderr.write(
    `${printable(`the truth ${column} is left out: it holds names (${names.slice(0, 8).join(', ')}); ${why}`)}\n`,
  );
  return undefined;
}

export interface Known {
  manifest: Manifest;
  rateHz: number | undefined;
  labels: string[] | undefined;
  beats: Beats | undefined;
}

/** The recording, with the beats that a file of the zoo has. */
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

/** @throws RN720 to RN739 */
export async function recordingFiles(data: string, known: Known, options: SignalSaid, files: Files) {
  const { manifest, labels, beats } = known;
  const [input] = manifest.inputs;
  const elements = input?.elements ?? 1;
  const recording = await readData(data, known, options);
  if (options.truth !== undefined && !recording.truth) throw noTruth();
  const rateHz = known.rateHz ?? recording.sampleRateHz;
  if (rateHz === undefined) throw rateNeeded(data);
  const truth = truthOf(recording, { ...manifest, ...(labels && { labels }) });
  const names = recording.columns ?? manifest.columns ?? Array.from({ length: elements }, (_, i) => `${input?.name} ${i}`);
  files.set('recording.f32', bytesOf(recording.signals[0] as Float32Array));
  const there: Partial<DemoEntry> = {};
  if (truth && beats) {
    files.set('script.json', jsonOf(beats.script(truth)));
    there.script = 'script.json';
  } else if (truth) {
    files.set('truth.f32', bytesOf(truth));
    there.truth = { file: 'truth.f32', stepS: 1 / rateHz };
  }
  const classes = (manifest.outputs[0]?.elements ?? 1) > 1;
  const at = options.truthAt ?? manifest.truthAt ?? (classes ? 'majority' : 'end');
  const demo: DemoEntry = {
    title: printable(basename(data)),
    file: 'recording.f32',
    rateHz,
    ...(elements > 1 && { channels: names }),
    ...there,
  };
  // what a window is about is in its middle, unless it is at its end
  return { demo, rateHz, answers: { delayS: at === 'end' ? 0 : manifest.window / 2 / rateHz } };
}
