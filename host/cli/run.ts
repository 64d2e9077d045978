/**
 * runlet run <bundle.wasm> <source>: runs a bundle over a signal.
 *
 * In: a bundle and a source (host/sources).  Out: into a pipe, a line of JSON per output, and with --json a closing summary;
 * on a terminal, a live line, then a small plot and a summary. --plot writes an SVG of the whole run. What the warm-up holds back and
 * what gaps the signal has stands on stderr.
 */
import { type ArgsDef, defineCommand, type ParsedArgs } from 'citty';
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { Live } from '../report/live.ts';
import { type GapCount, Recorder } from '../report/recorder.ts';
import { braillePlot } from '../report/sparkline.ts';
import { summaryText } from '../report/summary.ts';
import { gapPolicies } from '../session/gap.ts';
import { openSession, type Session } from '../session/index.ts';
import { GapList, present } from '../sources/gaps.ts';
import { openSource, type SourceOptions } from '../sources/index.ts';
import { openSeveral } from '../sources/several.ts';
import { formats } from '../sources/source.ts';
import { badOption, choiceOption, coloursFor, jsonArg, numberOption, output, printJson } from './args.ts';
import { drive } from './drive.ts';
import { openFrontEnd, prepared } from './front-end.ts';
import { readBytes } from './load.ts';
import { writeOut } from './save.ts';

