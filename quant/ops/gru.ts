/**
 * gru in integers: int8 output, int16 gates, and an int16 state (with tanh it has 15 fraction bits).
 *
 * In: [t][f][c] int16, 3 gates of `units`.  Out: [t][1][units] int8, the rounded state.  The recurrent
 * weights multiply the int8 output, as in the lstm; the state itself is kept in int16.
 */
import type { IntOp } from './op.ts';
import { gate16, outputOf, recurrentParams, recurrentSum, state16, walkInts } from './recurrent.ts';

/** x / 2^15, rounded half up. */
const down15 = (x: number): number => (x + 16384) >> 15;

export const gru: IntOp<'gru'> = {
  name: 'gru',
  int16: () => 'own',
  prepare: (node, [x], y) => ({ ...recurrentParams(node, x, y), resetAfter: node.attrs.resetAfter }),
  run(p, xs, out) {
    const { units } = p;
    const state = new Int16Array(units);
    const scaled = new Int8Array(units);
    return walkInts(p, xs, out, (sum, before, h, x) => {
      const reset = Array.from({ length: units }, (_, k) => gate16(p, sum(units + k)));
      for (let k = 0; k < units; k++) scaled[k] = outputOf(p, down15((reset[k] as number) * (state[k] as number)));
      for (let k = 0; k < units; k++) {
        const o = 2 * units + k;
        const z = gate16(p, sum(k));
        const inner = p.resetAfter ? down15((reset[k] as number) * recurrentSum(p, o, before)) : recurrentSum(p, o, scaled);
        const n = state16(p, x(o) + inner);
        state[k] = n + down15(z * ((state[k] as number) - n));
        h[k] = outputOf(p, state[k] as number);
      }
    });
  },
};
