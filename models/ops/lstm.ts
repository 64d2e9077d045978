/**
 * lstm: long short-term memory over the rows of a window.
 *
 * In: [t][f][c] with 4 * units values: input, forget, cell and output gate before their functions.  Out:
 * [t][1][units].  c = f c + i fn(g); h = o fn(c). fn is tanh by default.  Source: ONNX LSTM, TensorFlow Lite
 * UNIDIRECTIONAL_SEQUENCE_LSTM (without peepholes and projection), Keras LSTM.
 */
import type { LstmAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import { type CellStep, cellDef, gateOf, stateFn } from './recurrent.ts';

export function lstmStep(attrs: LstmAttrs): CellStep {
  const { units, clip = Number.POSITIVE_INFINITY } = attrs;
  const [gate, fn] = [gateOf(attrs), stateFn(attrs)];
  return ({ g, before, cell, sum, peak }, h) => {
    for (let k = 0; k < units; k++) {
      const at = (which: number) => (g[which * units + k] as number) + sum(which * units + k, before);
      const candidate = at(2);
      const c = gate(at(1)) * (cell[k] as number) + gate(at(0)) * fn(candidate);
      cell[k] = Math.min(clip, Math.max(-clip, c));
      peak.sum = Math.max(peak.sum, Math.abs(candidate));
      peak.cell = Math.max(peak.cell, Math.abs(cell[k] as number));
      h[k] = gate(at(3)) * fn(cell[k] as number);
    }
  };
}

export const lstm: OpDef<'lstm'> = { ...cellDef('lstm', lstmStep), name: 'lstm' };
