/**
 * shapesOf: replaces symbolic dimensions of the inputs by numbers.
 *
 * In: the file's inputs and the caller's windows.  Out: one shape per input, or a collected error (RN156).
 * Rule: the batch is 1 wherever its name occurs. Any other symbolic dimension has the length that the caller
 * gives for its name, for the name of the input, or, if it is the only one, as a number without a name.
 */
import { RunletError } from '../../error.ts';
import { lookup } from '../../lookup.ts';
import type { ReadOptions } from '../options.ts';
import type { InputShape } from './axes.ts';
import { maxElements } from './context.ts';
import type { OnnxValue } from './proto.ts';
import { tooLarge } from './refuse.ts';

const isOpen = (d: number | string): d is string | number => typeof d === 'string' || d <= 0;
/** Usual names of the batch and of time. */
const batchName = /^(batch|batch_?size|n_?batch)$/i;
const timeName = /^(t|time|times?_?steps?|frames?|n_?frames|samples?|seq\w*|len\w*|steps?)$/i;

/** A symbolic dimension other than the batch. */
interface Open {
  input: string;
  at: number;
  /** '' if the file has no name for it. */
  name: string;
}

const shown = ({ input, at, name }: Open): string => name || `dimension ${at} of ${input}`;
/** Removes repetitions: a name stands for one dimension, even if several inputs use it. */
const distinct = (open: readonly Open[]): Open[] =>
  open.filter((o, i) => !o.name || open.findIndex((p) => p.name === o.name) === i);

const refused = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN156', { what, where, why, tryThis });

/**
 * Returns a test for names of the batch: the usual ones, and the name of an input's first dimension unless it
 * is a usual name of time.
 */
function batchNames(inputs: readonly OnnxValue[]): (name: string) => boolean {
  const first = new Set(inputs.flatMap(({ dims }) => (typeof dims?.[0] === 'string' ? [dims[0]] : [])));
  return (name) => batchName.test(name) || (name !== '' && first.has(name) && !timeName.test(name));
}

/** Returns the shapes that are known, and collects an error for each other input. */
export function shapesOf(
  inputs: readonly OnnxValue[],
  { window, windows = {} }: ReadOptions,
  errors: RunletError[],
): Map<string, InputShape> {
  const isBatch = batchNames(inputs);
  const openOf = ({ name: input, dims = [] }: OnnxValue): Open[] =>
    dims.flatMap((d, at) => {
      const name = typeof d === 'string' ? d : '';
      const batch = at === 0 ? lookup(windows, name) === undefined || name === '' : isBatch(name);
      return isOpen(d) && !batch ? [{ input, at, name }] : [];
    });
  const all = distinct(inputs.flatMap(openOf));
  const names = new Set([...all.map((o) => o.name), ...inputs.map((i) => i.name)]);
  for (const name of Object.keys(windows))
    if (!names.has(name))
      errors.push(refused(`no dimension or input is named ${name}`, 'option window', `the file has ${[...names].filter(Boolean).slice(0, 16).join(', ')}`, 'one of these names')); // biome-ignore format: one line
  const given = (open: Open, alone: boolean): number | undefined =>
    lookup(windows, open.name || '\0') ??
    (alone ? lookup(windows, open.input) : undefined) ??
    (all.length === 1 ? window : undefined);
  const found = new Map<string, InputShape>();
  for (const input of inputs) {
    try {
      found.set(input.name, shapeOf(input, openOf(input), given, all));
    } catch (error) {
      if (!(error instanceof RunletError) || error.code !== 'RN156') throw error;
      errors.push(error);
    }
  }
  return found;
}

/** Returns the option that sets all open dimensions; a single one needs no name. */
function windowLine(all: readonly Open[]): string {
  const [only, more] = all;
  const pairs = all.slice(0, 8).map((o) => `${/^[\w.:/-]+$/.test(o.name) ? o.name : o.input}=128`);
  return more ? `--window ${pairs.join(',')}` : `--window 128${only?.name ? `, or --window ${pairs[0]}` : ''}`;
}

function shapeOf(
  { name, dims: declared }: OnnxValue,
  open: readonly Open[],
  given: (open: Open, alone: boolean) => number | undefined,
  all: readonly Open[],
): InputShape {
  const where = `graph input ${name}`;
  if (!declared) throw refused('an input without a shape', where, 'the window has to be known', 'export with an example input');
  const missing = open.filter((o) => given(o, open.length === 1) === undefined);
  if (missing.length > 0)
    throw refused(
      `${missing.map((o) => `dimension ${o.at} (${o.name || 'unnamed'})`).join(' and ')} of [${declared.map((d) => d || '?').join(', ')}] is symbolic`,
      where,
      all.length > 1
        ? `a window needs its number of frames, and a number without a name sets only one dimension: the file has ${all.map(shown).join(', ')}`
        : 'a window needs its number of frames',
      windowLine(all),
    );
  const dims = declared.map((d, at) => {
    const symbol = open.find((o) => o.at === at);
    const length = symbol ? (given(symbol, open.length === 1) as number) : isOpen(d) ? 1 : d;
    if (typeof d === 'number' && d < -1)
      throw refused(`a dimension of ${d}`, where, 'a shape is positive', 'export the model again');
    if (!symbol && !(Number.isSafeInteger(length) && length <= maxElements)) throw tooLarge(`a dimension of ${length}`, where);
    if (!(Number.isInteger(length) && length >= 1 && length <= maxElements))
      throw refused(`a window of ${length} frames`, where, 'it has to be a whole number', 'another window');
    return length;
  });
  const time = open.length === 1 ? open[0] : open.find((o) => timeName.test(o.name));
  return { name, dims, dynamic: time?.at ?? -1 };
}
