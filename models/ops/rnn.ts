/**
 * rnn: the simple recurrence h = fn(x + U h + b) over the rows of a window. fn is tanh by default.
 *
 * In: [t][f][c] with `units` values per row.  Out: [t][1][units].  Source: ONNX RNN, Keras SimpleRNN (Elman
 * 1990).
 */
import type { RnnAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, stateFn } from './recurrent.ts';

export function rnnStep(attrs: RnnAttrs): CellStep {
  const fn = stateFn(attrs);
  return ({ g, before, sum, peak }, h) => {
    for (let k = 0; k < attrs.units; k++) {
      const s = (g[k] as number) + sum(k, before);
      peak.sum = Math.max(peak.sum, Math.abs(s));
      h[k] = fn(s);
    }
  };
}

export const rnn: OpDef<'rnn'> = { ...cellDef('rnn', rnnStep), name: 'rnn' };
