/** rnn in integers: h = tanh(g), int8. In: [t][f][c] int16.  Out: [t][1][units] int8. */
import { tanh16 } from './gates.ts';
import type { IntOp } from './op.ts';
import { outputOf, recurrentParams, walkInts } from './recurrent.ts';

export const rnn: IntOp<'rnn'> = {
  name: 'rnn',
  int16: () => 'own',
  prepare: (node, [x], y) => recurrentParams(node, x, y, 2 ** -15),
  run: (p, xs, out) =>
    walkInts(p, xs, out, (g, _before, h) => {
      for (let k = 0; k < p.units; k++) h[k] = outputOf(p, tanh16(g(k)));
    }),
};
