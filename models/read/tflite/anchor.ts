/**
 * Anchor: finds the axis of each dimension of a graph input.
 *
 * In: a graph input.
 * Out: its layout. The first operator that computes along axes (a convolution, a pool, a reduction, a dense
 * layer) fixes them; the shape-only and point-wise operators between the input and it are undone (layout.ts
 * inputLayout). Time is the first of these that exists: the `timeAxis` option, a dynamic dimension, the axis
 * of the model's state, the height or width of that operator's input if the other is 1, the choice of `pick`
 * (time-axis.ts).
 * Errors: RN112 (no such time axis), RN113 (frame).
 */
import { RunletError } from '../../error.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Axis } from '../../graph/types.ts';
import { lookup } from '../../lookup.ts';
import { unaryOperators } from '../../ops/unary.ts';
import { type Factor, fileShapeOf, inputLayout, type Layout, orderOf } from '../layout.ts';
import type { ReaderOptions } from '../options.ts';
import type { Reading } from '../time-axis.ts';
import { readIntegers } from './constants.ts';
import type { Context } from './context.ts';
import type { TfOperator, TfTensor } from './model.ts';
import { optionsOf } from './schema.ts';

const reshapes = new Set(['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS']);
const transparent = new Set([
  ...unaryOperators('tflite'),
  'QUANTIZE',
  'DEQUANTIZE',
  'FAKE_QUANT',
  'ADD',
  'SUB',
  'MUL',
  'CONCATENATION',
  'PAD',
  'PADV2',
  'MAXIMUM',
  'MINIMUM',
  'NEG',
  'POW',
  'SELECT',
  'SELECT_V2',
]);

interface Anchor {
  /** The operator that computes along the axes; undefined if the graph has none. */
  op: TfOperator | undefined;
  shape: number[];
  /** Operators from the graph input to `op`, in order. */
  path: TfOperator[];
}

/** Returns the layout of graph input `tensor` and adds a note on how time was chosen. */
export function layoutOfInput(context: Context, tensor: TfTensor, options: ReaderOptions, builder: GraphBuilder): Layout {
  let anchor = findAnchor(context, tensor);
  const wide = (shape: number[]) => shape.slice(1).filter((n) => n > 1).length;
  if (wide(anchor.shape) < 2 && wide(tensor.shape) >= 2) anchor = { op: anchor.op, shape: tensor.shape, path: [] };
  const state = stateAxis(context, anchor.shape.length);
  const flattened = flattens(context, anchor);
  const rows = timeMajor(anchor);
  const candidates = rows ?? candidatesOf(anchor.shape, options, state, flattened);
  const undone = candidates.map((layout) => undo(context, layout, anchor, tensor));
  const isFlat = wide(tensor.shape) < 2 && wide(anchor.shape) >= 2;
  const holdsTime = (i: number, dim: number) =>
    (((isFlat ? candidates : undone)[i] ?? [])[dim] ?? []).some((f) => f.axis === 't');
  const at = anchor.op ? `input of ${anchor.op.name}` : 'graph input';
  const where = `input '${tensor.name}' [${tensor.shape.join(', ')}]`;
  let chosen = 0;
  let why = `the first spatial dimension longer than 1 of the ${at}`;
  const [dynamic = -1] = openDims(tensor);
  if (options.timeAxis !== undefined) {
    const wanted = options.timeAxis;
    chosen = candidates.findIndex((_, i) => holdsTime(i, wanted));
    why = 'the timeAxis option';
    if (chosen < 0) throw noSuchAxis(wanted, isFlat ? anchor.shape : tensor.shape, isFlat ? at : `input '${tensor.name}'`);
  } else if (dynamic > 0) {
    checkWindow(tensor, dynamic);
    const found = candidates.findIndex((_, i) => !isFlat && holdsTime(i, dynamic));
    if (found >= 0) [chosen, why] = [found, 'the dynamic dimension of the file'];
  } else if (rows) {
    const readings = undone.map(readingOf);
    chosen = options.pick?.({ input: tensor.name, where, readings, fallback: true }) ?? 0;
  } else if (state === undefined) {
    const readings = (isFlat ? candidates : undone).map(readingOf);
    const long = [...readings.keys()].filter((i) => readings[i]?.frames !== 1);
    if (long.length > 1) {
      const open = { input: tensor.name, where, readings: long.map((i) => readings[i] as Reading) };
      const usual = flattened && anchor.shape.length === 3 && { convention: 'Keras has [batch, time, channels]' };
      chosen = long[options.pick?.({ ...open, ...usual }) ?? 0] ?? 0;
      why = 'the evidence';
    }
  }
  const layout = undone[chosen] as Layout;
  const dim = layout.findIndex((factors) => factors.some((f) => f.axis === 't'));
  builder.notes.push(
    `input '${tensor.name}' [${tensor.shape.join(', ')}] is read as ${orderOf(layout).join(', ') || 'one element'}: ` +
      (dim < 0 ? 'it has one frame' : `time is dimension ${dim}, from ${why}`),
  );
  return layout;
}

