/** rnn in integers: h = fn(g), int8. In: [t][f][c] int16.  Out: [t][1][units] int8. */
import type { IntOp } from './op.ts';
import { outputOf, recurrentParams, state16, walkInts } from './recurrent.ts';

export const rnn: IntOp<'rnn'> = {
  name: 'rnn',
  int16: () => 'own',
  prepare: (node, [x], y) => recurrentParams(node, x, y),
  run: (p, xs, out) =>
    walkInts(p, xs, out, (sum, _before, h) => {
      for (let k = 0; k < p.units; k++) h[k] = outputOf(p, state16(p, sum(k)));
    }),
};
