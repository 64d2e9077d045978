/**
 * The gain of PCAN as a table of parabolas, one for each power of two of the noise estimate.
 *
 * In: strength, offset, gain bits, and the fraction bits of the estimate.  Out: int16 [125].
 * Formula: gain(x) = 2^gainBits * (x / 2^inputBits + offset)^-strength, at most 32767.
 * Source: pcan_gain_control_util.c; per-channel amplitude normalisation, Wang et al., "Trainable frontend for
 * robust and far-field keyword spotting", 2017.
 */
import { f32, power } from './float32.ts';

const intervals = 32;

export function pcanTable(wanted: { strength: number; offset: number; gainBits: number }, inputBits: number): Int16Array {
  const [strength, offset] = [f32(wanted.strength), f32(wanted.offset)];
  const gain = (x: number): number => {
    const value = f32(2 ** wanted.gainBits * power(f32(f32(f32(x) / 2 ** inputBits) + offset), -strength));
    return value > 32767 ? 32767 : Math.trunc(f32(value + 0.5));
  };
  const table = new Int16Array(4 * intervals - 3);
  table[0] = gain(0);
  table[1] = gain(1);
  for (let interval = 2; interval <= intervals; interval++) {
    const start = 2 ** (interval - 1);
    const y0 = gain(start);
    const middle = gain(1.5 * start) - y0;
    const end = gain(interval === intervals ? 2 * start - 1 : 2 * start) - y0;
    const slope = 4 * middle - end;
    table.set([y0, slope, end - slope], 4 * interval - 6);
  }
  return table;
}
