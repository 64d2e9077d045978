/**
 * Random requantisation parameters of a layer, shared by the tests of the float and integer rules.
 *
 * In: random numbers in [0, 1).  Out: multiplier, shift and bias of one channel, zero point and clamp, within
 * the range of a quantiser.
 */
import type { MacParams } from '../../quant/ops/op.ts';

export type AnyLayer = Pick<MacParams, 'multiplier' | 'shift' | 'bias' | 'yZero' | 'min' | 'max'>;

export function anyLayer(rnd: () => number): AnyLayer {
  const int = (min: number, max: number) => min + Math.floor(rnd() * (max - min + 1));
  const signed = rnd() < 0.5;
  const yZero = signed ? int(-60, 60) : int(-128, 20);
  const min = signed ? int(-128, yZero - 30) : yZero;
  return {
    multiplier: Int32Array.of(rnd() < 0.1 ? 2 ** 30 : int(2 ** 30, 2 ** 31 - 1)),
    shift: Int32Array.of(-int(1, 10)),
    bias: Int32Array.of(int(-30000, 30000)),
    yZero,
    min: rnd() < 0.7 && signed ? -128 : min,
    max: rnd() < 0.7 ? 127 : int(yZero + 30, 127),
  };
}
