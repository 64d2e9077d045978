/**
 * runlet run <bundle.wasm> <source>: runs a bundle over a signal.
 *
 * In: a bundle and a source (host/sources).  Out: into a pipe, a line of JSON per output, and with --json a closing summary;
 * on a terminal, a live line, then a small plot and a summary. --plot writes an SVG of the whole run.
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ArgsDef, defineCommand, type ParsedArgs } from 'citty';
import { RunletError } from '../../models/error.ts';
import { Live } from '../report/live.ts';
import { Recorder } from '../report/recorder.ts';
import { braillePlot } from '../report/sparkline.ts';
import { summaryText } from '../report/summary.ts';
import { openSession, type Session } from '../session/index.ts';
import type { Frames } from '../session/quantise.ts';
import { openSource, type Source, type SourceOptions } from '../sources/index.ts';
import { choiceOption, coloursFor, jsonArg, numberOption, output, print, printJson } from './args.ts';
import { openFrontEnd, prepared } from './front-end.ts';
import { readBytes } from './load.ts';

const args = {
  bundle: { type: 'positional', description: 'The .wasm file that build wrote', required: true },
  source: {
    type: 'positional',
    description: 'A .csv, .wav, .npy or .npz file, - for standard input, or gen:sine?freq=1 (sine chirp noise steps ecg ppg)',
    required: true,
  },
  realtime: { type: 'boolean', description: 'Pace the signal by its sample rate instead of running as fast as possible' },
  limit: { type: 'string', description: 'Stop after this many outputs', valueHint: 'n' },
  plot: { type: 'string', description: 'Write an SVG of input and output', valueHint: 'out.svg' },
  truth: { type: 'string', description: 'CSV column with the truth (gen:ecg and gen:ppg: bpm)', valueHint: 'column' },
  'truth-at': {
    type: 'string',
    description: "Truth of an output: at its window's end (default), or the mean over the window",
    valueHint: 'end|mean',
  },
  columns: { type: 'string', description: 'CSV columns to use, names or indexes from 0', valueHint: 'a,b' },
  header: { type: 'boolean', description: 'The first line of the CSV is a header (guessed otherwise)' },
  channel: { type: 'string', description: 'WAV channel from 0, or mix', valueHint: 'n|mix' },
  array: { type: 'string', description: 'Array of an .npz file', valueHint: 'name' },
  row: { type: 'string', description: 'Take this index of the first axis of an array', valueHint: 'n' },
  format: { type: 'string', description: 'What comes through standard input', valueHint: 'text|csv|f32|s16' },
  gain: { type: 'string', description: 'Multiply every value, for example 32768', valueHint: 'x' },
  real: { type: 'boolean', description: 'Values are real numbers, also where the model takes int8 or uint8' },
  rate: { type: 'string', description: 'Frames a second, where neither bundle nor source says', valueHint: 'Hz' },
  'front-end': { type: 'string', description: "Prepare the samples: ppg or none (default: the bundle's)", valueHint: 'name' },
  ...jsonArg,
} as const satisfies ArgsDef;

type Options = ParsedArgs<typeof args>;

/** Stored numbers of a source as the array that a port of type int8 or uint8 takes. @throws RN708 */
function storedValues(chunk: Float32Array, type: 'int8' | 'uint8'): Frames {
  const [min, max] = type === 'int8' ? [-128, 127] : [0, 255];
  const bad = chunk.find((x) => !Number.isInteger(x) || x < min || x > max);
  if (bad !== undefined)
    throw new RunletError('RN708', {
      what: `${bad} is no ${type}`,
      where: 'source',
      why: `the model takes ${type}, whole numbers from ${min} to ${max}`,
      tryThis: 'give quantised values, or --real for real ones',
    });
  return type === 'int8' ? Int8Array.from(chunk) : Uint8Array.from(chunk);
}

/** The shortest number that is the same float32: 0.1, not 0.10000000149011612. */
export function shortFloat(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return x;
}

/** Fields of the JSON line of the latest output. */
function outputLine(session: Session, recorder: Recorder, rateHz: number | undefined) {
  const n = session.outputIndex;
  const startFrame = n * session.hop;
  const endFrame = startFrame + session.window;
  const all = session.manifest.outputs.map((_, which) => Array.from(session.output(which), shortFloat));
  return {
    n,
    startFrame,
    endFrame,
    timeS: rateHz && endFrame / rateHz,
    output: all[0],
    outputs: all.length > 1 ? all : undefined,
    label: recorder.label(session.output()),
  };
}

interface RunParts {
  session: Session;
  source: Source;
  recorder: Recorder;
  live?: Live;
  rateHz?: number;
  options: Options;
  limit: number;
}

