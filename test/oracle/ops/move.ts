/**
 * Operators that only move elements: slices, concatenations, splits, shapes, padding. They copy bytes and
 * ignore scales.
 *
 * In: an operator.  Out: a function that runs one step. Source: strided_slice_logic.h, concatenation.h,
 * split_v.cc, pack.cc, pad.h, space_to_batch_nd.h, transpose.h of TensorFlow Lite (Micro).
 */
import { elementsOf } from '../file.ts';
import type { Op, Rule, Tensor } from '../runtime.ts';

/** Returns the distance between neighbouring elements along each axis. */
const stepsOf = (shape: readonly number[]): number[] => shape.map((_, axis) => elementsOf(shape.slice(axis + 1)));

/** Copies by a list of indices: output i is input from[i], or `fill` if from[i] is negative. */
function gather(from: Int32Array, x: Tensor, y: Tensor, fill = 0): () => void {
  return () => {
    for (let i = 0; i < from.length; i++) {
      const at = from[i] as number;
      y.values[i] = at < 0 ? fill : (x.values[at] as number);
    }
  };
}

/** Calls `find` for every position of `shape`, in order, and returns the results. */
function places(shape: readonly number[], find: (place: number[]) => number): Int32Array {
  const place = shape.map(() => 0);
  return Int32Array.from({ length: elementsOf(shape) }, () => {
    const found = find(place);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      place[axis] = 0;
    }
    return found;
  });
}

const axisOf = (op: Op, axis: number, dimensions: number): number => {
  const from0 = axis < 0 ? axis + dimensions : axis;
  if (!(Number.isInteger(from0) && from0 >= 0 && from0 < dimensions)) op.fail(`axis ${axis}`);
  return from0;
};

/** RESHAPE, EXPAND_DIMS, SQUEEZE: the new shape is the one that the output declares. */
export const reshape: Rule = (op) => {
  op.counts(op.of.op === 'SQUEEZE' ? 1 : [1, 2]);
  const [x, y] = [op.input(0), op.output()];
  op.sameType(x, y);
  if (elementsOf(x.shape) !== elementsOf(y.shape)) op.fail(`${x.shape.join('x')} to ${y.shape.join('x')}`);
  if (op.of.op === 'RESHAPE' && op.inputs[1]?.of.data) checkNewShape(op, y);
  if (op.of.op !== 'RESHAPE') {
    const long = op.of.op === 'SQUEEZE' ? x : y;
    const short = op.of.op === 'SQUEEZE' ? y : x;
    const without1 = (s: readonly number[]) => s.filter((d) => d !== 1).join();
    if (without1(long.shape) !== without1(short.shape) || long.shape.length < short.shape.length) op.fail('wrong shape');
    if (op.of.op === 'EXPAND_DIMS') {
      const axis = axisOf(op, op.constants(1)[0] as number, y.shape.length);
      op.shapeIs(y, x.shape.toSpliced(axis, 0, 1));
    }
  }
  return () => y.values.set(x.values);
};

function checkNewShape(op: Op, y: Tensor): void {
  const wanted = op.constants(1);
  if (wanted.length !== y.shape.length || wanted.some((d, i) => d !== -1 && d !== y.shape[i])) op.fail('new shape differs');
}

export const stridedSlice: Rule = (op) => {
  op.counts(4);
  const [x, y] = [op.input(0), op.output()];
  op.sameType(x, y);
  const n = x.shape.length;
  if (op.number('ellipsisMask') || op.number('newAxisMask') || op.number('offset')) op.unknown('a mask that Micro does not read');
  const [begins, ends, steps] = [op.constants(1), op.constants(2), op.constants(3)];
  if (begins.length !== n || ends.length !== n || steps.length !== n) op.unknown('not one index for each dimension');
  const has = (mask: string, axis: number) => (op.number(mask) & (1 << axis)) !== 0;
  const found = x.shape.map((rows, axis) => {
    const step = steps[axis] as number;
    if (step === 0) op.fail('a stride of 0');
    const [low, high] = step > 0 ? [0, rows] : [-1, rows - 1];
    const within = (i: number) => Math.min(high, Math.max(low, i < 0 ? i + rows : i));
    const first = has('beginMask', axis) ? (step > 0 ? 0 : rows - 1) : within(begins[axis] as number);
    if (has('shrinkAxisMask', axis)) {
      if (first < 0 || first >= rows) op.fail('an index outside the tensor');
      return { first, step, count: 1, shrink: true };
    }
    const end = has('endMask', axis) ? (step > 0 ? rows : -1) : within(ends[axis] as number);
    return { first, step, count: Math.max(0, Math.ceil((end - first) / step)), shrink: false };
  });
  op.shapeIs(
    y,
    found.filter((f) => !f.shrink).map((f) => f.count),
  );
  const inSteps = stepsOf(x.shape);
  const from = places(
    found.map((f) => f.count),
    (place) =>
      place.reduce((at, i, axis) => at + ((found[axis]?.first ?? 0) + i * (found[axis]?.step ?? 0)) * (inSteps[axis] ?? 0), 0),
  );
  return gather(from, x, y);
};

