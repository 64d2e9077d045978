/**
 * rnn: the simple recurrence h = tanh(x + U h + b) over the rows of a window.
 *
 * In: [t][f][c] of `units` values.  Out: [t][1][units].  Source: ONNX RNN, Keras SimpleRNN (Elman 1990).
 */
import type { RnnAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, walk } from './recurrent.ts';

export const rnnStep =
  ({ units }: RnnAttrs): CellStep =>
  ({ g, before, sum }, h) => {
    for (let k = 0; k < units; k++) h[k] = Math.tanh((g[k] as number) + sum(k, before));
  };

export const rnn: OpDef<'rnn'> = {
  ...cellDef('rnn'),
  name: 'rnn',
  float: (xs, attrs, out) => walk(xs, attrs, out, rnnStep(attrs)),
};
