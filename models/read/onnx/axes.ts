/**
 * layoutOfInput: finds which dimension of a graph input is time, which is features, and which is channels.
 *
 * In: the input's file shape, its anchor operators and the caller's options.  Out: its layout and the reason.
 * Rule: the anchor fixes the meaning: [n, c, t] or [n, c, s1, s2] for a convolution, the last dimension for a
 * MatMul. If two dimensions may be time, it is the caller's `timeAxis`, else the symbolic dimension, else the
 * only one that is longer than 1, else the choice of `pick` (time-axis.ts).
 */

import { RunletError } from '../../error.ts';
import type { Axis } from '../../graph/types.ts';
import { maxOf } from '../../lists.ts';
import { inputLayout, type Layout, showLayout } from '../layout.ts';
import type { ReaderOptions } from '../options.ts';
import type { Reading } from '../time-axis.ts';
import { countOf } from './tensor.ts';
import type { Anchor } from './trace.ts';

export interface InputShape {
  name: string;
  dims: number[];
  /** Index of the symbolic dimension that the window's frames replace; -1 if all are fixed. */
  dynamic: number;
}

type Meaning = (Axis | 'n')[];

/** Defaults of the file format (see Dialect). */
interface FormatDefaults {
  channelsLast: boolean;
  batchOfOne: (dims: readonly number[]) => string;
}

const recurrences = new Set(['LSTM', 'GRU', 'RNN']);

/** Returns what the dimensions at the anchor may mean, best first. */
function meaningsAt(anchor: Anchor | undefined, rank: number, channelsLast: boolean): Meaning[] {
  const op = anchor?.node.op ?? '';
  if (rank === 1) return [['c']];
  if (op === 'STFT') return [['n', 't', 'c'].slice(0, rank) as Meaning];
  if (rank === 2) return (anchor?.dims[0] ?? 1) > 1 ? [['t', 'c']] : [['n', 'c']];
  const first: Meaning[] =
    rank === 3
      ? [['n', 'c', 't']]
      : [
          ['n', 'c', 't', 'f'],
          ['n', 'c', 'f', 't'],
        ];
  const last: Meaning[] =
    rank === 3
      ? [['n', 't', 'c']]
      : [
          ['n', 't', 'f', 'c'],
          ['n', 'f', 't', 'c'],
        ];
  // time before the batch, as in PyTorch's sequences
  const rowsFirst: Meaning[] = rank === 3 ? [['t', 'n', 'c']] : [];
  if (op === 'MatMul' || op === 'Gemm' || op === 'Einsum' || op === 'Cell' || op.endsWith('Normalization'))
    return op === 'BatchNormalization' ? first : [...last, ...rowsFirst];
  if (recurrences.has(op))
    return anchor?.attributes.int('layout', 0) === 1 ? [['n', 't', 'c'], ['n', 'c', 't']] : [['t', 'n', 'c'], ['c', 'n', 't']]; // biome-ignore format: one line
  // the dimension of the rows of a loop, or of the row that it picks
  const along = op === 'Scan' ? (anchor?.attributes.ints('scan_input_axes')?.[0] ?? 0) : anchor?.attributes.int('axis', 0);
  if (rank === 3 && (op === 'Scan' || op === 'Gather')) return [first, last, rowsFirst].flat().filter((meaning) => meaning[along ?? 0] === 't'); // biome-ignore format: one line
  if (op === 'Softmax') {
    const axis = anchor?.attributes.int('axis', -1) ?? -1;
    return axis === -1 || axis === rank - 1 ? [...last, ...first] : [...first, ...last];
  }
  if (op === 'ReduceMean' || op === 'ReduceMax' || op === 'ReduceSum') {
    const axes = anchor?.attributes.ints('axes') ?? [...(anchor?.constants[1]?.data ?? [])];
    const reduced = axes.map((a) => (a < 0 ? a + rank : a));
    return reduced.length > 0 && !reduced.includes(rank - 1) ? [...last, ...first] : [...first, ...last];
  }
  if (op !== '') return first;
  return channelsLast ? [...last, ...first] : [...first, ...last];
}

const layoutOf = (meaning: Meaning, dims: readonly number[]): Layout =>
  dims.map((length, i) => {
    const axis = meaning[i];
    return length === 1 || axis === 'n' || axis === undefined ? [] : [{ axis, length }];
  });

/** One way in which an operator may read an input. */
interface Candidate {
  anchor: Anchor | undefined;
  meaning: Meaning;
  layout: Layout;
  /** Dimensions of the operator's input, or of the file's input. */
  dims: readonly number[];
}

