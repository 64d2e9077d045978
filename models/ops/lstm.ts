/**
 * lstm: long short-term memory over the rows of a window.
 *
 * In: [t][f][c] of 4 units: input, forget, cell, output gate before their functions.  Out: [t][1][units].
 * c = f c + i tanh(g); h = o tanh(c).  Source: ONNX LSTM, TensorFlow Lite UNIDIRECTIONAL_SEQUENCE_LSTM (without
 * peepholes and projection), Keras LSTM.
 */
import type { LstmAttrs } from '../graph/types.ts';
import type { OpDef } from './op.ts';
import {
  type CellStep,
  gateOf,
  gateParams,
  gatesOf,
  recurrentMacs,
  recurrentRule,
  recurrentShape,
  recurrentState,
  walk,
} from './recurrent.ts';

/** @param seen called with every value of the cell */
function lstmStep(attrs: LstmAttrs, seen: (c: number) => void = () => {}): CellStep {
  const { units, clip = Number.POSITIVE_INFINITY } = attrs;
  const gate = gateOf(attrs);
  const cell = new Float64Array(units);
  return (g, s, h) => {
    for (let k = 0; k < units; k++) {
      const at = (which: number) => (g[which * units + k] as number) + s(which * units + k);
      const c = gate(at(1)) * (cell[k] as number) + gate(at(0)) * Math.tanh(at(2));
      cell[k] = Math.min(clip, Math.max(-clip, c));
      seen(cell[k] as number);
      h[k] = gate(at(3)) * Math.tanh(cell[k] as number);
    }
  };
}

export const lstm: OpDef<'lstm'> = {
  name: 'lstm',
  shape: recurrentShape(gatesOf.lstm),
  float: (xs, attrs, out) => walk(xs, attrs, out, lstmStep(attrs)),
  stream: recurrentRule,
  macsPerFrame: recurrentMacs(gatesOf.lstm),
  stateBytes: recurrentState,
  inputParams: () => gateParams,
  largestState(xs, attrs, out) {
    let most = 0;
    walk(
      xs,
      attrs,
      out,
      lstmStep(attrs, (c) => {
        most = Math.max(most, Math.abs(c));
      }),
    );
    return most;
  },
};
