/**
 * shapesOf: the inputs' dimensions with numbers in place of symbols.
 *
 * In: the file's inputs and the caller's windows.  Out: a shape per input; what is open is collected (RN156).
 * Rule: the batch is 1, wherever its name stands; any other symbolic dimension takes the length that the
 * caller gives it by its name, by the input's name, or, where it is the only one, by a number alone.
 */
import { RunletError } from '../../error.ts';
import { lookup } from '../../lookup.ts';
import type { ReadOptions } from '../options.ts';
import type { InputShape } from './axes.ts';
import { maxElements } from './context.ts';
import type { OnnxValue } from './proto.ts';
import { tooLarge } from './refuse.ts';

const isOpen = (d: number | string): d is string | number => typeof d === 'string' || d <= 0;
/** What exporters call the batch, and what people call time. */
const batchName = /^(batch|batch_?size|n_?batch)$/i;
const timeName = /^(t|time|times?_?steps?|frames?|n_?frames|samples?|seq\w*|len\w*|steps?)$/i;

/** A symbolic dimension besides the batch. */
interface Open {
  input: string;
  at: number;
  /** '' where the file has none. */
  name: string;
}

const shown = ({ input, at, name }: Open): string => name || `dimension ${at} of ${input}`;
/** One name is one dimension, in however many inputs it stands. */
const distinct = (open: readonly Open[]): Open[] =>
  open.filter((o, i) => !o.name || open.findIndex((p) => p.name === o.name) === i);

const refused = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN156', { what, where, why, tryThis });

/**
 * Names that mean the batch: what stands first in an input, unless it is called as time is, and the usual
 * ones.
 */
function batchNames(inputs: readonly OnnxValue[]): (name: string) => boolean {
  const first = new Set(inputs.flatMap(({ dims }) => (typeof dims?.[0] === 'string' ? [dims[0]] : [])));
  return (name) => batchName.test(name) || (name !== '' && first.has(name) && !timeName.test(name));
}

/** The shapes that are known; of the other inputs the errors. */
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

/** The line that names all open dimensions; one alone needs no name. */
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
        ? `a window needs its number of frames, and a number alone is for one dimension: the file has ${all.map(shown).join(', ')}`
        : 'a window needs its number of frames',
      windowLine(all),
    );
  const dims = declared.map((d, at) => {
    const own = open.find((o) => o.at === at);
    const length = own ? (given(own, open.length === 1) as number) : isOpen(d) ? 1 : d;
    if (typeof d === 'number' && d < -1)
      throw refused(`a dimension of ${d}`, where, 'a shape is positive', 'export the model again');
    if (!own && !(Number.isSafeInteger(length) && length <= maxElements)) throw tooLarge(`a dimension of ${length}`, where);
    if (!(Number.isInteger(length) && length >= 1 && length <= maxElements))
      throw refused(`a window of ${length} frames`, where, 'it has to be a whole number', 'another window');
    return length;
  });
  const time = open.length === 1 ? open[0] : open.find((o) => timeName.test(o.name));
  return { name, dims, dynamic: time?.at ?? -1 };
}
