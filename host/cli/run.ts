/**
 * runlet run <bundle.wasm> <source>: runs a bundle over a signal; models that take sound, one or several,
 * listen (listen.ts).
 *
 * In: a bundle and a source (host/sources).  Out: into a pipe, a line of JSON per output, and with --json a
 * closing summary; on a terminal, a live line, then a small plot and a summary. --plot writes an SVG of the
 * whole run. What the warm-up holds back and what gaps the signal has stands on stderr.
 */

import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { isPreset } from '../../models/frontend/presets.ts';
import { printableLines } from '../../models/printable.ts';
import { Live } from '../report/live.ts';
import { type GapCount, Recorder } from '../report/recorder.ts';
import { braillePlot } from '../report/sparkline.ts';
import { summaryText } from '../report/summary.ts';
import type { LabelDetector, Session } from '../session/index.ts';
import { GapList, present } from '../sources/gaps.ts';
import { openSource, type SourceOptions } from '../sources/index.ts';
import { openSeveral } from '../sources/several.ts';
import { noTruth } from '../sources/source.ts';
import { badOption, coloursFor, output, printJson } from './args.ts';
import { openBundle } from './bundle-file.ts';
import { drive } from './drive.ts';
import { openFrontEnd, prepared } from './front-end.ts';
import { detectorOf, listens, withLabels } from './listening-models.ts';
import { isWasm, readBytes } from './load.ts';
import { refuseGiven } from './options.ts';
import { listeningArgs, type RunOptions, runArgs } from './run-args.ts';
import { isModelFile, isSound, modelsIn, runListening } from './run-listening.ts';
import { writeOut } from './save.ts';
import { defineVerb } from './verb.ts';

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
  await writeOut(path, printableLines(svg));
  process.stderr.write(`wrote ${path}\n`);
}

const inputsOf = ({ inputs }: Manifest) => inputs.map(({ name, elements, rate = 1 }) => ({ name, elements, rate }));

/** Columns that the bundle was made with, else the name of an input of one element. */
const knownOf = ({ columns, inputs: [input] }: Manifest) => columns ?? (input?.elements === 1 ? [input.name] : undefined);

/** What run does with one input only. @throws RN741 */
function checkSeveral(options: RunOptions, manifest: Manifest): void {
  const frontEnd = options.frontEnd ?? manifest.frontEnd ?? 'none';
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

/** What is heard, where the bundle or the options say how. @throws RN739, RN770, RN771 */
function detectorFor({ manifest, hop }: Session, rateHz: number | undefined, options: RunOptions): LabelDetector | undefined {
  const { label, labels, cutoff, slidingWindow, refractoryMs } = options;
  const given = { label, labels, cutoff, slidingWindow, refractoryMs };
  const wanted = manifest.detector !== undefined || Object.values(given).some((value) => value !== undefined);
  if (!wanted) return undefined;
  if (rateHz !== undefined) return detectorOf(withLabels(manifest, given), (1000 * hop) / rateHz, given, true);
  throw new RunletError('RN739', {
    what: 'the sample rate is unknown',
    where: 'detector',
    why: 'its times are milliseconds',
    tryThis: 'give it with --rate',
  });
}

async function run(options: RunOptions, said: ReadonlySet<string>): Promise<void> {
  const { limit = Number.POSITIVE_INFINITY, rate: givenRate, truthAt, gap: policy, timeUnit: unit } = options;
  if (!policy && options.time !== undefined) throw badOption('time', options.time, '--gap reset, hold or zero with it');
  const sourceOptions: SourceOptions = {
    frameElements: 1,
    columns: options.columns,
    header: options.header,
    truth: options.truth,
    channel: options.channel,
    resample: options.resample,
    array: options.array,
    row: options.row,
    format: options.format,
    gain: options.gain,
    rawChannels: options.channels,
  };
  const all = [options.bundle, ...options.source];
  const paths = modelsIn(all);
  const last = all.at(-1) as string;
  const bytes = await readBytes(options.bundle);
  if (paths.length > 1 || (isModelFile(options.bundle) && !isWasm(bytes)))
    return runListening(paths, sourceOptions, givenRate, limit, options, said);
  const session = await openBundle(options.bundle, bytes);
  const { manifest } = session;
  if (listens(manifest, options.frontEnd) && (manifest.frontEndConfig || isSound(last, sourceOptions)))
    return runListening(paths, sourceOptions, givenRate, limit, options, said);
  refuseGiven(listeningArgs, said, 'it is for models that listen');
  const [input] = manifest.inputs as [PortManifest];
  const several = manifest.inputs.length > 1;
  if (several) checkSeveral(options, manifest);
  else if (options.source.length > 1)
    throw new RunletError('RN741', {
      what: 'run takes a bundle and one source',
      where: options.source.slice(1).join(' '),
      tryThis: 'runlet run --help',
    });
  const named = options.frontEnd ?? manifest.frontEnd ?? 'none';
  const frontEndName = isPreset(named) ? 'none' : named; // rows of an audio front end come ready
  const expectedHz = manifest.sampleRateHz ?? givenRate;
  const one = several
    ? undefined
    : await openSource(options.source[0] as string, {
        ...sourceOptions,
        frameElements: input.elements,
        sampleRateHz: expectedHz,
        rawRateHz: givenRate,
        known: knownOf(manifest),
        labels: options.labels ?? manifest.labels,
        checkTime: true,
        gaps: frontEndName !== 'none' || policy !== undefined,
        time: policy && { column: options.time, unit },
      });
  const source = one ?? (await openSeveral(inputsOf(manifest), options.source, { ...sourceOptions, sampleRateHz: expectedHz }));
  const rateHz = expectedHz ?? source.sampleRateHz;
  if (options.realtime && rateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: '--realtime',
      why: 'neither the bundle nor the source says it',
      tryThis: 'give it with --rate',
    });
  if (options.truth !== undefined && !source.truth) throw noTruth();
  const detector = detectorFor(session, rateHz, options);
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
    const parts = { session, source, recorder, live, rateHz, realtime, real, limit, detector };
    facts = await drive({ ...parts, gaps: gaps && { policy, list: gaps } });
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

export default defineVerb({
  examples: [
    ['run model.wasm signal.csv --columns x,y', 'a line of JSON for each output; on a terminal a plot'],
    ['run model.wasm gen:ecg --truth bpm --plot run.svg', 'a made-up signal with its truth, drawn'],
    ['run okay_nabu.wasm mic', 'sound from standard input, a line for each word'],
  ],
  args: runArgs,
  run: ({ args: options, given }) => run(options, given),
});
