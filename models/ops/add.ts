/**
 * add: element-wise sum or difference of two tensors of one shape.
 *
 * In: two of [t][f][c].  Out: [t][f][c].  Source: ONNX Add and Sub, TensorFlow Lite ADD and SUB. Streaming:
 * point-wise; the planner matches the delays of the branches (StreamiNNC rule R11). A constant operand is
 * folded by the readers in float graphs; in int8 graphs it is an attribute.
 */
import { isNoClamp } from '../graph/clamp.ts';
import type { AddAttrs } from '../graph/types.ts';
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { pair, realOf, streamWith, withConstant } from './sliding.ts';

/** Returns the signs of both operands. */
export const signsOf = ({ minus }: AddAttrs): [number, number] => [minus === 0 ? -1 : 1, minus === 1 ? -1 : 1];

export const add: OpDef<'add'> = {
  name: 'add',
  sums: true,
  shape: (inputs, attrs, name) => ({
    ...(attrs.constant ? withConstant(inputs, attrs.constant.data.length, name) : pair(inputs, name)),
  }),
  float([a, b], attrs) {
    if (!a) throw new Error('add takes an input');
    const other = attrs.constant ? realOf(attrs.constant) : (b?.data ?? a.data);
    const [p, q] = signsOf(attrs);
    return a.data.map((value, i) => clampTo(p * value + q * (other[i % other.length] as number), attrs.clamp));
  },
  stream: streamWith,
  passesScale: ({ clamp, constant }, inputs) => isHomogeneous(clamp) && !constant && inputs === 2,
  means(attrs, [a, b]) {
    const [p, q] = signsOf(attrs);
    return isNoClamp(attrs.clamp) && b ? a?.map((v, c) => p * v + q * (b[c] as number)) : undefined;
  },
};