const args = {
  bundle: { type: 'positional', description: 'The .wasm file that build wrote', required: true },
  source: {
    type: 'positional',
    description:
      'A .csv, .wav, .npy or .npz file, - for standard input, or gen:sine?freq=1 (sine chirp noise steps ecg ppg); several inputs: one each, in order or as name=source, or one .npz',
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
  gap: {
    type: 'string',
    description: 'Lost frames (empty or NaN, or a jump of the time column): begin again, repeat the last, or 0',
    valueHint: gapPolicies.join('|'),
  },
  time: {
    type: 'string',
    description: 'CSV column with the time of each row (with --gap; none: no such column)',
    valueHint: 'column',
  },
  'time-unit': {
    type: 'string',
    description: 'Unit of the time column (default: by its name or its first step)',
    valueHint: 's|ms',
  },
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

const seconds = (frames: number, rateHz?: number): string => (rateHz ? ` (${Number((frames / rateHz).toPrecision(4))} s)` : '');

function warmUpText(session: Session, rateHz: number | undefined): string {
  const { warmUpHops } = session.manifest;
  const { framesLeft } = session.warmUp;
  const outputs = `${warmUpHops} output${warmUpHops > 1 ? 's are' : ' is'}`;
  return `warm-up: ${outputs} held back; the first to come is number ${warmUpHops}, after ${framesLeft} frames${seconds(framesLeft, rateHz)}`;
}

function gapsText({ policy, count, frames, outputsLeftOut }: GapCount, rateHz: number | undefined): string {
  const left = outputsLeftOut > 0 ? `; ${outputsLeftOut} outputs inside them repeat and were left out` : '';
  return `gaps: ${count}, ${frames} lost frames${seconds(frames, rateHz)}, policy ${policy}${left}`;
}

async function savePlot(path: string, recorder: Recorder): Promise<void> {
  const { plotRun } = await import('../report/plot.ts');
  const svg = await plotRun(recorder.plot());
  await writeOut(path, svg);
  process.stderr.write(`wrote ${path}\n`);
}

const inputsOf = ({ inputs }: Manifest) => inputs.map(({ name, elements, rate = 1 }) => ({ name, elements, rate }));

/** What run does with one input only. @throws RN741 */
function checkSeveral(options: Options, manifest: Manifest): void {
  const frontEnd = options['front-end'] ?? manifest.frontEnd ?? 'none';
  const names: string[] = (['gap', 'time', 'truth', 'array'] as const).filter((name) => options[name] !== undefined);
  if (frontEnd !== 'none') names.push('front-end');
  if (names.length > 0)
    throw new RunletError('RN741', {
      what: `${names.map((n) => `--${n}`).join(' and ')} cannot be used with several inputs`,
      where: options.bundle,
      why: `the model has ${manifest.inputs.length}`,
      tryThis: 'prepare the signals beforehand, or use the session from a program (runlet/session)',
    });
}

async function run(options: Options): Promise<void> {
  const limit = numberOption('limit', options.limit, { min: 1, whole: true }) ?? Number.POSITIVE_INFINITY;
  const givenRate = numberOption('rate', options.rate, { min: 1e-6, max: 1e9 });
  const truthAt = choiceOption('truth-at', options['truth-at'], ['mean', 'end']);
  const policy = choiceOption('gap', options.gap, gapPolicies);
  const unit = choiceOption('time-unit', options['time-unit'], ['s', 'ms']);
  if (!policy && options.time !== undefined) throw badOption('time', options.time, '--gap reset, hold or zero with it');
  const sourceOptions: SourceOptions = {
    frameElements: 1,
    columns: options.columns?.split(',').map((name) => name.trim()),
    header: options.header,
    truth: options.truth,
    channel: options.channel,
    array: options.array,
    row: numberOption('row', options.row, { min: 0, whole: true }),
    format: choiceOption('format', options.format, formats),
    gain: numberOption('gain', options.gain),
  };
  const session = await openSession((await readBytes(options.bundle)) as BufferSource);
  const { manifest } = session;
  const [input] = manifest.inputs as [PortManifest];
  const several = manifest.inputs.length > 1;
  if (several) checkSeveral(options, manifest);
  else if (options._.length > 2)
    throw new RunletError('RN741', {
      what: 'run takes a bundle and one source',
      where: options._.slice(2).join(' '),
      tryThis: 'runlet run --help',
    });
  const frontEndName = options['front-end'] ?? manifest.frontEnd ?? 'none';
  const expectedHz = manifest.sampleRateHz ?? givenRate;
  const one = several
    ? undefined
    : await openSource(options.source, {
        ...sourceOptions,
        frameElements: input.elements,
        sampleRateHz: expectedHz,
        labels: manifest.labels,
        gaps: frontEndName !== 'none' || policy !== undefined,
        time: policy && { column: options.time, unit },
      });
  const source =
    one ?? (await openSeveral(inputsOf(manifest), options._.slice(1), { ...sourceOptions, sampleRateHz: expectedHz }));
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
  const gaps = policy && new GapList();
  if (one && gaps) one.frames = present(one.frames, input.elements, one.jumps, gaps);
  if (one && frontEndName !== 'none') {
    const frontEnd = await openFrontEnd(frontEndName, rateHz, input.elements);
    one.frames = prepared(one.frames, frontEnd, policy === 'reset' ? gaps : undefined);
  }
  const recorder = new Recorder({
    manifest,
    source: source.describe,
    rateHz,
    keepInput: options.plot !== undefined,
    inputNames: source.names,
    truthName: options.truth,
    truthAt,
    jumps: source.jumps,
  });
  const onTerminal = Boolean(process.stdout.isTTY) && !options.json;
  if (manifest.warmUpHops > 0) process.stderr.write(`${warmUpText(session, rateHz)}\n`);
  const live = onTerminal
    ? await Live.start({ totalFrames: source.totalFrames, rateHz, unit: manifest.unit, stream: process.stderr })
    : undefined;
  const { realtime, real } = options;
  let facts: Awaited<ReturnType<typeof drive>>;
  try {
    facts = await drive({ session, source, recorder, live, rateHz, realtime, real, limit, gaps: gaps && { policy, list: gaps } });
  } finally {
    live?.stop();
  }
  const summary = recorder.summary(facts);
  if (summary.gaps && !output.closed) process.stderr.write(`${gapsText(summary.gaps, rateHz)}\n`);
  if (options.json && !output.closed) printJson({ summary });
  if (onTerminal) {
    const first = recorder.outputs[0];
    if (first && first.length > 1 && !recorder.classes) {
      const columns = Math.max(20, Math.min(72, (process.stdout.columns ?? 80) - 14));
      const { cyan } = coloursFor(process.stdout);
      for (const line of braillePlot(first.view(), { columns, rows: 4, unit: manifest.unit }))
        process.stdout.write(`${cyan(line)}\n`);
    }
    process.stdout.write(`${source.describe}\n${summaryText(summary, manifest.unit)}\n`);
  } else if (!options.json && !output.closed)
    process.stderr.write(`${source.describe}\n${summaryText(summary, manifest.unit)}\n`);
  if (options.plot !== undefined) await savePlot(options.plot, recorder);
}

export default defineCommand({
  meta: { name: 'run', description: 'Run a bundle over a signal: CSV, WAV, NPY, NPZ, standard input or made up' },
  args,
  run: ({ args: options }) => run(options as Options),
});