export const slice: Rule = (op) => {
  op.counts(3);
  const [x, y] = [op.input(0), op.output()];
  op.sameType(x, y);
  const [begins, counts] = [op.constants(1), op.constants(2)];
  if (begins.length !== x.shape.length || counts.length !== x.shape.length) op.fail('not one index for each dimension');
  const rows = counts.map((c, i) => (c === -1 ? (x.shape[i] as number) - (begins[i] as number) : c));
  if (begins.some((b, i) => b < 0 || (rows[i] as number) < 0 || b + (rows[i] as number) > (x.shape[i] as number)))
    op.fail('outside');
  op.shapeIs(y, rows);
  const inSteps = stepsOf(x.shape);
  const from = places(rows, (place) => place.reduce((at, i, axis) => at + ((begins[axis] ?? 0) + i) * (inSteps[axis] ?? 0), 0));
  return gather(from, x, y);
};

/** Copies the parts to the whole, one after another along `axis`, or back if `split`. */
function join(whole: Tensor, parts: Tensor[], axis: number, split: boolean): () => void {
  const inner = elementsOf(whole.shape.slice(axis + 1));
  const outer = elementsOf(whole.shape.slice(0, axis));
  const row = (whole.shape[axis] as number) * inner;
  return () => {
    let at = 0;
    for (const part of parts) {
      const width = (part.shape[axis] as number) * inner;
      for (let o = 0; o < outer; o++) {
        if (split) part.values.set(whole.values.subarray(o * row + at, o * row + at + width), o * width);
        else whole.values.set(part.values.subarray(o * width, (o + 1) * width), o * row + at);
      }
      at += width;
    }
  };
}

function checkParts(op: Op, whole: Tensor, parts: Tensor[], axis: number): void {
  op.sameType(whole, ...parts);
  let sum = 0;
  for (const part of parts) {
    op.shapeIs(part, whole.shape.with(axis, part.shape[axis] ?? -1));
    sum += part.shape[axis] as number;
  }
  op.shapeIs(whole, whole.shape.with(axis, sum));
}

export const concatenation: Rule = (op) => {
  op.counts([1, 10]);
  if (op.number('activation') !== 0) op.fail('a fused activation');
  const y = op.output();
  const parts = op.inputs.map((_, i) => op.input(i));
  if (y.of.type === 'uint8') op.unknown('uint8');
  if (y.of.type === 'int8') {
    const q = op.quant(y);
    for (const part of parts) {
      const { scale, zeroPoint } = op.quant(part);
      if (scale !== q.scale || zeroPoint !== q.zeroPoint) op.fail(`${part.of.name} has another scale`);
    }
  }
  const axis = axisOf(op, op.number('axis'), y.shape.length);
  checkParts(op, y, parts, axis);
  return join(y, parts, axis, false);
};

/** SPLIT(axis, x) and SPLIT_V(x, sizes, axis). */
export const split: Rule = (op) => {
  const v = op.of.op === 'SPLIT_V';
  op.counts(v ? 3 : 2, op.outputs.length);
  const x = op.input(v ? 0 : 1);
  const axis = axisOf(op, op.constants(v ? 2 : 0)[0] as number, x.shape.length);
  if (op.number('splits') !== op.outputs.length) op.fail('another number of outputs');
  checkParts(op, x, op.outputs, axis);
  if (v) {
    const sizes = op.constants(1);
    const fits = sizes.length === op.outputs.length && op.outputs.every((y, i) => [-1, y.shape[axis]].includes(sizes[i]));
    if (!fits) op.fail('sizes are not those of the outputs');
  } else if (op.outputs.some((y) => y.shape[axis] !== op.output().shape[axis])) op.fail('parts of different sizes');
  return join(x, op.outputs, axis, true);
};

