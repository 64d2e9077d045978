/**
 * layoutOfInput: which dimension of an input layer is time, which features, which channels.
 *
 * In: the input layer and the layers behind it.  Out: its layout and why.  Rule: at the first layer that does more than move, dimensions are [n, t, c],
 * [n, t, f, c] or, where the option or a length of 1 says so, [n, f, t, c]; two dimensions are [n, c]. Moves before it are undone.
 */
import { inputLayout, type Layout, type ShapeStep, showLayout } from '../layout.ts';
import type { ReadOptions } from '../options.ts';
import { dim, maxElements } from './context.ts';
import { badInput, malformed, tooLarge } from './fail.ts';
import { identities } from './lower/index.ts';
import { movedDims } from './lower/shape.ts';
import type { Layer, Topology } from './topology.ts';

/** The file's shape with batch 1 and the window in place of an open dimension. @throws RN164 */
export function shapeOfInput(layer: Layer, options: ReadOptions): number[] {
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
        'save the model with batch 1 or an open batch',
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

/** Follows the input through layers that only move or do nothing. */
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
  options: ReadOptions,
): { layout: Layout; note: string } {
  const where = `input ${input.name} [${dims.join(', ')}]`;
  const found = trail(topology, input, dims);
  // flat at the first layer: its own dimensions say more, or the option
  const own = found.dims.length === 2 && dims.length > 2;
  const at = own ? dims : found.dims;
  const chain = own ? [] : found.chain;
  const flat = at.length === 2;
  const { frame, timeAxis } = options;
  let layout: Layout;
  let why = own || found.anchor === '' ? 'by convention' : `read by ${found.anchor}`;
  if (flat && frame !== undefined) {
    const n = at[1] as number;
    if (frame < 1 || n % frame !== 0)
      throw badInput(`a frame of ${frame} values`, where, `${n} values are no whole number of frames`, 'a divisor');
    layout = [[], [...dim('t', n / frame), ...dim('c', frame)]];
    why = 'as asked';
  } else if (flat) layout = [[], dim('c', at[1] as number)];
  else {
    const [, first, second] = at as [number, number, number];
    const planar = at.length === 4;
    const asked = timeAxis === undefined ? undefined : timeAxis;
    if (asked !== undefined && !(asked === 1 || (planar && asked === 2)))
      throw badInput(
        `dimension ${asked} cannot be time`,
        where,
        planar ? 'dimensions 1 and 2 can' : 'dimension 1 is',
        'another --time-axis',
      );
    const swapped = planar && (asked === 2 || (asked === undefined && first === 1 && second > 1));
    if (asked !== undefined) why = 'as asked';
    const spatial = swapped
      ? [dim('f', first), dim('t', second)]
      : planar
        ? [dim('t', first), dim('f', second)]
        : [dim('t', first)];
    layout = [[], ...spatial, dim('c', at.at(-1) as number)];
  }
  const undone = inputLayout(layout, chain);
  return { layout: undone, note: `input ${input.name}: axes ${showLayout(undone)}, ${why}` };
}
