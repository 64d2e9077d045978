/**
 * add: element-wise sum of two tensors of one shape.
 *
 * In: two of [t][f][c].  Out: [t][f][c].  Source: ONNX Add, TensorFlow Lite ADD. Streaming: point-wise; the branches'
 * delays are matched by the planner (StreamiNNC rule R11). A constant operand is folded by the readers.
 */
import { clampTo, type OpDef, pointwise } from './op.ts';
import { pair } from './sliding.ts';

export const add: OpDef<'add'> = {
  name: 'add',
  shape: (inputs, _attrs, name) => ({ ...pair(inputs, name) }),
  float([a, b], attrs) {
    if (!a || !b) throw new Error('add takes two inputs');
    return a.data.map((value, i) => clampTo(value + (b.data[i] as number), attrs.clamp));
  },
  stream: () => pointwise,
  macsPerFrame: () => 0,
};
