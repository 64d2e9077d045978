/**
 * The signal of runlet run: what of the options the bundle's inputs allow, the source that is opened, and its
 * way through gaps and the front end.
 *
 * In: the bundle's manifest and the options.  Out: an open source whose frames fit the bundle's inputs, its
 * rate, and the list of its gaps. Every contradiction is an error before the first frame.
 */
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { isPreset } from '../../models/frontend/presets.ts';
import { GapList, present } from '../sources/gaps.ts';
import { openSource, type Source, type SourceOptions } from '../sources/index.ts';
import { openSeveral } from '../sources/several.ts';
import { noTruth } from '../sources/source.ts';
import { openFrontEnd, prepared } from './front-end.ts';
import type { RunOptions } from './run-args.ts';

/** An open source, of one input or of several. */
export interface Signal {
  source: Source<Float32Array | Float32Array[]>;
  /** The same source, where the model has one input. */
  one?: Source;
  /** Name of a front end that is computed here; none where rows come ready. */
  frontEnd: string;
  rateHz?: number;
}

export const sourceOptionsOf = (options: RunOptions): SourceOptions => ({
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
});

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

/** @throws RN741 where there are more sources or options than the model's inputs allow */
export function checkSources(options: RunOptions, manifest: Manifest): void {
  if (manifest.inputs.length > 1) checkSeveral(options, manifest);
  else if (options.source.length > 1)
    throw new RunletError('RN741', {
      what: 'run takes a bundle and one source',
      where: options.source.slice(1).join(' '),
      tryThis: 'runlet run --help',
    });
}

export async function openSignal(manifest: Manifest, options: RunOptions, sourceOptions: SourceOptions): Promise<Signal> {
  const named = options.frontEnd ?? manifest.frontEnd ?? 'none';
  const frontEnd = isPreset(named) ? 'none' : named; // rows of an audio front end come ready
  const expectedHz = manifest.sampleRateHz ?? options.rate;
  if (manifest.inputs.length > 1) {
    const source = await openSeveral(inputsOf(manifest), options.source, { ...sourceOptions, sampleRateHz: expectedHz });
    return { source, frontEnd, rateHz: expectedHz ?? source.sampleRateHz };
  }
  const [input] = manifest.inputs as [PortManifest];
  const one = await openSource(options.source[0] as string, {
    ...sourceOptions,
    frameElements: input.elements,
    sampleRateHz: expectedHz,
    rawRateHz: options.rate,
    known: knownOf(manifest),
    labels: options.labels ?? manifest.labels,
    checkTime: true,
    gaps: frontEnd !== 'none' || options.gap !== undefined,
    time: options.gap && { column: options.time, unit: options.timeUnit },
  });
  return { source: one, one, frontEnd, rateHz: expectedHz ?? one.sampleRateHz };
}

/** @throws RN739 without the rate that --realtime needs; where --truth names a column that is not there */
export function checkSignal({ source, rateHz }: Signal, options: RunOptions): void {
  if (options.realtime && rateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: '--realtime',
      why: 'neither the bundle nor the source says it',
      tryThis: 'give it with --rate',
    });
  if (options.truth !== undefined && !source.truth) throw noTruth();
}

/** Leads the frames past their gaps and through the front end. @returns the gaps, where --gap is given */
export async function prepareSignal(
  { one, frontEnd, rateHz }: Signal,
  elements: number,
  policy: RunOptions['gap'],
): Promise<GapList | undefined> {
  const gaps = policy && new GapList();
  if (one && gaps) one.frames = present(one.frames, elements, one.jumps, gaps);
  if (one && frontEnd !== 'none') {
    const opened = await openFrontEnd(frontEnd, rateHz, elements);
    one.frames = prepared(one.frames, opened, policy === 'reset' ? gaps : undefined);
  }
  return gaps;
}
