/**
 * lstm: long short-term memory over the rows of a window.
 *
 * In: [t][f][c] of 4 units: input, forget, cell, output gate before their functions.  Out: [t][1][units].
 * c = f c + i tanh(g); h = o tanh(c).  Source: ONNX LSTM, TensorFlow Lite UNIDIRECTIONAL_SEQUENCE_LSTM (without
 * peepholes and projection), Keras LSTM.
 */
import type { LstmAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, gateOf, walk } from './recurrent.ts';

export function lstmStep(attrs: LstmAttrs): CellStep {
  const { units, clip = Number.POSITIVE_INFINITY } = attrs;
  const gate = gateOf(attrs);
  return ({ g, before, cell, sum }, h) => {
    for (let k = 0; k < units; k++) {
      const at = (which: number) => (g[which * units + k] as number) + sum(which * units + k, before);
      const c = gate(at(1)) * (cell[k] as number) + gate(at(0)) * Math.tanh(at(2));
      cell[k] = Math.min(clip, Math.max(-clip, c));
      h[k] = gate(at(3)) * Math.tanh(cell[k] as number);
    }
  };
}

export const lstm: OpDef<'lstm'> = {
  ...cellDef('lstm'),
  name: 'lstm',
  float: (xs, attrs, out) => walk(xs, attrs, out, lstmStep(attrs)),
  largestState(xs, attrs, out) {
    let most = 0;
    walk(xs, attrs, out, lstmStep(attrs), (cell) => {
      for (const c of cell) most = Math.max(most, Math.abs(c));
    });
    return most;
  },
};
