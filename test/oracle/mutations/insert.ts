/**
 * Mutations that insert an operator: padding, partial rows, rows combined with each other, changed ranks,
 * changed scales.
 *
 * In: an Edit.  Out: false if the mutation does not apply.
 */
import type { OperatorOf } from '../file.ts';
import type { Edit, Mutation } from './edit.ts';

/** Operators whose int8 output is [1][rows][f][c]. */
function flows(e: Edit): OperatorOf[] {
  const makers = e.all(
    'CONV_2D',
    'DEPTHWISE_CONV_2D',
    'CONCATENATION',
    'RESHAPE',
    'EXPAND_DIMS',
    'ADD',
    'READ_VARIABLE',
    'STRIDED_SLICE',
  );
  return makers.filter(
    (o) => e.outputOf(o).shape.length === 4 && e.outputOf(o).type === 'int8' && e.readersOf(o.outputs[0] ?? -1).length > 0,
  );
}

/** Chooses a flow, and makes one of its readers (or all) read a new tensor of `shape`. */
function tap(e: Edit, shapeOf: (shape: number[]) => number[]): { maker: OperatorOf; from: number; to: number } | undefined {
  const found = flows(e);
  if (found.length === 0) return undefined;
  const maker = e.rng.pick(found);
  const from = maker.outputs[0] as number;
  const to = e.like(from, { shape: shapeOf(e.tensor(from).shape) });
  const readers = e.readersOf(from);
  const chosen = e.rng.chance(0.6) ? [e.rng.pick(readers)] : readers;
  for (const o of chosen) o.inputs = o.inputs.map((id) => (id === from ? to : id));
  return { maker, from, to };
}

const slice = { ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0, offset: 0 };
const all = [1, 1, 1, 1];

