/**
 * Functions that move, join, cut and repeat.
 *
 * In: calls.  Out: values of ONNX operators.  Source: keras.ops (numpy); indexes as in Python's slices.
 */
import type { Value as AnyValue } from '../../onnx/values.ts';
import { refuse } from '../fail.ts';
import { isObject } from '../model.ts';
import type { LowerFunction } from './arithmetic.ts';
import type { Fields } from './call.ts';

/** An end beyond every dimension; ONNX clips it. */
const end = 2 ** 31 - 1;

const wrapped = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export interface Moved {
  dims: number[];
  perm?: number[];
}

/** A function that only moves elements: returns the dimensions of its output, and their order. */
type Move = (fields: Fields, dims: readonly number[]) => Moved;

/** Reshapes all dimensions but the batch; one of them may be open. */
const reshaped: Move = (fields, dims) => {
  const [batch, ...target] = fields.integers('newshape', 'shape') ?? refuse('it has no shape');
  const count = dims.reduce((a, b) => a * b, 1);
  const known = target.reduce((n, d) => (d === -1 ? n : n * d), 1);
  const isSound = (batch === -1 || batch === 1) && known >= 1 && target.every((d) => d >= 1 || d === -1);
  if (!isSound || target.filter((d) => d === -1).length > 1 || count % known !== 0)
    refuse(`a shape of [${[batch, ...target].join(', ')}] for ${count} values`);
  return { dims: [1, ...target.map((d) => (d === -1 ? count / known : d))] };
};

const expanded: Move = (fields, dims) => {
  const at = wrapped(fields.axis(), dims.length + 1);
  return at > 0 && at <= dims.length ? { dims: dims.toSpliced(at, 0, 1) } : refuse(`axis ${at} of [${dims.join(', ')}]`);
};

const squeezed: Move = (fields, dims) => {
  const axes = (fields.integers('axis', 'squeeze_dims') ?? refuse('it has no axis')).map((axis) => wrapped(axis, dims.length));
  if (axes.some((axis) => axis < 1 || dims[axis] !== 1)) refuse(`axes ${axes.join(', ')} of [${dims.join(', ')}]`);
  return { dims: dims.filter((_, i) => !axes.includes(i)) };
};

const transposed: Move = (fields, dims) => {
  const given = fields.integers('axes', 'perm') ?? refuse('it turns the batch too: give its axes');
  const perm = given.map((axis) => wrapped(axis, dims.length));
  if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== dims.length)
    refuse(`axes ${perm.join(', ')} of ${dims.length} dimensions`);
  return { dims: perm.map((p) => dims[p] as number), perm };
};

/** Functions that only move elements, by name. input.ts also uses them, to trace inputs. */
export const moves: Readonly<Record<string, Move>> = {
  Reshape: reshaped,
  ExpandDims: expanded,
  Squeeze: squeezed,
  Transpose: transposed,
};

export const move =
  (of: Move): LowerFunction =>
  (call) => {
    const { dims, perm } = of(call, call.dims);
    return [perm ? call.onnx('Transpose', [call.x], { perm }) : call.onnx('Reshape', [call.x, call.ctx.integers(dims)])];
  };

export const concatenate: LowerFunction = (call) => [call.onnx('Concat', call.list, { axis: call.axis(-1) })];

export const stack: LowerFunction = (call) => {
  const axis = call.axis(0);
  const parts = call.list.map((x, i) => call.onnx('Unsqueeze', [x, call.ctx.integers([axis])], {}, `${i}`));
  return [call.onnx('Concat', parts, { axis })];
};

export const split: LowerFunction = (call) => {
  const { dims, ctx } = call;
  const axis = wrapped(call.axis(0), dims.length);
  const length = dims[axis] ?? refuse(`axis ${axis} of [${dims.join(', ')}]`);
  const given = call.integers('indices_or_sections', 'num_or_size_splits', 'num_split') ?? refuse('it has no parts');
  // Keras lists where parts end, TensorFlow how long they are
  const ends = [0, ...given.map((at) => wrapped(at, length)), length];
  const isList = Array.isArray(call.field('indices_or_sections', 'num_or_size_splits'));
  const [count = 0] = given;
  if (!isList && !(count >= 1 && count <= length)) refuse(`${count} parts of ${length}`);
  const lengths =
    call.field('indices_or_sections') === undefined ? given : ends.slice(1).map((to, i) => to - (ends[i] as number));
  const sizes = isList ? lengths : new Array<number>(count).fill(length / count);
  if (sizes.some((n) => !Number.isInteger(n) || n < 1)) refuse(`parts of ${sizes.join(', ')} of ${length}`);
  return ctx.onnxAll('Split', [call.x, ctx.integers(sizes)], { axis }, call.name, sizes.length);
};

export const pad: LowerFunction = (call) => {
  const given = call.field('pad_width', 'paddings');
  const pairs = (Array.isArray(given) ? given : refuse('its widths are malformed')).map((pair) =>
    [pair, pair].flat().slice(0, 2),
  );
  const flat = [...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)];
  if (flat.length > 16 || !flat.every((n) => Number.isSafeInteger(n))) refuse('its widths are malformed');
  const mode = String(call.field('mode') ?? 'constant').toLowerCase();
  const value = call.field('constant_values');
  const filled = typeof value === 'number' ? [call.number(value)] : [];
  return [call.onnx('Pad', [call.x, call.ctx.integers(flat as number[]), ...filled], { mode })];
};

