/**
 * Rules for operators that move, join, cut and reduce, and for TensorFlow's shape arithmetic.
 *
 * In: TensorFlow operators with constant axes.  Out: ONNX operators. Source: TensorFlow's array_ops and
 * math_ops.
 */
import { refuse } from '../../fail.ts';
import type { NodeDef } from '../nodes.ts';
import type { Rewriter, Split } from '../rewriter.ts';

/** An end beyond every dimension; ONNX clips it. */
const end = 2 ** 31 - 1;

export function rewriteReshape(rewriter: Rewriter, node: NodeDef): void {
  rewriter.emit(node, 'Reshape', [rewriter.input(node, 0), rewriter.input(node, 1)], { allowzero: 1 }, true);
}

/** Makes an axis non-negative: values around a convolution have four dimensions. */
const around = (axis: number): number => (axis < 0 ? axis + 4 : axis);

export function rewriteExpandDims(rewriter: Rewriter, node: NodeDef): void {
  const axis = rewriter.integer(node, 1, 'axis');
  const x = rewriter.input(node, 0);
  rewriter.emit(node, 'Unsqueeze', [x, rewriter.given([axis], [1])], {}, true);
  const split = rewriter.splitOf(x);
  if (split)
    rewriter.split(
      node.name,
      moved(split, (dim) => (dim >= around(axis) ? dim + 1 : dim)),
    );
}

export function rewriteSqueeze(rewriter: Rewriter, node: NodeDef): void {
  const named = node.integers('squeeze_dims');
  const axes = named.length > 0 ? named : node.integers('axis');
  const x = rewriter.input(node, 0);
  rewriter.emit(node, 'Squeeze', axes.length > 0 ? [x, rewriter.given(axes, [axes.length])] : [x], {}, true);
  const split = rewriter.splitOf(x);
  if (!split) return;
  const [axis = 0] = axes.map(around);
  if (axes.length !== 1 || split.has(axis)) refuse('it squeezes what SpaceToBatchND has split');
  rewriter.split(
    node.name,
    moved(split, (dim) => (dim > axis ? dim - 1 : dim)),
  );
}

const moved = (split: Split, to: (dim: number) => number): Split => new Map([...split].map(([dim, block]) => [to(dim), block]));

/** Rewrites resizing by repeated rows or by linear interpolation. */
export function rewriteResize(rewriter: Rewriter, node: NodeDef): void {
  if (node.flag('align_corners')) refuse('its corners are aligned');
  const sizes = rewriter.given(rewriter.integers(node, 1, 'size'), [2]);
  const half = node.flag('half_pixel_centers');
  const attributes = {
    axes: [1, 2],
    mode: node.op === 'ResizeBilinear' ? 'linear' : 'nearest',
    coordinate_transformation_mode: half ? 'half_pixel' : 'asymmetric',
    nearest_mode: half ? 'round_prefer_ceil' : 'floor',
  };
  rewriter.emit(node, 'Resize', [rewriter.input(node, 0), '', '', sizes], attributes, true);
}

export function rewriteTranspose(rewriter: Rewriter, node: NodeDef): void {
  rewriter.emit(node, 'Transpose', [rewriter.input(node, 0)], { perm: rewriter.integers(node, 1, 'perm') }, true);
}

/** Rewrites ConcatV2, whose last input is the axis. */
export function rewriteConcat(rewriter: Rewriter, node: NodeDef): void {
  const axis = rewriter.integer(node, node.inputs.length - 1, 'axis');
  rewriter.emit(node, 'Concat', node.inputs.slice(0, -1), { axis }, true);
}

export function rewritePack(rewriter: Rewriter, node: NodeDef): void {
  const axis = node.integer('axis', 0);
  const axes = rewriter.given([axis], [1]);
  const parts = node.inputs.map((x) => rewriter.emit(node, 'Unsqueeze', [x, axes]));
  rewriter.emit(node, 'Concat', parts, { axis }, true);
}

/** Returns pads in ONNX's order: all before, then all after. */
export function padsOf(rewriter: Rewriter, node: NodeDef, at: number): number[] {
  const pairs = rewriter.integers(node, at, 'paddings');
  return [...pairs.filter((_, i) => i % 2 === 0), ...pairs.filter((_, i) => i % 2 === 1)];
}

export function rewritePad(rewriter: Rewriter, node: NodeDef): void {
  const pads = padsOf(rewriter, node, 1);
  const value = node.op === 'PadV2' ? [rewriter.input(node, 2)] : [];
  const mode = node.op === 'MirrorPad' ? node.text('mode', 'REFLECT').toLowerCase() : 'constant';
  rewriter.emit(node, 'Pad', [rewriter.input(node, 0), rewriter.given(pads, [pads.length]), ...value], { mode }, true);
}

interface Range {
  axis: number;
  from: number;
  to: number;
  step: number;
}

function sliced(rewriter: Rewriter, node: NodeDef, ranges: readonly Range[], last: boolean): string {
  const list = (values: number[]) => rewriter.given(values, [values.length]);
  const bounds = [ranges.map((r) => r.from), ranges.map((r) => r.to), ranges.map((r) => r.axis), ranges.map((r) => r.step)];
  return rewriter.emit(node, 'Slice', [rewriter.input(node, 0), ...bounds.map(list)], {}, last);
}

