/**
 * mul: element-wise product of two tensors of one shape.
 *
 * In: two of [t][f][c].  Out: [t][f][c].  Source: ONNX Mul, TensorFlow Lite MUL. Streaming: point-wise; the
 * planner matches the delays of the branches (StreamiNNC rule R11). A constant operand is folded by the
 * readers in float graphs; in int8 graphs it is an attribute.
 */
import { clampTo, type OpDef } from './op.ts';
import { pair, realOf, streamWith, withConstant } from './sliding.ts';

export const mul: OpDef<'mul'> = {
  name: 'mul',
  shape: (inputs, attrs, name) => ({
    ...(attrs.constant ? withConstant(inputs, attrs.constant.data.length, name) : pair(inputs, name)),
  }),
  float([a, b], attrs) {
    if (!a) throw new Error('mul takes an input');
    const other = attrs.constant ? realOf(attrs.constant) : (b?.data ?? a.data);
    return a.data.map((value, i) => clampTo(value * (other[i % other.length] as number), attrs.clamp));
  },
  stream: streamWith,
  macsPerFrame: (_attrs, _inputs, out) => out.f * out.c,
};
