/**
 * Calibration data of the command line: reads files as chunks of whole ticks, and prints warnings and a
 * progress bar.
 *
 * In: a float graph and --calib.  Out: chunks, and the number of ticks if it is known.
 * .npy, .npz and .csv files hold frames. A .wav holds one value per channel in each frame; with --front-end
 * its sound becomes rows. An array [windows][frames of a window][elements] holds separate windows.
 */

import { clockOf } from '../../models/graph/clock.ts';
import type { Graph } from '../../models/graph/types.ts';
import { printable } from '../../models/printable.ts';
import { labelsIn } from '../../models/read/detection.ts';
import { oneClass } from '../../quant/calibration/check.ts';
import type { Chunk, Chunks } from '../../quant/calibration/collect.ts';
import type { CalibrationWarning } from '../../quant/calibration/warnings.ts';
import type { Progress } from '../../quant/quantize.ts';
import { knownColumns } from '../model-fields.ts';
import { inputsOf } from '../recording.ts';
import { leftText } from '../report/progress.ts';
import { rawStream } from '../report/terminal.ts';
import { openSource } from '../sources/index.ts';
import { openSeveral } from '../sources/several.ts';
import type { Source, SourceOptions } from '../sources/source.ts';
import { coloursFor } from './args.ts';
import type { SoundOptions } from './sound-options.ts';

export interface CalibSourceOptions extends SoundOptions {
  calib: string;
  /** More data in the same formats, read after that of `calib`. No window crosses the seam. */
  moreCalib?: string | undefined;
  /** Front end that turns a .wav into rows. */
  frontEnd?: string;
  /** CSV columns that make up a frame. */
  columns?: string[];
  /** Channel of a sound recording. */
  channel?: string;
  /** CSV column with the truth. */
  truth?: string;
  /** Class names. Default: from the model. */
  labels?: string[];
  /** Frames per second. Default: from the model. */
  rate?: number;
}

/** Facts that a calibration source states in addition to its frames. */
export interface SignalFacts {
  /** Names of the elements of a frame, if the file has them. */
  columns?: string[];
  sampleRateHz?: number;
}

export interface CalibSource {
  chunks: Chunks;
  totalTicks?: number;
  describe: string;
  facts: SignalFacts;
}

/** Opens the sources of calibration data. @throws RN415, RN419, RN720 to RN741 */
export async function calibrationChunks(graph: Graph, options: CalibSourceOptions): Promise<CalibSource> {
  const first = await oneSource(graph, options);
  if (options.moreCalib === undefined) return first;
  const second = await oneSource(graph, { ...options, calib: options.moreCalib });
  const ticks = (first.totalTicks ?? Number.NaN) + (second.totalTicks ?? Number.NaN);
  return {
    chunks: joined(first.chunks, second.chunks),
    ...(Number.isFinite(ticks) && { totalTicks: ticks }),
    describe: `${first.describe}; ${second.describe}`,
    facts: { ...second.facts, ...first.facts },
  };
}

/** Yields the chunks of both sources; the second one begins a new recording. */
async function* joined(first: Chunks, second: Chunks): AsyncGenerator<Chunk> {
  yield* first;
  let begins = true;
  for await (const chunk of second) {
    if (begins && !('begins' in chunk)) yield { begins, data: chunk instanceof Float32Array ? [chunk] : chunk };
    else yield chunk;
    begins = false;
  }
}

