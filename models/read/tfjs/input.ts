/**
 * layoutOfInput: decides which dimensions of an input layer are time, features and channels.
 *
 * In: the input layer and the layers after it.  Out: its layout and the reason.  Rule: at the first layer
 * that does more than move elements, dimensions are [n, t, c], [n, t, f, c] or, if the option, a length of 1
 * or `pick` (time-axis.ts) says so, [n, f, t, c]; two dimensions are [n, c]. Moves before it are undone. A
 * layer that flattens does not show which dimension is time: [n, c, t] is possible too.
 */
import type { Axis } from '../../graph/types.ts';
import { kerasBatchOfOne } from '../foreign/lines.ts';
import { dim, inputLayout, type Layout, type ShapeStep, showLayout } from '../layout.ts';
import { maxElements } from '../onnx/context.ts';
import type { ReaderOptions } from '../options.ts';
import type { Reading } from '../time-axis.ts';
import { badInput, malformed, tooLarge } from './fail.ts';
import { identities } from './lower/index.ts';
import { movedDims } from './lower/shape.ts';
import type { Layer, Topology } from './model.ts';

/** Returns the file's shape with batch 1 and with the window for an open dimension. @throws RN164 */
export function shapeOfInput(layer: Layer, options: ReaderOptions): number[] {
  const where = `input ${layer.name}`;
  const given = layer.config.batch_input_shape ?? layer.config.batch_shape;
  if (!Array.isArray(given))
    throw badInput('an input without a shape', where, 'the window has to be known', 'save the model with an input shape');
  if (given.length < 2 || given.length > 4)
    throw badInput(
      `an input of ${given.length} dimensions`,
      where,
      'batch, time, features, channels are read',
      'reshape it in the model',
    );
  const window = options.windows?.[layer.name] ?? options.window;
  let open = 0;
  const dims = given.map((d: unknown, i) => {
    if (i === 0) {
      if (d === null || d === 1 || d === undefined) return 1;
      throw badInput(
        `the batch is ${String(d)}`,
        where,
        'a stream has one signal',
        `save the model with batch 1 or an open batch, or convert it: ${kerasBatchOfOne(given.map((n) => (typeof n === 'number' ? n : 1)))}`,
      );
    }
    if (d !== null) {
      if (typeof d !== 'number' || !Number.isSafeInteger(d) || d < 1) throw malformed('a shape is malformed', where);
      return d;
    }
    if (open++ > 0)
      throw badInput(
        'two dimensions are open',
        where,
        'only time may be open',
        'save the model with fixed features and channels',
      );
    if (window === undefined)
      throw badInput(
        `dimension ${i} is open`,
        where,
        'a window needs its number of frames',
        'the option window, for example --window 128',
      );
    if (!Number.isInteger(window) || window < 1)
      throw badInput(`a window of ${window} frames`, where, 'it has to be a whole number', 'another window');
    return window;
  });
  if (!(dims.reduce((a, b) => a * b, 1) <= maxElements)) throw tooLarge('an input of more than 2^24 elements', where);
  return dims;
}

/** Follows the input through layers that only move elements or do nothing. */
function trail({ layers }: Topology, input: Layer, dims: number[]): { dims: number[]; chain: ShapeStep[]; anchor: string } {
  const chain: ShapeStep[] = [];
  let at = input.name;
  let here = dims;
  for (let steps = 0; steps < 64; steps++) {
    const readers = layers.filter((l) => l.calls.some((call) => call.some((ref) => ref.layer === at)));
    const [next] = readers;
    if (readers.length !== 1 || !next || next.calls.length !== 1) return { dims: here, chain, anchor: next?.name ?? '' };
    const moved = movedDims(next, here);
    if (moved) {
      chain.push(moved.perm ? { kind: 'transpose', perm: moved.perm } : { kind: 'reshape', from: here });
      here = moved.dims;
    } else if (!identities.includes(next.className)) return { dims: here, chain, anchor: next.name };
    at = next.name;
  }
  return { dims: here, chain, anchor: '' };
}

export function layoutOfInput(
  topology: Topology,
  input: Layer,
  dims: number[],
  options: ReaderOptions,
): { layout: Layout; note: string } {
  const where = `input ${input.name} [${dims.join(', ')}]`;
  const found = trail(topology, input, dims);
  // flattened before the first layer: the input's dimensions are used
  const isFlattened = found.dims.length === 2 && dims.length > 2;
  const at = isFlattened ? dims : found.dims;
  const chain = isFlattened ? [] : found.chain;
  const flat = at.length === 2;
  const { frame, timeAxis } = options;
  const why =
    frame !== undefined || timeAxis !== undefined
      ? 'as asked'
      : isFlattened || !found.anchor
        ? 'by convention'
        : `read by ${found.anchor}`;
  let layout: Layout;
  if (flat && frame !== undefined) {
    const n = at[1] as number;
    if (frame < 1 || n % frame !== 0)
      throw badInput(`a frame of ${frame} values`, where, `${n} values are no whole number of frames`, 'a divisor');
    layout = [[], [...dim('t', n / frame), ...dim('c', frame)]];
  } else if (flat) layout = [[], dim('c', at[1] as number)];
  else {
    const meanings: (readonly Axis[])[] = at.length === 3 ? [['t', 'c']] : [['t', 'f', 'c'], ['f', 't', 'c']]; // biome-ignore format: one line
    if (at.length === 3) meanings.push(['c', 't']);
    const readings = meanings.map((m) => readingOf(m, at));
    layout = layoutOf(meanings[pickedOf(readings, input.name, where, isFlattened, at.length, options)] as readonly Axis[], at);
  }
  const undone = inputLayout(layout, chain);
  return { layout: undone, note: `input ${input.name}: axes ${showLayout(undone)}, ${why}` };
}

const layoutOf = (meaning: readonly Axis[], at: readonly number[]): Layout => [
  [],
  ...meaning.map((axis, i) => dim(axis, at[i + 1] as number)),
];

function readingOf(meaning: readonly Axis[], at: readonly number[]): Reading {
  const index = meaning.indexOf('t') + 1;
  return { dim: index, frames: at[index] as number, frame: at.filter((n, i) => i > 0 && i !== index && n > 1) };
}

/** Returns the index of the option's reading, of the only one with several frames, or of `pick`'s choice. */
function pickedOf(
  readings: readonly Reading[],
  input: string,
  where: string,
  isFlattened: boolean,
  rank: number,
  options: ReaderOptions,
): number {
  const { timeAxis, pick } = options;
  if (timeAxis !== undefined) {
    const asked = readings.findIndex((r) => r.dim === timeAxis);
    if (asked >= 0) return asked;
    const can = readings.map((r) => r.dim).join(' and ');
    throw badInput(`dimension ${timeAxis} cannot be time`, where, readings.length > 1 ? `dimensions ${can} can` : `dimension ${can} is`, 'another --time-axis'); // biome-ignore format: one line
  }
  if (!isFlattened && rank === 3) return pick?.({ input, where, readings, fallback: true }) ?? 0;
  const long = [...readings.keys()].filter((i) => readings[i]?.frames !== 1);
  if (long.length < 2) return long[0] ?? 0;
  const usual = isFlattened && readings.every((r) => r.frame.length < 2) && { convention: 'Keras has [batch, time, channels]' };
  return long[pick?.({ input, where, readings: long.map((i) => readings[i] as Reading), ...usual }) ?? 0] ?? 0;
}