/** Describes a layout as a reading; `dim` counts dimensions as `timeAxis` does. */
function readingOf(layout: Layout): Reading {
  const lengths = fileShapeOf(layout);
  const dim = layout.findIndex((factors) => factors.some((f) => f.axis === 't'));
  return { dim, frames: lengths[dim] ?? 1, frame: lengths.filter((n, i) => i !== dim && n > 1) };
}

/** Checks whether the operator flattens its input and so hides what the input's dimensions are. */
function flattens(context: Context, { op, shape }: Anchor): boolean {
  if (!op) return true;
  return op.op === 'FULLY_CONNECTED' && context.model.tensors[op.inputs[1] ?? -1]?.shape[1] !== shape.at(-1);
}

/** Searches breadth-first from the input for the nearest operator that computes along axes. */
function findAnchor(context: Context, tensor: TfTensor): Anchor {
  const { consumers, model } = context;
  const queue: { index: number; path: TfOperator[] }[] = [{ index: tensor.index, path: [] }];
  const seen = new Set([tensor.index]);
  const elements = tensor.shape.reduce((product, n) => product * n, 1);
  let longest: Anchor = { op: undefined, shape: tensor.shape, path: [] };
  for (let next = queue.shift(); next; next = queue.shift()) {
    const at = model.tensors[next.index];
    const shape = at ? filled(at, elements) : [];
    for (const op of consumers.get(next.index) ?? []) {
      if (context.shapeArithmetic.has(op.index)) continue;
      if (!(reshapes.has(op.op) || op.op === 'TRANSPOSE' || transparent.has(op.op)))
        return { op, shape: rowsOf(context, op, tensor, next.index) ?? shape, path: next.path };
      const [output] = op.outputs;
      if (output === undefined || seen.has(output) || next.path.length > 256) continue;
      seen.add(output);
      queue.push({ index: output, path: [...next.path, op] });
      const result = model.tensors[output];
      longest = { op: undefined, shape: result ? filled(result, elements) : [], path: [...next.path, op] };
    }
  }
  return longest;
}

/** Returns the layouts of an operator on [time, 1, values]; the second is a recurrence over channels. */
function timeMajor({ op, shape }: Anchor): Layout[] | undefined {
  const is = op?.op === 'WHILE' || op?.op === 'REVERSE_V2' || (op?.op === 'UNIDIRECTIONAL_SEQUENCE_LSTM' && op.options?.bool(3));
  if (!is || shape.length !== 3 || shape[1] !== 1) return undefined;
  const [steps = 1, , values = 1] = shape;
  const laid = (first: Axis, last: Axis): Layout => [[{ axis: first, length: steps }], [], [{ axis: last, length: values }]];
  return [laid('t', 'c'), laid('c', 't')];
}

/**
 * Returns the shape [n, k] of a dense layer's input whose batch is dynamic. k is the width of the weights; n
 * follows from the number of elements of the graph input.
 */