export const pack: Rule = (op) => {
  op.counts(op.inputs.length);
  const y = op.output();
  const parts = op.inputs.map((_, i) => op.input(i));
  op.sameType(y, ...parts);
  const axis = axisOf(op, op.number('axis'), y.shape.length);
  if (op.number('count') !== parts.length) op.fail('another number of inputs');
  for (const part of parts) op.shapeIs(y, part.shape.toSpliced(axis, 0, parts.length));
  const as1 = parts.map((part) => ({ ...part, shape: part.shape.toSpliced(axis, 0, 1) }));
  return join(y, as1, axis, false);
};

export const transpose: Rule = (op) => {
  op.counts(2);
  const [x, y, order] = [op.input(0), op.output(), op.constants(1)];
  op.sameType(x, y);
  if (order.toSorted((a, b) => a - b).join() !== x.shape.map((_, i) => i).join()) op.fail(`order ${order}`);
  op.shapeIs(
    y,
    order.map((axis) => x.shape[axis] as number),
  );
  const steps = stepsOf(x.shape);
  return gather(
    places(y.shape, (place) => place.reduce((at, i, axis) => at + i * (steps[order[axis] as number] as number), 0)),
    x,
    y,
  );
};

/** Returns the stored value of the real value zero. */
const zeroOf = (op: Op, t: Tensor): number => (t.of.type === 'int8' ? op.quant(t).zeroPoint : 0);

export const pad: Rule = (op) => {
  op.counts(2);
  const [x, y, pads] = [op.input(0), op.output(), op.constants(1)];
  op.sameType(x, y);
  if (pads.length !== 2 * x.shape.length || pads.some((p) => p < 0)) op.fail('wrong paddings');
  const before = x.shape.map((_, i) => pads[2 * i] as number);
  op.shapeIs(
    y,
    x.shape.map((d, i) => d + (before[i] as number) + (pads[2 * i + 1] as number)),
  );
  const steps = stepsOf(x.shape);
  const from = places(y.shape, (place) => {
    const inside = place.map((i, axis) => i - (before[axis] as number));
    if (inside.some((i, axis) => i < 0 || i >= (x.shape[axis] as number))) return -1;
    return inside.reduce((at, i, axis) => at + i * (steps[axis] as number), 0);
  });
  return gather(from, x, y, zeroOf(op, y));
};

/** SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: the batch index is (position within a block, old batch). */
export const blocks: Rule = (op) => {
  op.counts(3);
  const toBatch = op.of.op === 'SPACE_TO_BATCH_ND';
  const [x, y, block, edges] = [op.input(0), op.output(), op.constants(1), op.constants(2)];
  op.sameType(x, y);
  const [space, batches] = toBatch ? [x, y] : [y, x];
  if (block.some((b) => b < 1) || edges.length !== 2 * block.length || edges.some((e) => e < 0)) op.fail('wrong blocks');
  const whole = space.shape.map((d, i) => {
    const axis = i - 1;
    return axis >= 0 && axis < block.length ? d + (edges[2 * axis] as number) + (edges[2 * axis + 1] as number) : d;
  });
  op.shapeIs(
    batches,
    whole.map((d, i) => (i === 0 ? d * elementsOf(block) : i <= block.length ? d / (block[i - 1] as number) : d)),
  );
  const old = space.shape[0] as number;
  const spaceSteps = stepsOf(space.shape);
  // For every element of the batched side, its index in space; -1 in the edges.
  const inSpace = places(batches.shape, (place) => {
    let phase = Math.floor((place[0] as number) / old);
    const at = place.with(0, (place[0] as number) % old);
    for (let axis = block.length - 1; axis >= 0; axis--) {
      const b = block[axis] as number;
      at[axis + 1] = (place[axis + 1] as number) * b + (phase % b) - (edges[2 * axis] as number);
      phase = Math.floor(phase / b);
    }
    if (at.some((i, axis) => i < 0 || i >= (space.shape[axis] as number))) return -1;
    return at.reduce((sum, i, axis) => sum + i * (spaceSteps[axis] as number), 0);
  });
  if (toBatch) return gather(inSpace, x, y, zeroOf(op, y));
  return () => {
    inSpace.forEach((to, from) => {
      if (to >= 0) y.values[to] = x.values[from] as number;
    });
  };
};
