/**
 * activation: a function of one value, applied to every element; in int8 a 256-entry table.
 *
 * In: [t][f][c].  Out: the same.  Fusable activations (relu, clip) are clamps of the producing operator; a standalone one is
 * `identity` with a clamp. Source: ONNX LeakyRelu, Sigmoid, Tanh, HardSwish; TensorFlow Lite LEAKY_RELU, LOGISTIC, TANH, HARD_SWISH, QUANTIZE.
 */
import type { ActivationAttrs } from '../graph/types.ts';
import { clampTo, type OpDef, pointwise } from './op.ts';
import { only } from './sliding.ts';

/** The real function, clamp included. */
export function activate(x: number, attrs: ActivationAttrs): number {
  switch (attrs.fn) {
    case 'leakyrelu':
      return clampTo(x < 0 ? x * (attrs.alpha ?? 0.01) : x, attrs.clamp);
    case 'sigmoid':
      return clampTo(1 / (1 + Math.exp(-x)), attrs.clamp);
    case 'tanh':
      return clampTo(Math.tanh(x), attrs.clamp);
    case 'hardswish':
      return clampTo((x * Math.min(6, Math.max(0, x + 3))) / 6, attrs.clamp);
    case 'identity':
      return clampTo(x, attrs.clamp);
  }
}

export const activation: OpDef<'activation'> = {
  name: 'activation',
  shape: (inputs, _attrs, name) => ({ ...only(inputs, name) }),
  float: (xs, attrs) => only(xs, 'activation').data.map((x) => activate(x, attrs)),
  stream: () => pointwise,
  macsPerFrame: () => 0,
};
