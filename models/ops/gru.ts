/**
 * gru: gated recurrent unit over the rows of a window.
 *
 * In: [t][f][c] of 3 units: update, reset, candidate before their functions.  Out: [t][1][units].
 * h = z h + (1 - z) n, n = tanh(x + r (U h + b)) with `resetAfter`, else tanh(x + U (r h) + b).
 * Source: ONNX GRU (linear_before_reset), Keras GRU (reset_after), Cho et al. 2014.
 */
import type { GruAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import {
  type CellStep,
  gateOf,
  gateParams,
  gatesOf,
  realWeights,
  recurrentMacs,
  recurrentRule,
  recurrentShape,
  recurrentState,
  walk,
} from './recurrent.ts';

function gruStep(attrs: GruAttrs): CellStep {
  const { units, resetAfter } = attrs;
  const gate = gateOf(attrs);
  const { weight, bias } = realWeights(attrs);
  let before = new Float64Array(units);
  return (g, s, h) => {
    const at = (which: number, k: number) => g[which * units + k] as number;
    const reset = Float64Array.from(before, (_, k) => gate(at(1, k) + s(units + k)));
    const candidate = (k: number): number => {
      const o = 2 * units + k;
      if (resetAfter) return (reset[k] as number) * s(o);
      let sum = bias?.[o] ?? 0;
      for (let j = 0; j < units; j++) sum += (weight[o * units + j] as number) * (reset[j] as number) * (before[j] as number);
      return sum;
    };
    for (let k = 0; k < units; k++) {
      const z = gate(at(0, k) + s(k));
      h[k] = z * (before[k] as number) + (1 - z) * Math.tanh(at(2, k) + candidate(k));
    }
    before = h.slice();
  };
}

export const gru: OpDef<'gru'> = {
  name: 'gru',
  shape: recurrentShape(gatesOf.gru),
  float: (xs, attrs, out) => walk(xs, attrs, out, gruStep(attrs)),
  stream: recurrentRule,
  macsPerFrame: recurrentMacs(gatesOf.gru),
  stateBytes: recurrentState,
  inputParams: () => gateParams,
};