export function rewriteSlice(rewriter: Rewriter, node: NodeDef): void {
  const from = rewriter.integers(node, 1, 'begin');
  const size = rewriter.integers(node, 2, 'size');
  if (from.length !== size.length) refuse('its begin and size differ in length');
  const to = (i: number): number => (size[i] === -1 ? end : (from[i] as number) + (size[i] as number));
  sliced(rewriter, node, from.map((n, axis) => ({ axis, from: n, to: to(axis), step: 1 })), true); // biome-ignore format: one line
}

export function rewriteReverse(rewriter: Rewriter, node: NodeDef): void {
  const axes = rewriter.integers(node, 1, 'axes');
  sliced(rewriter, node, axes.map((axis) => ({ axis, from: -1, to: -end, step: -1 })), true); // biome-ignore format: one line
}

/** Kind of one entry of a StridedSlice, from its masks. */
type Entry = 'range' | 'shrunk' | 'new' | 'ellipsis';

function entriesOf(node: NodeDef, count: number): Entry[] {
  const has = (what: string, i: number): boolean => Math.floor(node.integer(`${what}_mask`, 0) / 2 ** i) % 2 === 1;
  return Array.from({ length: count }, (_, i) => {
    if (has('ellipsis', i)) return 'ellipsis';
    if (has('new_axis', i)) return 'new';
    return has('shrink_axis', i) ? 'shrunk' : 'range';
  });
}

/** Rewrites StridedSlice. Dimensions after an ellipsis are counted from the last one. */
export function rewriteStridedSlice(rewriter: Rewriter, node: NodeDef): void {
  const bounds = ['begin', 'end', 'strides'].map((what, i) => rewriter.integers(node, i + 1, what));
  const [from, to, steps] = bounds as [number[], number[], number[]];
  const entries = entriesOf(node, from.length);
  const dots = entries.includes('ellipsis') ? entries.indexOf('ellipsis') : entries.length;
  if (to.length !== from.length || steps.length !== from.length || from.length > 8) refuse('its bounds differ in length');
  if (entries.filter((e) => e === 'ellipsis').length > 1) refuse('it has two ellipses');
  /** Returns the dimension of entry `i` if entries of kind `without` are not counted. */
  const place = (i: number, without: Entry): number => {
    const counted = (list: readonly Entry[]): number => list.filter((e) => e !== without).length;
    return i < dots ? counted(entries.slice(0, i)) : -counted(entries.slice(i));
  };
  const free = (mask: string, i: number): boolean => Math.floor(node.integer(mask, 0) / 2 ** i) % 2 === 1;
  const ranges = entries.flatMap((entry, i): Range[] => {
    if (entry !== 'range' && entry !== 'shrunk') return [];
    const [start, step, axis] = [from[i] as number, steps[i] as number, place(i, 'new')];
    if (entry === 'shrunk') return [{ axis, from: start, to: start === -1 ? end : start + 1, step: 1 }];
    const first = free('begin_mask', i) ? (step > 0 ? 0 : end) : start;
    return [{ axis, from: first, to: free('end_mask', i) ? (step > 0 ? end : -end) : (to[i] as number), step }];
  });
  const gone = [...entries.keys()].filter((i) => entries[i] === 'shrunk').map((i) => place(i, 'new'));
  const added = [...entries.keys()].filter((i) => entries[i] === 'new').map((i) => place(i, 'shrunk'));
  const list = (axes: number[]): string => rewriter.given(axes, [axes.length]);
  const y = sliced(rewriter, node, ranges, gone.length + added.length === 0);
  const z = gone.length === 0 ? y : rewriter.emit(node, 'Squeeze', [y, list(gone)], {}, added.length === 0);
  if (added.length > 0) rewriter.emit(node, 'Unsqueeze', [z, list(added)], {}, true);
}

const reductions: Readonly<Record<string, string>> = {
  Mean: 'ReduceMean',
  Max: 'ReduceMax',
  Min: 'ReduceMin',
  Sum: 'ReduceSum',
  Prod: 'ReduceProd',
};

export function rewriteReduce(rewriter: Rewriter, node: NodeDef): void {
  const axes = rewriter.integers(node, 1, 'axes');
  const x = rewriter.input(node, 0);
  if (axes.length === 0) rewriter.emit(node, 'Identity', [x], {}, true);
  else rewriter.emit(node, reductions[node.op] ?? node.op, [x], { axes, keepdims: Number(node.flag('keep_dims')) }, true);
}

/** Rewrites Gather and GatherV2. */
export function rewriteGather(rewriter: Rewriter, node: NodeDef): void {
  if (node.integer('batch_dims', 0) !== 0) refuse('batch_dims');
  const axis = node.inputs.length > 2 ? rewriter.integer(node, 2, 'axis') : 0;
  rewriter.emit(node, 'Gather', [rewriter.input(node, 0), rewriter.input(node, 1)], { axis }, true);
}

/** ONNX type numbers. Integers become 64 bits wide, as in shapes. */
const types: Readonly<Record<string, number>> = { DT_FLOAT: 1, DT_INT32: 7, DT_INT64: 7 };

export function rewriteCast(rewriter: Rewriter, node: NodeDef): void {
  const to = types[node.type('DstT')] ?? refuse(`a cast to ${node.type('DstT') || 'no type'}`);
  rewriter.emit(node, 'Cast', [rewriter.input(node, 0)], { to }, true);
}