/** Lowers Take; a single index removes the axis. */
export const take: LowerFunction = (call) => {
  const { dims } = call;
  const axis = wrapped(call.axis(), dims.length);
  const indices = [call.argument(1) ?? call.field('indices')].flat() as unknown[];
  if (!indices.every((n): n is number => Number.isSafeInteger(n))) return refuse('its indices are no constants');
  const isOne = !Array.isArray(call.argument(1) ?? call.field('indices'));
  const list = isOne ? call.ctx.scalar(wrapped(indices[0] as number, dims[axis] ?? 0)) : call.ctx.integers(indices);
  return [call.onnx('Gather', [call.x, list], { axis })];
};

/** Reverses dimensions; all but the batch if none is named. */
export const flip: LowerFunction = (call) => {
  const rank = call.dims.length;
  const axes = call.integers('axis') ?? call.dims.map((_, i) => i).slice(1);
  if (axes.some((axis) => wrapped(axis, rank) < 1)) refuse('it turns the batch round');
  const bounds = [-1, -end, 0, -1].map((n, i) => call.ctx.integers(axes.map((axis) => (i === 2 ? axis : n))));
  return [call.onnx('Slice', [call.x, ...bounds])];
};

export const tile: LowerFunction = (call) => {
  const given = call.integers('repeats', 'multiples') ?? refuse('it has no repeats');
  const repeats = [...call.dims.slice(given.length).map(() => 1), ...given];
  return [call.onnx('Tile', [call.x, call.ctx.integers(repeats)])];
};

/** Repeats every row several times, the copies next to each other. */
export const repeat: LowerFunction = (call) => {
  const { dims } = call;
  const axis = wrapped(call.axis(), dims.length);
  const times = call.integer(['repeats']);
  if (times < 1 || !(axis > 0 && axis < dims.length)) refuse(`${times} repeats along dimension ${axis}`);
  const sizes = dims.map((d, i) => (i === axis ? d * times : d));
  const how = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return [call.onnx('Resize', [call.x, call.ctx.none, call.ctx.none, call.ctx.integers(sizes)], how)];
};

/** Entry of an index, as in x[:, -1, 2:4, ..., None]. */
type Entry = { start: number; stop: number; step: number } | { at: number } | 'ellipsis' | 'new';

const integerOr = (x: unknown, fallback: number): number =>
  x === null || x === undefined ? fallback : Number.isSafeInteger(x) ? (x as number) : refuse('its index is no constant');

function entryOf(x: unknown): Entry {
  if (x === null) return 'new';
  if (Number.isSafeInteger(x)) return { at: x as number };
  const slice = isObject(x) && isObject(x.config) ? x.config : x;
  const kind = isObject(x) ? x.class_name : undefined;
  if (kind === '__ellipsis__' || (isObject(x) && x.value === 'Ellipsis')) return 'ellipsis';
  if (!isObject(slice) || !('start' in slice) || !('stop' in slice)) return refuse('its index is no constant');
  const step = integerOr(slice.step, 1);
  if (step === 0) refuse('a step of 0');
  const backwards = step < 0;
  return { start: integerOr(slice.start, backwards ? end : 0), stop: integerOr(slice.stop, backwards ? -end : end), step };
}

/** Lowers x[...]: slices ranges, removes the dimensions of single indexes and adds new ones. */
export const getItem: LowerFunction = (call) => {
  const given = call.argument(1) ?? call.field('slice_spec');
  const entries = (Array.isArray(given) ? given : [given]).map(entryOf);
  const { dims, ctx } = call;
  const named = entries.filter((e) => e !== 'ellipsis' && e !== 'new').length;
  if (named > dims.length || entries.length > 16 || entries.filter((e) => e === 'ellipsis').length > 1)
    refuse(`an index of ${entries.length} parts into ${dims.length} dimensions`);
  const ranges: { axis: number; start: number; stop: number; step: number }[] = [];
  const [gone, added] = [[] as number[], [] as number[]];
  let [axis, out] = [0, 0];
  for (const entry of entries) {
    if (entry === 'new') added.push(out++);
    else if (entry === 'ellipsis') {
      axis += dims.length - named;
      out += dims.length - named;
    } else if ('at' in entry) {
      ranges.push({ axis, start: entry.at, stop: entry.at === -1 ? end : entry.at + 1, step: 1 });
      gone.push(axis++);
    } else {
      const isWhole = entry.start === 0 && entry.stop === end && entry.step === 1;
      if (!isWhole) ranges.push({ axis, ...entry });
      axis++;
      out++;
    }
  }
  if (gone.includes(0)) refuse('it takes the batch away');
  const bounds = (['start', 'stop', 'axis', 'step'] as const).map((key) => ctx.integers(ranges.map((range) => range[key])));
  const last = (n: number) => (n === 0 ? '' : 'part');
  const steps: [boolean, (x: AnyValue, part: string) => AnyValue][] = [
    [ranges.length > 0, (x, part) => call.onnx('Slice', [x, ...bounds], {}, part)],
    [gone.length > 0, (x, part) => call.onnx('Squeeze', [x, ctx.integers(gone)], {}, part)],
    [added.length > 0, (x, part) => call.onnx('Unsqueeze', [x, ctx.integers(added)], {}, part)],
  ];
  const taken = steps.filter(([is]) => is);
  return [taken.reduce((x, [, step], i) => step(x, last(taken.length - 1 - i) && `part${i}`), call.x)];
};