function rowsOf({ model }: Context, op: TfOperator, input: TfTensor, index: number): number[] | undefined {
  const { shape = [], signature = [] } = model.tensors[index] ?? {};
  const width = model.tensors[op.inputs[1] ?? -1]?.shape[1] ?? 0;
  if (op.op !== 'FULLY_CONNECTED' || shape.length !== 2 || !signature.includes(-1) || width < 1) return undefined;
  const total = input.shape.reduce((product, n) => product * n, 1);
  return total % width === 0 ? [total / width, width] : undefined;
}

/** Returns the possible layouts of the anchor's input, the default first. */
function candidatesOf(shape: number[], options: ReaderOptions, state: number | undefined, flattened: boolean): Layout[] {
  const factor = (axis: Factor['axis'], dim: number): Factor[] => [{ axis, length: shape[dim] ?? 1 }];
  const unit = shape.slice(1, -3).map(() => []);
  const rank = shape.length;
  const batch = framesAsBatch(shape);
  if (batch) return [batch];
  // a dense layer works on the last dimension: each row is a frame
  if (rank === 2 && (shape[0] ?? 1) > 1 && options.frame === undefined) return [[factor('t', 0), factor('c', 1)]];
  if (rank <= 2) return [flatLayout(shape, options)];
  if (rank === 3) {
    const timeFirst: Layout = [[], factor('t', 1), factor('c', 2)];
    // an operator that flattens its input does not show which dimension is time
    return flattened && state === undefined ? [timeFirst, [[], factor('c', 1), factor('t', 2)]] : [timeFirst];
  }
  const [h, w] = [rank - 3, rank - 2];
  const heightFirst: Layout = [[], ...unit, factor('t', h), factor('f', w), factor('c', rank - 1)];
  const widthFirst: Layout = [[], ...unit, factor('f', h), factor('t', w), factor('c', rank - 1)];
  const wide = state === undefined ? shape[h] === 1 && (shape[w] ?? 1) > 1 : state === w;
  return wide ? [widthFirst, heightFirst] : [heightFirst, widthFirst];
}

/** Returns the layout whose batch holds the frames (TimeDistributed layers); undefined if the batch is 1. */
function framesAsBatch(shape: number[]): Layout | undefined {
  const rows = shape.slice(1, -1).filter((n) => n > 1);
  if ((shape[0] ?? 1) < 2 || shape.length < 3 || rows.length > 1) return undefined;
  const last = shape.length - 1;
  return shape.map((length, d): Factor[] => (length === 1 ? [] : [{ axis: d === 0 ? 't' : d === last ? 'c' : 'f', length }]));
}

/** Returns the dimension along which a stateful model joins its states with new rows. It is time. */
function stateAxis({ model, stateful }: Context, rank: number): number | undefined {
  if (!stateful) return undefined;
  const read = new Set(model.operators.filter((op) => op.op === 'READ_VARIABLE').flatMap((op) => op.outputs));
  for (const op of model.operators) {
    if (op.op === 'STRIDED_SLICE' && read.has(op.inputs[0] ?? -1)) for (const index of op.outputs) read.add(index);
    if (op.op !== 'CONCATENATION' || !read.has(op.inputs[0] ?? -1)) continue;
    const length = model.tensors[op.outputs[0] ?? -1]?.shape.length;
    const axis = op.optionsType === optionsOf.CONCATENATION ? (op.options?.int32(0) ?? 0) : 0;
    if (length === rank) return axis < 0 ? axis + rank : axis;
  }
  return undefined;
}

/** Returns the layout of a flat input: one frame of all elements, or frames of `frame` elements. */
function flatLayout(shape: number[], { frame }: ReaderOptions): Layout {
  const total = shape.reduce((product, n) => product * n, 1);
  const lead = shape.slice(1).map(() => [] as Factor[]);
  if (frame === undefined) return [...lead, [{ axis: 'c', length: total }]];
  if (!Number.isInteger(frame) || frame < 1 || total % frame !== 0) {
    throw new RunletError('RN113', {
      what: `a frame of ${frame} elements does not divide the input of ${total}`,
      where: 'option frame',
      tryThis: 'the number of values that one time step has',
    });
  }
  return [
    ...lead,
    [
      { axis: 't', length: total / frame },
      { axis: 'c', length: frame },
    ],
  ];
}

