/**
 * mul: element-wise product of two tensors of one shape.
 *
 * In: two of [t][f][c].  Out: [t][f][c].  Source: ONNX Mul, TensorFlow Lite MUL. Streaming: point-wise; the branches'
 * delays are matched by the planner (StreamiNNC rule R11). A constant operand is folded by the readers.
 */
import { clampTo, type OpDef, pointwise } from './op.ts';
import { pair } from './sliding.ts';

export const mul: OpDef<'mul'> = {
  name: 'mul',
  shape: (inputs, _attrs, name) => ({ ...pair(inputs, name) }),
  float([a, b], attrs) {
    if (!a || !b) throw new Error('mul takes two inputs');
    return a.data.map((value, i) => clampTo(value * (b.data[i] as number), attrs.clamp));
  },
  stream: () => pointwise,
  macsPerFrame: (_attrs, _inputs, out) => out.f * out.c,
};
