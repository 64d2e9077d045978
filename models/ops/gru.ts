/**
 * gru: gated recurrent unit over the rows of a window.
 *
 * In: [t][f][c] of 3 units: update, reset, candidate before their functions.  Out: [t][1][units].
 * h = z h + (1 - z) n, n = tanh(x + r (U h + b)) with `resetAfter`, else tanh(x + U (r h) + b).
 * Source: ONNX GRU (linear_before_reset), Keras GRU (reset_after), Cho et al. 2014.
 */
import type { GruAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, gateOf, walk } from './recurrent.ts';

export function gruStep(attrs: GruAttrs): CellStep {
  const { units, resetAfter } = attrs;
  const gate = gateOf(attrs);
  return ({ g, before, sum }, h) => {
    const at = (which: number, k: number) => g[which * units + k] as number;
    const reset = before.map((_, k) => gate(at(1, k) + sum(units + k, before)));
    const scaled = before.map((v, k) => (reset[k] as number) * v);
    for (let k = 0; k < units; k++) {
      const o = 2 * units + k;
      const z = gate(at(0, k) + sum(k, before));
      const inner = resetAfter ? (reset[k] as number) * sum(o, before) : sum(o, scaled);
      h[k] = z * (before[k] as number) + (1 - z) * Math.tanh(at(2, k) + inner);
    }
  };
}

export const gru: OpDef<'gru'> = {
  ...cellDef('gru'),
  name: 'gru',
  float: (xs, attrs, out) => walk(xs, attrs, out, gruStep(attrs)),
};