interface Read {
  anchor: Anchor | undefined;
  /** True: the operator says nothing about the input's dimensions; the format's default order is used. */
  byDefault: boolean;
  /** True: a transposition comes before a dense layer. */
  isTurned: boolean;
  candidates: Candidate[];
}

/**
 * Returns the meanings of a batch above 1 that the file makes from another dimension: features, or frames.
 */
function unfolded(meaning: Meaning, dims: readonly number[]): Meaning[] {
  const at = meaning.indexOf('n');
  if (at < 0 || dims[at] === 1) return [meaning];
  const known = meaning.map((axis, d): Axis | 'n' => (dims[d] === 1 ? 'n' : axis));
  const axis = known.includes('f') ? (known.includes('t') ? undefined : 't') : 'f';
  if (!axis) return [];
  const features = known.with(at, axis);
  const frames = features.map((one) => (one === 't' ? 'f' : one === 'f' ? 't' : one));
  return [features, frames];
}

/** Returns the ways in which `anchor` may read the input, best first. */
function readBy(input: InputShape, anchor: Anchor | undefined, options: ReaderOptions, channelsLast: boolean): Read {
  const flat = input.dims.length <= 2;
  // a dense layer after a flatten says nothing about the dimensions before it
  const byDefault = !anchor || (anchor.dims.length <= 2 && !flat && (anchor.dims[0] ?? 1) === 1) || anchor.dims.length > 4;
  const dims = byDefault ? input.dims : anchor.dims;
  const chain = byDefault ? [] : anchor.chain;
  const usual = meaningsAt(byDefault ? undefined : anchor, dims.length, channelsLast);
  // further meanings: frames as channels of a convolution over one place, and a layer along time
  const isAsked = dims.length === 3 && options.timeAxis !== undefined;
  const isLayer = dims.length === 3 && (anchor?.node.op === 'MatMul' || anchor?.node.op === 'Gemm');
  const isTurned = isLayer && chain.some(({ kind }) => kind === 'transpose');
  const turned: Meaning[] = [...(isAsked && dims[2] === 1 ? [['n', 't', 'c'] as Meaning] : []), ...(isTurned || (isAsked && isLayer) ? [['n', 'c', 't'] as Meaning] : [])]; // biome-ignore format: one line
  const meanings = [...usual, ...turned].flatMap((meaning) => (chain.length > 0 ? unfolded(meaning, dims) : [meaning]));
  const candidates = meanings.flatMap((meaning) => {
    if (meaning.some((m, i) => m === 'n' && dims[i] !== 1)) return [];
    try {
      return [{ anchor, meaning, layout: inputLayout(layoutOf(meaning, dims), chain), dims }];
    } catch (error) {
      if (error instanceof RunletError) return [];
      throw error;
    }
  });
  return { anchor, byDefault, isTurned, candidates };
}

const holdsTime = (layout: Layout, at: number): boolean => (layout[at] ?? []).some((f) => f.axis === 't');

/**
 * Returns the candidates of the first operator that has any, and those of other operators that take a
 * different dimension as time.
 */
function joinedReading(reads: readonly Read[]): Read | undefined {
  const first = reads.find(({ candidates }) => candidates.length > 0) ?? reads[0];
  if (!first) return undefined;
  const agrees = ({ layout }: Candidate) =>
    first.candidates.some((c) => c.layout.every((_, d) => holdsTime(c.layout, d) === holdsTime(layout, d)));
  const others = reads.filter(({ candidates }) => !candidates.some(agrees)).flatMap(({ candidates }) => candidates);
  return { ...first, candidates: [...first.candidates, ...others] };
}

/**
 * Returns the layout of one graph input, and a note for `inspect`. Throws RN157 if no layout fits the file
 * and the options.
 */
