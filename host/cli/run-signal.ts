/**
 * The signal of runlet run: checks the options against the bundle's inputs, opens the source, removes its
 * gaps and applies the front end.
 *
 * In: the bundle's manifest and the options.  Out: an open source whose frames fit the bundle's inputs, its
 * rate, and the list of its gaps. Contradictions are reported before the first frame.
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

/** An open source, for one input or several. */
export interface Signal {
  source: Source<Float32Array | Float32Array[]>;
  /** The same source, if the model has one input. */
  one?: Source;
  /** Name of the front end to apply here; `none` if the source has ready rows. */
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

/** Returns the columns of the bundle, else the name of an input of one element. */
const knownOf = ({ columns, inputs: [input] }: Manifest) => columns ?? (input?.elements === 1 ? [input.name] : undefined);

/** Refuses options that work with one input only. @throws RN741 */
function checkSeveral(options: RunOptions, manifest: Manifest): void {
  const frontEnd = options.frontEnd ?? manifest.frontEnd ?? 'none';
  const names: string[] = (['gap', 'time', 'truth', 'array'] as const).filter((name) => options[name] !== undefined);
  if (frontEnd !== 'none') names.push('front-end');
  if (names.length > 0)
    throw new RunletError('RN741', {
      what: `${names.map((n) => `--${n}`).join(' and ')} cannot be used with several inputs`,
      where: options.bundle,
      why: `the model has ${manifest.inputs.length} inputs`,
      tryThis: 'prepare the signals first, or use the session from a program (runlet/session)',
    });
}

/** Checks that the number of sources and the options fit the model's inputs. @throws RN741 */
export function checkSources(options: RunOptions, manifest: Manifest): void {
  if (manifest.inputs.length > 1) checkSeveral(options, manifest);
  else if (options.source.length > 1)
    throw new RunletError('RN741', {
      what: 'run takes a bundle and one source',
      where: options.source.slice(1).join(' '),
      tryThis: 'runlet run --help',
    });
}

/** Opens the source or sources of the signal. */
export async function openSignal(manifest: Manifest, options: RunOptions, sourceOptions: SourceOptions): Promise<Signal> {
  const named = options.frontEnd ?? manifest.frontEnd ?? 'none';
  const frontEnd = isPreset(named) ? 'none' : named; // for an audio front end, the source has ready rows
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

/** Checks the rate that --realtime needs, and the column that --truth names. @throws RN739, RN721 */
export function checkSignal({ source, rateHz }: Signal, options: RunOptions): void {
  if (options.realtime && rateHz === undefined)
    throw new RunletError('RN739', {
      what: 'the sample rate is unknown',
      where: '--realtime',
      why: 'neither the bundle nor the source states it',
      tryThis: 'give it with --rate',
    });
  if (options.truth !== undefined && !source.truth) throw noTruth();
}

/** Removes lost frames and applies the front end. @returns the list of gaps, if --gap is given. */
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