/** Opens one source. */
async function oneSource(graph: Graph, options: CalibSourceOptions): Promise<CalibSource> {
  const inputs = inputsOf(graph);
  const rateHz = options.rate ?? Number(graph.metadata['runlet.sample_rate_hz']);
  const sampleRateHz = rateHz > 0 ? rateHz : undefined;
  const known = knownColumns(graph);
  const common: Omit<SourceOptions, 'frameElements'> = {
    ...(sampleRateHz !== undefined && { sampleRateHz }),
    checkTime: true,
    ...(options.columns && { columns: options.columns }),
    ...(options.channel && { channel: options.channel }),
    ...(known && { known }),
    ...(options.truth && { truth: options.truth, labels: options.labels ?? labelsIn(graph.metadata) }),
  };
  const [only] = inputs;
  if (inputs.length === 1 && only) {
    if (options.frontEnd !== undefined && options.frontEnd !== 'none' && /\.wav$/i.test(options.calib)) {
      const { soundRows } = await import('./sound-rows.ts');
      return soundRows(options.frontEnd, options.calib, only.elements, options);
    }
    const source = await openSource(options.calib, {
      ...common,
      frameElements: only.elements,
      windowFrames: clockOf(graph).window,
    });
    const { totalFrames, describe, names, named, sampleRateHz: sourceHz } = source;
    return {
      chunks: checkedChunks(source, options.truth),
      ...(totalFrames !== undefined && { totalTicks: totalFrames }),
      describe,
      facts: { ...(named && names && { columns: names }), ...(sourceHz !== undefined && { sampleRateHz: sourceHz }) },
    };
  }
  const source = await openSeveral(inputs, options.calib.split(','), common);
  return {
    chunks: source.frames,
    ...(source.totalFrames !== undefined && { totalTicks: source.totalFrames }),
    describe: source.describe,
    facts: {},
  };
}

/** Yields the source's chunks; at the end checks that its truth column has two classes. @throws RN419 */
async function* checkedChunks(source: Source, column: string | undefined): AsyncGenerator<Chunk> {
  for await (const data of source.frames) yield source.windowFrames === undefined ? data : { begins: true, data: [data] };
  const classes = source.truth && new Set(source.truth.view().filter((v) => !Number.isNaN(v)));
  if (classes && classes.size < 2) throw oneClass(`column ${column}`, [...classes]);
}

/** Prints warnings to stderr. @param named maps a layer's name to the name to print. */
export function printWarnings(warnings: readonly CalibrationWarning[], named: (name: string) => string): void {
  const colour = coloursFor(process.stderr);
  for (const { code, what, where, why, tryThis } of warnings)
    process.stderr.write(
      `${colour.yellow(`${colour.bold(code)} warning: ${printable(what)}`)}\n${[
        where && `where ${where.replace(/[^\s,()]+/g, named)}`,
        why && `why   ${why}`,
        tryThis && `try   ${tryThis}`,
      ]
        .filter((line) => line !== undefined && line !== '')
        .map((line) => `  ${printable(String(line))}\n`)
        .join('')}`,
    );
}

const stepText: Record<Progress['step'], string> = {
  read: 'reading calibration data',
  channels: 'first pass: channels',
  ranges: 'ranges',
  narrow: 'ranges, by the outputs',
  report: 'report',
};

/** Shows a progress bar with the time left on stderr; does nothing unless stderr is a terminal. */
export async function progressBar(totalTicks: number | undefined) {
  if (!process.stderr.isTTY) return { onProgress: () => {}, onTicks: () => {}, stop: () => {} };
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: '{step} {bar} {percentage}%  {left}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 20,
    fps: 10,
    stream: rawStream(process.stderr),
    linewrap: false,
    clearOnComplete: true,
    gracefulExit: false,
  });
  let at: Progress['step'] | undefined;
  let started = 0;
  const show = (step: Progress['step'], value: number, total: number) => {
    if (at !== step) {
      at = step;
      started = performance.now();
      bar.start(total, 0, { step: stepText[step].padEnd(25), left: '' });
    }
    bar.update(value, { left: leftText(started, value / total) });
  };
  return {
    onTicks: (ticks: number) => totalTicks !== undefined && show('read', ticks, totalTicks),
    onProgress: ({ step, share }: Progress) => share !== undefined && show(step, Math.round(1000 * share), 1000),
    stop: () => at !== undefined && bar.stop(),
  };
}