export function layoutOfInput(
  input: InputShape,
  anchors: readonly Anchor[],
  options: ReaderOptions,
  { channelsLast, batchOfOne }: FormatDefaults,
): { layout: Layout; note: string } {
  const where = `graph input ${input.name} [${input.dims.join(', ')}]`;
  const fail = (what: string, why: string, tryThis: string): never => {
    throw new RunletError('RN157', { what, where, why, tryThis });
  };
  if (input.dims.length < 1 || input.dims.length > 4) {
    fail(
      `an input of ${input.dims.length} dimensions`,
      'one to four are read: batch, channels, time, features',
      input.dims.length === 0 ? `set this number with --set ${input.name}=N` : 'reshape it in the model',
    );
  }
  const [nearest] = anchors;
  const rows = nearest !== undefined && nearest.dims.length === 2 && input.dims.length === 2;
  const timeFirst =
    nearest !== undefined && nearest.chain.length === 0 && meaningsAt(nearest, input.dims.length, false)[0]?.[0] === 't';
  if (input.dims.length > 1 && input.dims[0] !== 1 && !rows && !timeFirst) {
    fail(`the batch is ${input.dims[0]}`, 'a stream has one signal: dimension 0 has to be 1', batchOfOne(input.dims));
  }
  const flat = input.dims.length <= 2;
  if (flat && options.frame !== undefined && (!nearest || nearest.dims.length <= 2)) return framed(input, options.frame, fail);
  const reads = (anchors.length > 0 ? anchors : [undefined]).map((one) => readBy(input, one, options, channelsLast));
  const { anchor, byDefault, isTurned, candidates } = joinedReading(reads) as Read;
  let chosen = candidates[0];
  let why: string | undefined;
  if (options.timeAxis !== undefined) {
    const at = options.timeAxis;
    const all = reads.flatMap((read) => read.candidates);
    const isTime = (c: Candidate) => (flat ? c.meaning[at] === 't' : holdsTime(c.layout, at));
    chosen = all.find((c) => isTime(c) && c.layout[at]?.length === 1) ?? all.find(isTime);
    why = 'as asked';
    if (!chosen && all.length > 0)
      fail(
        `dimension ${at} cannot be time`,
        `the first operator reads ${all.map((c) => showLayout(c.layout)).join(' or ')}`,
        'another timeAxis',
      );
  } else if (input.dynamic >= 0) {
    chosen = candidates.find((c) => holdsTime(c.layout, input.dynamic)) ?? chosen;
    why = 'the symbolic dimension';
  } else if (!byDefault && anchor && recurrences.has(anchor.node.op)) {
    const readings = candidates.map(({ meaning, layout, dims }) => readingOf(meaning, dims, flat ? undefined : layout));
    chosen = candidates[options.pick?.({ input: input.name, where, readings, fallback: true }) ?? 0];
  } else {
    const timeOf = ({ meaning, dims, layout }: Candidate) => {
      const at = meaning.indexOf('t');
      return dims[at] === 1 ? -1 : flat ? at : layout.findIndex((_, d) => holdsTime(layout, d));
    };
    const long = candidates.filter((c, i) => timeOf(c) >= 0 && candidates.findIndex((d) => timeOf(d) === timeOf(c)) === i);
    const readings = long.map(({ meaning, layout, dims }) => readingOf(meaning, dims, flat ? undefined : layout));
    const keras = channelsLast && byDefault && input.dims.length === 3 && { convention: 'Keras has [batch, time, channels]' };
    const usual = keras || (isTurned && { convention: 'a layer reads the values of a frame' });
    chosen = long[long.length > 1 ? (options.pick?.({ input: input.name, where, readings, ...usual }) ?? 0) : 0] ?? chosen;
  }
  if (!chosen) return fail('its axes are unknown', whyNone(anchor), 'a first layer whose dimensions are those of the input');
  const by = byDefault || !chosen.anchor ? 'by convention' : `read by ${chosen.anchor.node.op} ${chosen.anchor.node.name}`;
  return { layout: chosen.layout, note: `input ${input.name}: axes ${showLayout(chosen.layout)}, ${why ?? by}` };
}

const whyNone = (anchor: Anchor | undefined): string =>
  anchor
    ? `${anchor.node.op} ${anchor.node.name} reads it as [${anchor.dims.join(', ')}], which no order of time, features and channels fits`
    : 'the first operator does not fit its shape';

/** Returns a reading; `dim` counts the file's dimensions, or for a flat input those of the first operator. */
function readingOf(meaning: Meaning, dims: readonly number[], layout: Layout | undefined): Reading {
  const at = meaning.indexOf('t');
  const dim = layout ? layout.findIndex((factors) => factors.some((f) => f.axis === 't')) : at;
  return { dim, frames: dims[at] ?? 1, frame: dims.filter((n, i) => i !== at && n > 1) };
}

function framed(
  input: InputShape,
  frame: number,
  fail: (what: string, why: string, tryThis: string) => never,
): { layout: Layout; note: string } {
  const n = countOf(input.dims);
  if (!Number.isInteger(frame) || frame < 1 || n % frame !== 0 || maxOf(input.dims) !== n)
    fail(`a frame of ${frame} values`, `${n} values are not a whole number of frames`, 'a divisor');
  const factors = [
    { axis: 't' as const, length: n / frame },
    { axis: 'c' as const, length: frame },
  ].filter((f) => f.length > 1);
  const layout = input.dims.map((length) => (length === 1 ? [] : factors));
  return { layout, note: `input ${input.name}: ${n / frame} frames of ${frame}, as asked` };
}
