/**
 * add: element-wise sum of two tensors of one shape.
 *
 * In: two of [t][f][c].  Out: [t][f][c].  Source: ONNX Add, TensorFlow Lite ADD. Streaming: point-wise; the branches'
 * delays are matched by the planner (StreamiNNC rule R11). A constant operand is folded by the readers in float graphs, and an attribute in int8 graphs.
 */
import { isNoClamp } from '../graph/clamp.ts';
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { dequantised, pair, withConstant } from './sliding.ts';

export const add: OpDef<'add'> = {
  name: 'add',
  shape: (inputs, attrs, name) => ({
    ...(attrs.constant ? withConstant(inputs, attrs.constant.data.length, name) : pair(inputs, name)),
  }),
  float([a, b], attrs) {
    if (!a) throw new Error('add takes an input');
    const other = attrs.constant ? dequantised(attrs.constant) : (b?.data ?? a.data);
    return a.data.map((value, i) => clampTo(value + (other[i % other.length] as number), attrs.clamp));
  },
  passesScale: ({ clamp, constant }, inputs) => isHomogeneous(clamp) && !constant && inputs === 2,
  means: ({ clamp }, [a, b]) => (isNoClamp(clamp) && b ? a?.map((v, c) => v + (b[c] as number)) : undefined),
};