export const insertMutations: Record<string, Mutation> = {
  'padding in time': (e) => {
    const [before, after] = e.rng.pick([
      [1, 0],
      [2, 0],
      [0, 1],
      [1, 1],
    ]) as [number, number];
    const t = tap(e, (s) => s.map((d, i) => (i === 1 ? d + before + after : d)));
    if (t) e.insert(t.maker, 'behind', 'PAD', [t.from, e.constants([0, 0, before, after, 0, 0, 0, 0], [4, 2])], [t.to]);
    return t !== undefined;
  },
  'part of the rows': (e) => {
    let [from, to] = [0, 0];
    const t = tap(e, (s) => {
      const rows = s[1] as number;
      from = e.rng.int(0, rows - 1);
      to = e.rng.int(from + 1, rows);
      return s.map((d, i) => (i === 1 ? to - from : d));
    });
    if (!t) return false;
    const lists = [[0, from, 0, 0], [0, to, 0, 0], all].map((list) => e.constants(list));
    e.insert(t.maker, 'behind', 'STRIDED_SLICE', [t.from, ...lists], [t.to], { ...slice, beginMask: 13, endMask: 13 });
    return true;
  },
  'one row, its dimension dropped': (e) => {
    // STRIDED_SLICE drops the rows' dimension, EXPAND_DIMS or RESHAPE restores it. In Micro, begin_mask still
    // applies.
    let rows = 1;
    const t = tap(e, (s) => {
      rows = s[1] as number;
      return s.map((d, i) => (i === 1 ? 1 : d));
    });
    if (!t) return false;
    const row = e.rng.int(-rows, rows - 1);
    const flat = e.like(t.from, { shape: e.tensor(t.to).shape.filter((_, i) => i !== 1) });
    const lists = [[0, row, 0, 0], [0, row + 1, 0, 0], all].map((list) => e.constants(list));
    const beginMask = e.rng.chance(0.3) ? 15 : 13;
    const cut = e.insert(t.maker, 'behind', 'STRIDED_SLICE', [t.from, ...lists], [flat], {
      ...slice,
      beginMask,
      endMask: 13,
      shrinkAxisMask: 2,
    });
    e.insert(cut, 'behind', 'EXPAND_DIMS', [flat, e.constants([1], [])], [t.to]);
    return true;
  },
  'one channel or feature': (e) => {
    const axis = e.rng.pick([2, 3]);
    const t = tap(e, (s) => s.map((d, i) => (i === axis ? 1 : d)));
    if (!t) return false;
    const at = e.rng.int(0, (e.tensor(t.from).shape[axis] as number) - 1);
    const lists = [0, 1, 2].map((k) => e.constants(all.map((_, i) => (k === 2 ? 1 : i === axis ? at + k : 0))));
    const mask = 15 & ~(1 << axis);
    e.insert(t.maker, 'behind', 'STRIDED_SLICE', [t.from, ...lists], [t.to], { ...slice, beginMask: mask, endMask: mask });
    return true;
  },
  'rows joined twice': (e) => {
    const t = tap(e, (s) => s.map((d, i) => (i === 1 ? 2 * d : d)));
    if (t) e.insert(t.maker, 'behind', 'CONCATENATION', [t.from, t.from], [t.to], { axis: 1, activation: 0 });
    return t !== undefined;
  },
  'a row combined with all rows': (e) => {
    const t = tap(e, (s) => s);
    if (!t) return false;
    const { shape } = e.tensor(t.from);
    const row = e.like(t.from, { shape: shape.map((d, i) => (i === 1 ? 1 : d)) });
    const lists = [[0, -1, 0, 0], [0, 0, 0, 0], all].map((list) => e.constants(list));
    const cut = e.insert(t.maker, 'behind', 'STRIDED_SLICE', [t.from, ...lists], [row], { ...slice, beginMask: 13, endMask: 15 });
    e.insert(cut, 'behind', 'ADD', [t.from, row], [t.to], { activation: 0, potScale: 1 });
    return true;
  },
  'a constant for each row': (e) => {
    const t = tap(e, (s) => s);
    if (!t) return false;
    const { shape, quant } = e.tensor(t.from);
    const own = e.rng.pick([
      [1, shape[1] as number, 1, shape[3] as number],
      [1, shape[1] as number, 1, 1],
      shape,
      [1, 1, shape[2] as number, 1],
    ]);
    const data = Uint8Array.from({ length: own.reduce((a, b) => a * b, 1) }, () => e.rng.int(0, 255));
    const constant = e.add({ name: 'rows', type: 'int8', shape: own, data, ...(quant ? { quant: structuredClone(quant) } : {}) });
    e.insert(t.maker, 'behind', 'ADD', e.rng.shuffled([t.from, constant]), [t.to], { activation: 0, potScale: 1 });
    return true;
  },
  'scale of any tensor': (e) => {
    const tensors = e.main.tensors.filter((t) => t.type === 'int8' && !t.data && t.quant);
    if (tensors.length === 0) return false;
    const t = e.rng.pick(tensors);
    const scale = Math.fround((t.quant?.scales[0] ?? 1) * e.rng.pick([0.5, 0.999, 1.7]));
    t.quant = e.rng.chance(0.5)
      ? { scales: [scale], zeroPoints: t.quant?.zeroPoints ?? [0], axis: 0 }
      : { scales: t.quant?.scales ?? [1], zeroPoints: [e.rng.int(-128, 127)], axis: 0 };
    return true;
  },
  'scale after a reshape': (e) => {
    const o = e.any('RESHAPE', 'EXPAND_DIMS', 'SPLIT_V', 'SPLIT', 'MAX_POOL_2D', 'AVERAGE_POOL_2D');
    const quant = o && e.outputOf(o).quant;
    if (!o || !quant) return false;
    e.outputOf(o).quant = { ...quant, zeroPoints: [e.rng.int(-128, 127)] };
    return true;
  },
  'scale of weights': (e) => {
    const o = e.any('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED');
    const w = o && e.inputOf(o, 1);
    if (!w?.quant) return false;
    const { scales } = w.quant;
    const what = e.rng.pick(['one', 'shorter', 'axis', 'zero point', 'doubled']);
    if (what === 'one') w.quant.scales = [scales[0] as number];
    if (what === 'shorter') w.quant.scales = scales.slice(1);
    if (what === 'axis') w.quant.axis = e.rng.int(0, 3);
    if (what === 'zero point') w.quant.zeroPoints = w.quant.zeroPoints.with(0, e.rng.int(1, 5));
    if (what === 'doubled') w.quant.scales = scales.map((s, i) => (i === 0 ? 2 * s : s));
    return true;
  },
  'batch of two': (e) => {
    const id = e.main.inputs[0] as number;
    e.tensor(id).shape = e.tensor(id).shape.map((d, i) => (i === 0 ? 2 : d));
    if (e.rng.chance(0.5))
      for (const t of e.main.tensors) if (!t.data && t.shape.length > 0 && t.shape[0] === 1) t.shape = t.shape.with(0, 2);
    return true;
  },
  'a pointwise layer as a dense one': (e) => {
    const found = e.all('CONV_2D').filter((o) => e.inputOf(o, 1).shape.slice(1, 3).join() === '1,1' && o.options.strideH === 1);
    if (found.length === 0) return false;
    const o = e.rng.pick(found);
    const w = e.inputOf(o, 1);
    o.op = 'FULLY_CONNECTED';
    w.shape = [w.shape[0] as number, w.shape[3] as number];
    o.options = { activation: o.options.activation, weightsFormat: 0, keepDims: e.rng.int(0, 1) };
    return true;
  },
};
