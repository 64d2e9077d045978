/**
 * softmax in int16: exp of the differences from the row's maximum, and one reciprocal per row, both by
 * interpolation in tables of 513 entries. Defines no operator.
 *
 * In: [t][f][c] int16.  Out: [t][f][c] int16.  Source: TensorFlow Lite reference_ops::SoftmaxInt16 with
 * InitializeLutForInt16 and PrepareSoftmax of tflite-micro.  Exact: integers.
 */
import { type Ints, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { linesOf, lookup } from './curves.ts';
import { rangeOf, type WideSoftmaxParams } from './op.ts';

const f32 = Math.fround;
/** int16 steps of ranges of 10, 1 and 2, as float32. */
const [tenth, one, two] = [10, 1, 2].map((range) => f32(range / 65535)) as [number, number, number];
const ends = (scale: number, zero: number): [number, number] => [f32(scale * (-32768 - zero)), f32(scale * (32767 - zero))];
const exp = linesOf(Math.exp, ends(tenth, 32767), ends(two, 0));
const inverse = linesOf((x) => f32(1 / f32(1 + x)), ends(one, -32768), ends(two, 0));

export const wideSoftmaxParams = (beta: number, x: QuantParams, y: QuantParams): WideSoftmaxParams => ({
  ...rangeOf(noClamp, y),
  types: { x: 'int16', y: 'int16' },
  exp,
  inverse,
  // limited to int32; above the limit (a step of 2.5) every difference is large anyway
  input: quantizeMultiplier(Math.min(2 ** 14 - 1, (x.scale * Math.fround(beta)) / (10 / 65535))),
  output: quantizeMultiplier(2 ** -15 / y.scale),
});

export function runWideSoftmax(p: WideSoftmaxParams, data: Ints, classes: number): Int16Array {
  const y = new Int16Array(data.length);
  for (let row = 0; row < data.length; row += classes) {
    const end = row + classes;
    let max = -32768;
    for (let i = row; i < end; i++) max = Math.max(max, data[i] as number);
    let sum = 0;
    for (let i = row; i < end; i++) {
      const difference = requantise((data[i] as number) - max, p.input.multiplier, p.input.shift);
      y[i] = lookup(p.exp, clampInt(difference + 32767, -32768, 32767));
      sum += y[i] as number;
    }
    // 17 bits of the sum, without its leading 1
    const headroom = Math.clz32(sum);
    const mantissa = Math.floor((sum * 2 ** (headroom - 1) + 2 ** 13) / 2 ** 14) - 2 ** 15 - 2 ** 16;
    const scale = lookup(p.inverse, clampInt(mantissa, -32768, 32767));
    const right = 31 - headroom;
    for (let i = row; i < end; i++) {
      const share = Math.floor(((y[i] as number) * scale + 2 ** (right - 1)) / 2 ** right);
      y[i] = clampInt(requantise(clampInt(share, 0, 32767), p.output.multiplier, p.output.shift), p.min, p.max);
    }
  }
  return y;
}