/** Runs the whole source; JSON lines go to stdout where there is no live line. */
async function drive({ session, source, recorder, live, rateHz, options, limit }: RunParts): Promise<void> {
  const { hop } = session;
  const hostType = session.manifest.inputs[0]?.hostType;
  const start = performance.now();
  let hopMs = 0;
  for await (const chunk of source.frames) {
    const frames = hostType === 'float32' || hostType === undefined || options.real ? chunk : storedValues(chunk, hostType);
    const count = session.framesIn(frames);
    let lines = '';
    for (let from = 0, take = 0; from < count; from += take) {
      // Up to the next hop, so that a hop's time is that of one or more whole pushes.
      take = Math.min(hop - (session.framesPushed % hop), count - from);
      if (options.realtime && rateHz) {
        const wait = start + (1000 * (session.framesPushed + take)) / rateHz - performance.now();
        if (wait > 1) await sleep(wait);
      }
      const before = performance.now();
      const due = session.pushPart(frames, from, take);
      const ms = performance.now() - before;
      hopMs += ms;
      recorder.frames(chunk, from, take, ms);
      if (session.framesPushed % hop === 0) {
        recorder.hop(hopMs);
        hopMs = 0;
      }
      if (due) {
        const startFrame = session.outputIndex * hop;
        const latest = session.output();
        recorder.output(latest, startFrame, startFrame + session.window, source.truth);
        if (live && recorder.outputs[0]) live.output(recorder.label(latest), latest[0] as number, recorder.outputs[0]);
        if (!live) lines += `${JSON.stringify(outputLine(session, recorder, rateHz))}\n`;
      }
      if (options.realtime) {
        live?.progress(session.framesPushed);
        if (lines) await print(lines);
        lines = '';
      }
      if (recorder.count >= limit) break;
    }
    live?.progress(session.framesPushed);
    if (lines) await print(lines);
    if (recorder.count >= limit || output.closed) return;
  }
}

async function savePlot(path: string, recorder: Recorder): Promise<void> {
  const { plotRun } = await import('../report/plot.ts');
  const svg = await plotRun(recorder.plot());
  await writeFile(path, svg);
  process.stderr.write(`wrote ${path}\n`);
}

async function run(options: Options): Promise<void> {
  if (options._.length > 2)
    throw new RunletError('RN741', {
      what: 'run takes a bundle and one source',
      where: options._.slice(2).join(' '),
      tryThis: 'runlet run --help',
    });
  const limit = numberOption('limit', options.limit, { min: 1, whole: true }) ?? Number.POSITIVE_INFINITY;
  const givenRate = numberOption('rate', options.rate, { min: 1e-6, max: 1e9 });
  const truthAt = choiceOption('truth-at', options['truth-at'], ['mean', 'end']);
  const sourceOptions: SourceOptions = {
    frameElements: 1,
    columns: options.columns?.split(',').map((name) => name.trim()),
    header: options.header,
    truth: options.truth,
    channel: options.channel,
    array: options.array,
    row: numberOption('row', options.row, { min: 0, whole: true }),
    format: choiceOption('format', options.format, ['text', 'csv', 'f32', 's16']),
    gain: numberOption('gain', options.gain),
  };
  const session = await openSession((await readBytes(options.bundle)) as BufferSource);
  const { manifest } = session;
  const input = manifest.inputs[0];
  if (!input || manifest.inputs.length > 1)
    throw new RunletError('RN706', {
      what: `run feeds one input, and this model has ${manifest.inputs.length}`,
      where: options.bundle,
      tryThis: 'use the session from a program (docs: runlet/session)',
    });
  const frontEndName = options['front-end'] ?? manifest.frontEnd ?? 'none';
  const expectedHz = manifest.sampleRateHz ?? givenRate;
  const source = await openSource(options.source, {
    ...sourceOptions,
    frameElements: input.elements,
    sampleRateHz: expectedHz,
    labels: manifest.labels,
    gaps: frontEndName !== 'none',
  });
  const rateHz = expectedHz ?? source.sampleRateHz;
  if (options.realtime && rateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: '--realtime',
      why: 'neither the bundle nor the source says it',
      tryThis: 'give it with --rate',
    });
  if (options.truth !== undefined && !source.truth)
    throw new RunletError('RN721', {
      what: 'this source has no truth',
      where: '--truth',
      why: 'only CSV columns, gen:ecg and gen:ppg have',
      tryThis: 'leave out --truth, or put signal and truth into one CSV file',
    });
  if (frontEndName !== 'none') source.frames = prepared(source.frames, await openFrontEnd(frontEndName, rateHz, input.elements));
  const recorder = new Recorder({
    manifest,
    source: source.describe,
    rateHz,
    keepInput: options.plot !== undefined,
    inputNames: source.names,
    truthName: options.truth,
    truthAt,
  });
  const onTerminal = Boolean(process.stdout.isTTY) && !options.json;
  const { unit } = manifest;
  const live = onTerminal
    ? await Live.start({ totalFrames: source.totalFrames, rateHz, unit, stream: process.stderr })
    : undefined;
  try {
    await drive({ session, source, recorder, live, rateHz, options, limit });
  } finally {
    live?.stop();
  }
  const summary = recorder.summary();
  if (options.json && !output.closed) printJson({ summary });
  if (onTerminal) {
    const first = recorder.outputs[0];
    if (first && first.length > 1 && !recorder.classes) {
      const columns = Math.max(20, Math.min(72, (process.stdout.columns ?? 80) - 14));
      const { cyan } = coloursFor(process.stdout);
      for (const line of braillePlot(first.view(), { columns, rows: 4, unit })) process.stdout.write(`${cyan(line)}\n`);
    }
    process.stdout.write(`${source.describe}\n${summaryText(summary, unit)}\n`);
  } else if (!options.json && !output.closed) process.stderr.write(`${source.describe}\n${summaryText(summary, unit)}\n`);
  if (options.plot !== undefined) await savePlot(options.plot, recorder);
}

export default defineCommand({
  meta: { name: 'run', description: 'Run a bundle over a signal: CSV, WAV, NPY, NPZ, standard input or made up' },
  args,
  run: ({ args: options }) => run(options as Options),
});
