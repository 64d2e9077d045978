/**
 * runlet run <bundle.wasm> <source>: runs a bundle over a signal. Models that take sound, one or several, are
 * run by listen.ts.
 *
 * In: a bundle and a source (host/sources).  Out: to a pipe, one line of JSON per output, and with --json a
 * summary at the end; on a terminal, a live line, then a small plot and a summary. --plot writes an SVG of
 * the whole run. Notes about warm-up and gaps go to stderr.
 */

import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { printableLines } from '../../models/printable.ts';
import { badOption, coloursFor, output, printJson } from '../command/args.ts';
import { openBundle } from '../command/bundle-file.ts';
import { isWasm, readBytes } from '../command/load.ts';
import { refuseGiven } from '../command/options.ts';
import { defineVerb } from '../command/verb.ts';
import { Live } from '../report/live.ts';
import { type GapCount, Recorder, type RunSummary } from '../report/recorder.ts';
import { braillePlot } from '../report/sparkline.ts';
import { summaryText } from '../report/summary.ts';
import type { LabelDetector, Session } from '../session/index.ts';
import type { SourceOptions } from '../sources/index.ts';
import { drive } from './drive.ts';
import { detectorOf, listens, withLabels } from './listening-models.ts';
import { listeningArgs, type RunOptions, runArgs } from './run-args.ts';
import { isModelFile, isSound, modelsIn, runListening } from './run-listening.ts';
import { checkSignal, checkSources, openSignal, prepareSignal, sourceOptionsOf } from './run-signal.ts';
import { writeOut } from './save.ts';

const seconds = (frames: number, rateHz?: number): string => (rateHz ? ` (${Number((frames / rateHz).toPrecision(4))} s)` : '');

function warmUpText(session: Session, rateHz: number | undefined): string {
  const { warmUpHops } = session.manifest;
  const { framesLeft } = session.warmUp;
  const outputs = `${warmUpHops} output${warmUpHops > 1 ? 's are' : ' is'}`;
  return `warm-up: ${outputs} held back; the first output is number ${warmUpHops}, after ${framesLeft} frames${seconds(framesLeft, rateHz)}`;
}

function gapsText({ policy, count, frames, outputsLeftOut }: GapCount, rateHz: number | undefined): string {
  const left = outputsLeftOut > 0 ? `; ${outputsLeftOut} repeating outputs inside them are omitted` : '';
  return `gaps: ${count}, ${frames} lost frames${seconds(frames, rateHz)}, policy ${policy}${left}`;
}

async function savePlot(path: string, recorder: Recorder): Promise<void> {
  const { plotRun } = await import('../report/plot.ts');
  const svg = await plotRun(recorder.plot());
  await writeOut(path, printableLines(svg));
  process.stderr.write(`wrote ${path}\n`);
}

/** Makes the detector of the bundle or the options; undefined without both. @throws RN739, RN770, RN771 */
function detectorFor({ manifest, hop }: Session, rateHz: number | undefined, options: RunOptions): LabelDetector | undefined {
  const { label, labels, cutoff, slidingWindow, refractoryMs } = options;
  const given = { label, labels, cutoff, slidingWindow, refractoryMs };
  const wanted = manifest.detector !== undefined || Object.values(given).some((value) => value !== undefined);
  if (!wanted) return undefined;
  if (rateHz !== undefined) return detectorOf(withLabels(manifest, given), (1000 * hop) / rateHz, given, true);
  throw new RunletError('RN739', {
    what: 'the sample rate is unknown',
    where: 'detector',
    why: 'the detector needs it for times in milliseconds',
    tryThis: 'give it with --rate',
  });
}

/** Prints the summary: on a terminal below a plot, with --json as JSON, else to stderr. */
function report(recorder: Recorder, summary: RunSummary, source: string, { manifest }: Session, json?: boolean): void {
  if (json && !output.closed) printJson({ summary });
  const text = `${source}\n${summaryText(summary, manifest.unit)}\n`;
  if (process.stdout.isTTY && !json) {
    const first = recorder.outputs[0];
    if (first && first.length > 1 && !recorder.classes) {
      const columns = Math.max(20, Math.min(72, (process.stdout.columns ?? 80) - 14));
      const { cyan } = coloursFor(process.stdout);
      for (const line of braillePlot(first.view(), { columns, rows: 4, unit: manifest.unit }))
        process.stdout.write(`${cyan(line)}\n`);
    }
    process.stdout.write(text);
  } else if (!json && !output.closed) process.stderr.write(text);
}

/** Runs a bundle that takes rows of a signal. */
async function runRows(session: Session, options: RunOptions, sourceOptions: SourceOptions): Promise<void> {
  const { limit = Number.POSITIVE_INFINITY, gap: policy, truthAt, realtime, real } = options;
  const { manifest } = session;
  const [input] = manifest.inputs as [PortManifest];
  const signal = await openSignal(manifest, options, sourceOptions);
  checkSignal(signal, options);
  const { source, rateHz } = signal;
  const detector = detectorFor(session, rateHz, options);
  const gaps = await prepareSignal(signal, input.elements, policy);
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
  if (manifest.warmUpHops > 0) process.stderr.write(`${warmUpText(session, rateHz)}\n`);
  const live =
    process.stdout.isTTY && !options.json
      ? await Live.start({ totalFrames: source.totalFrames, rateHz, unit: manifest.unit, stream: process.stderr })
      : undefined;
  let facts: Awaited<ReturnType<typeof drive>>;
  try {
    const parts = { session, source, recorder, live, rateHz, realtime, real, limit, detector };
    facts = await drive({ ...parts, gaps: policy && gaps && { policy, list: gaps } });
  } finally {
    live?.stop();
  }
  const summary = recorder.summary(facts);
  if (summary.gaps && !output.closed) process.stderr.write(`${gapsText(summary.gaps, rateHz)}\n`);
  report(recorder, summary, source.describe, session, options.json);
  if (options.plot !== undefined) await savePlot(options.plot, recorder);
}

async function run(options: RunOptions, given: ReadonlySet<string>): Promise<void> {
  const { limit = Number.POSITIVE_INFINITY, rate } = options;
  if (!options.gap && options.time !== undefined) throw badOption('time', options.time, 'a column only together with --gap');
  const sourceOptions = sourceOptionsOf(options);
  const all = [options.bundle, ...options.source];
  const paths = modelsIn(all);
  const last = all.at(-1) as string;
  const bytes = await readBytes(options.bundle);
  if (paths.length > 1 || (isModelFile(options.bundle) && !isWasm(bytes)))
    return runListening(paths, sourceOptions, rate, limit, options, given);
  const session = await openBundle(options.bundle, bytes);
  const { manifest } = session;
  if (listens(manifest, options.frontEnd) && (manifest.frontEndConfig || isSound(last, sourceOptions)))
    return runListening(paths, sourceOptions, rate, limit, options, given);
  refuseGiven(listeningArgs, given, 'it is only for models that take sound');
  checkSources(options, manifest);
  await runRows(session, options, sourceOptions);
}

export default defineVerb({
  examples: [
    ['run model.wasm signal.csv --columns x,y', 'prints one line of JSON per output; on a terminal a plot'],
    ['run model.wasm gen:ecg --truth bpm --plot run.svg', 'plots a generated signal, its truth and the outputs'],
    ['run okay_nabu.wasm mic', 'listens to standard input and prints a line per word'],
  ],
  args: runArgs,
  run: ({ args: options, given }) => run(options, given),
});
