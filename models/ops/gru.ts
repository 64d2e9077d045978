/**
 * gru: gated recurrent unit over the rows of a window.
 *
 * In: [t][f][c] with 3 * units values: update, reset and candidate before their functions.  Out:
 * [t][1][units].  h = z h + (1 - z) n, with n = fn(x + r (U h + b)) if `resetAfter`, else
 * fn(x + U (r h) + b). fn is tanh by default.
 * Source: ONNX GRU (linear_before_reset), Keras GRU (reset_after), Cho et al. 2014.
 */
import type { GruAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, gateOf, stateFn } from './recurrent.ts';

export function gruStep(attrs: GruAttrs): CellStep {
  const { units, resetAfter } = attrs;
  const [gate, fn] = [gateOf(attrs), stateFn(attrs)];
  return ({ g, before, sum, peak }, h) => {
    const at = (which: number, k: number) => g[which * units + k] as number;
    const reset = before.map((_, k) => gate(at(1, k) + sum(units + k, before)));
    const scaled = before.map((v, k) => (reset[k] as number) * v);
    for (let k = 0; k < units; k++) {
      const o = 2 * units + k;
      const z = gate(at(0, k) + sum(k, before));
      const inner = resetAfter ? (reset[k] as number) * sum(o, before) : sum(o, scaled);
      const candidate = at(2, k) + inner;
      peak.sum = Math.max(peak.sum, Math.abs(candidate));
      h[k] = z * (before[k] as number) + (1 - z) * fn(candidate);
    }
  };
}

export const gru: OpDef<'gru'> = { ...cellDef('gru', gruStep), name: 'gru' };
