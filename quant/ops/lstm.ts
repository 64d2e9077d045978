/**
 * lstm in integers: int8 output, int16 gates and cell.
 *
 * In: [t][f][c] int16, 4 gates of `units`.  Out: [t][1][units] int8.  Source, bit-exact: TensorFlow Lite
 * Micro UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and weights and an int16 cell.
 */
import { quantizeMultiplier } from '../fixed-point.ts';
import { int16, product16, tanh16, tanhInput } from './gates.ts';
import type { IntOp } from './op.ts';
import { gate16, outputOf, recurrentParams, state16, walkInts } from './recurrent.ts';

/** Default exponent of the cell's scale. A scale of 2^-11 holds values up to 16, where tanh is 1. */
const usualPower = -11;

export const lstm: IntOp<'lstm'> = {
  name: 'lstm',
  int16: () => 'own',
  prepare(node, [x], y) {
    const { clip, cellPower = usualPower } = node.attrs;
    const cell = 2 ** cellPower;
    const params = recurrentParams(node, x, y, (unit) => 2 ** -15 * (node.attrs.fn ? cell : unit));
    return {
      ...params,
      forget: quantizeMultiplier((2 ** -15 * cell) / cell),
      input: quantizeMultiplier((2 ** -15 * params.unit) / cell),
      tanh: tanhInput(cellPower),
      clip: clip === undefined ? 32768 : Math.trunc(Math.min(32767, clip / cell)),
    };
  },
  run(p, xs, out) {
    const { units, clip } = p;
    const cell = new Int16Array(units);
    return walkInts(p, xs, out, (sum, _before, h) => {
      for (let k = 0; k < units; k++) {
        const input = product16(gate16(p, sum(k)), state16(p, sum(2 * units + k)), p.input);
        const kept = product16(gate16(p, sum(units + k)), cell[k] as number, p.forget);
        const c = int16(kept + input);
        const held = clip < 32768 ? Math.max(-clip, Math.min(clip, c)) : c;
        const shown = p.floor === undefined ? tanh16(held, p.tanh.multiplier, p.tanh.shift) : Math.max(p.floor, held);
        cell[k] = held;
        h[k] = outputOf(p, shown * gate16(p, sum(3 * units + k)));
      }
    });
  },
};
