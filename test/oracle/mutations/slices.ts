/**
 * Mutations of slices, concatenations and splits.
 *
 * In: an Edit.  Out: false if the mutation does not apply. The caller repairs the shapes in about half of the
 * cases.
 */
import type { OperatorOf } from '../file.ts';
import type { Edit, Mutation } from './edit.ts';

const masks = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask', 'offset'];

/** Returns a random concatenation along time, of a state with its new rows. */
function timeConcat(e: Edit): OperatorOf | undefined {
  const found = e.all('CONCATENATION').filter((o) => [1, -3].includes(Number(o.options.axis)));
  return found.length > 0 ? e.rng.pick(found) : undefined;
}

/** Returns the number of rows before and after a slice, and a function that sets other rows. */
function slicedRows(e: Edit, slice: OperatorOf) {
  const rows = e.inputOf(slice).shape[1] ?? 0;
  const count = e.outputOf(slice).shape[1] ?? 0;
  const set = (from: number, to: number, step = 1) => {
    const [b, end, s] = [e.ownConstant(slice, 1), e.ownConstant(slice, 2), e.ownConstant(slice, 3)];
    b[1] = from;
    end[1] = to;
    s[1] = step;
    for (const mask of ['beginMask', 'endMask']) slice.options[mask] = Number(slice.options[mask]) & ~2;
  };
  return { rows, count, set };
}

export const sliceMutations: Record<string, Mutation> = {
  'axis of a join': (e) => {
    const concat = e.any('CONCATENATION');
    if (concat) concat.options.axis = e.rng.pick([0, 1, 2, 3, -1, -2, 4].filter((a) => a !== concat.options.axis));
    return concat !== undefined;
  },
  'operands of a join swapped': (e) => {
    const concat = timeConcat(e) ?? e.any('CONCATENATION');
    if (concat) concat.inputs.reverse();
    return concat !== undefined && concat.inputs.length > 1;
  },
  'operands of a channel join swapped': (e) => {
    const found = e.all('CONCATENATION').filter((o) => [3, -1].includes(Number(o.options.axis)));
    if (found.length === 0) return false;
    e.rng.pick(found).inputs.reverse();
    return true;
  },
  'an operand of a join twice': (e) => {
    const concat = timeConcat(e);
    if (!concat) return false;
    const id = e.rng.pick(concat.inputs);
    concat.inputs.splice(e.rng.int(0, concat.inputs.length), 0, id);
    return true;
  },
  'new rows replaced': (e) => {
    // Another tensor of the same shape: the value of another state, or the output of another layer.
    const concat = timeConcat(e);
    if (!concat) return false;
    const i = e.rng.int(0, concat.inputs.length - 1);
    const known = e.before(concat);
    const others = e.sameShape(concat.inputs[i] as number).filter((id) => known.has(id));
    if (others.length === 0) return false;
    concat.inputs[i] = e.rng.pick(others);
    return true;
  },
  'state read in place of the join': (e) => {
    const concat = timeConcat(e);
    if (!concat) return false;
    const users = e.readersOf(concat.outputs[0] as number);
    if (users.length === 0) return false;
    const user = e.rng.pick(users);
    user.inputs = user.inputs.map((id) => (id === concat.outputs[0] ? e.rng.pick(concat.inputs) : id));
    return true;
  },
  'earlier rows': (e) => {
    const slice = e.any('STRIDED_SLICE');
    if (!slice) return false;
    const { rows, count, set } = slicedRows(e, slice);
    const from = e.rng.int(0, Math.max(0, rows - count));
    set(from, from + count);
    return rows > count;
  },
  'other begin': (e) => {
    const slice = e.any('STRIDED_SLICE', 'SLICE');
    if (!slice) return false;
    const begins = e.ownConstant(slice, 1);
    const axis = e.rng.pick([1, 1, 1, 0, 2, 3]);
    begins[axis] = (begins[axis] as number) + e.rng.pick([-2, -1, 1, 2]);
    return true;
  },
  'other end': (e) => {
    const slice = e.any('STRIDED_SLICE', 'SLICE');
    if (!slice) return false;
    const ends = e.ownConstant(slice, 2);
    const axis = e.rng.pick([1, 1, 1, 0, 2, 3]);
    ends[axis] = (ends[axis] as number) + e.rng.pick([-2, -1, 1, 2]);
    if (e.rng.chance(0.5)) slice.options.endMask = Number(slice.options.endMask) & ~(1 << axis);
    return true;
  },
  'rows reversed': (e) => {
    const slice = e.any('STRIDED_SLICE');
    if (!slice) return false;
    const { rows, count, set } = slicedRows(e, slice);
    const last = e.rng.int(count - 1, rows - 1);
    set(last, last - count, -1);
    if (last - count < 0) slice.options.endMask = Number(slice.options.endMask) | 2;
    return true;
  },
  'channels reversed': (e) => {
    const slice = e.any('STRIDED_SLICE');
    if (!slice) return false;
    e.ownConstant(slice, 3)[3] = -1;
    for (const mask of ['beginMask', 'endMask']) slice.options[mask] = Number(slice.options[mask]) | 8;
    return true;
  },
  'every second row': (e) => {
    const slice = e.any('STRIDED_SLICE');
    if (!slice) return false;
    e.ownConstant(slice, 3)[e.rng.pick([1, 1, 3])] = e.rng.pick([2, 3, 0, -2]);
    return true;
  },
  'mask flipped': (e) => {
    const slice = e.any('STRIDED_SLICE');
    if (!slice) return false;
    const mask = e.rng.pick([...masks, 'beginMask', 'endMask']);
    slice.options[mask] = Number(slice.options[mask]) ^ (mask === 'offset' ? 1 : 1 << e.rng.int(0, 3));
    return true;
  },
  'sizes of a split': (e) => {
    const split = e.any('SPLIT_V');
    if (!split) return false;
    const sizes = e.ownConstant(split, 1);
    const [i, j] = e.rng.shuffled([...sizes.keys()]) as [number, number];
    sizes[i] = (sizes[i] as number) + 1;
    sizes[j] = (sizes[j] as number) - 1;
    if (e.rng.chance(0.6))
      for (const [k, id] of split.outputs.entries())
        e.tensor(id).shape = e.tensor(id).shape.map((d, i) => (i === 3 ? (sizes[k] as number) : d));
    return true;
  },
  'axis of a split': (e) => {
    const split = e.any('SPLIT_V', 'SPLIT');
    if (!split) return false;
    e.ownConstant(split, split.op === 'SPLIT' ? 0 : 2)[0] = e.rng.int(-4, 3);
    return true;
  },
  'parts of a split swapped': (e) => {
    const split = e.any('SPLIT_V', 'SPLIT');
    if (!split) return false;
    const [a, b] = [split.outputs[0] as number, split.outputs[1] as number];
    if (e.tensor(a).shape.join() !== e.tensor(b).shape.join()) return false;
    for (const o of e.main.operators) {
      if (o !== split) o.inputs = o.inputs.map((id) => (id === a ? b : id === b ? a : id));
    }
    return true;
  },
};