/** Returns the graph input's layout by undoing the operators of the path, the last one first. */
function undo(context: Context, layout: Layout, anchor: Anchor, tensor: TfTensor): Layout {
  const inputs = anchor.path.map((_, i) => (i === 0 ? tensor.index : (anchor.path[i - 1]?.outputs[0] as number)));
  const elements = tensor.shape.reduce((product, n) => product * n, 1);
  let at = layout;
  for (let i = anchor.path.length - 1; i >= 0; i--) {
    const op = anchor.path[i] as TfOperator;
    const file = context.model.tensors[inputs[i] as number];
    const from = file ? filled(file, elements) : [];
    if (reshapes.has(op.op)) at = inputLayout(at, [{ kind: 'reshape', from }]);
    else if (op.op === 'TRANSPOSE')
      at = inputLayout(at, [{ kind: 'transpose', perm: readIntegers(context, op, context.input(op, 1)) }]);
    else at = withLengths(at, from, op);
  }
  return at;
}

/** Returns the same axes with other lengths: the input of a padding, concatenation or broadcast. */
function withLengths(layout: Layout, shape: number[], op: TfOperator): Layout {
  const lengths = fileShapeOf(layout);
  const missing = layout.length - shape.length;
  return shape.map((length, i) => {
    const factors = layout[i + missing] ?? [];
    if (lengths[i + missing] === length) return factors;
    const [only, more] = factors;
    if (only && !more) return [{ axis: only.axis, length }];
    throw new RunletError('RN112', {
      what: `the axes of the graph input cannot be determined`,
      where: op.name,
      why: `it changes dimension ${i}, which is not one axis`,
      tryThis: 'export the model with its input shaped [1, time, channels] or [1, time, features, channels]',
    });
  });
}

/** Returns the dynamic dimensions other than the batch. */
const openDims = ({ signature }: TfTensor): number[] => signature.flatMap((n, dim) => (dim > 0 && n === -1 ? [dim] : []));

/** Returns a graph input whose dynamic dimension has the number of frames that the caller gives. */
export function withWindow(tensor: TfTensor, { window, windows }: ReaderOptions): TfTensor {
  const [dim, more] = openDims(tensor);
  const frames = lookup(windows ?? {}, tensor.name) ?? window;
  if (dim === undefined || more !== undefined || frames === undefined) return tensor;
  if (Number.isInteger(frames) && frames >= 1) return { ...tensor, shape: tensor.shape.with(dim, frames) };
  throw new RunletError('RN112', {
    what: `a window of ${frames} frames`,
    where: `input '${tensor.name}'`,
    tryThis: 'a whole number',
  });
}

/**
 * Returns the shape of a tensor with as many elements as the graph input. This number gives the length of a
 * dynamic dimension, or else of a dynamic batch.
 */
function filled(tensor: TfTensor, elements: number): number[] {
  const { shape, signature } = tensor;
  const open = openDims(tensor);
  const [dim, more] = open.length === 0 && signature[0] === -1 ? [0] : open;
  const others = shape.reduce((product, n, d) => (d === dim ? product : product * n), 1);
  return dim === undefined || more !== undefined || shape[dim] !== 1 || elements % others !== 0
    ? shape
    : shape.with(dim, elements / others);
}

function checkWindow(tensor: TfTensor, dim: number): void {
  if (tensor.shape[dim] !== 1) return;
  throw new RunletError('RN112', {
    what: `dimension ${dim} of input '${tensor.name}' has no fixed length`,
    where: `shape [${tensor.signature.join(', ')}]`,
    why: 'every shape in the file depends on the window length',
    tryThis: '--window with the frames of a window',
  });
}

const noSuchAxis = (axis: number, shape: number[], where: string): RunletError =>
  new RunletError('RN112', {
    what: `dimension ${axis} cannot be time`,
    where: `option timeAxis, ${where} [${shape.join(', ')}]`,
    why: 'the first operator does not slide or reduce over it',
    tryThis: 'another dimension, or none to let the reader choose; a flat input needs the frame option',
  });
