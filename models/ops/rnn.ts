/**
 * rnn: the simple recurrence h = tanh(x + U h + b) over the rows of a window.
 *
 * In: [t][f][c] of `units` values.  Out: [t][1][units].  Source: ONNX RNN, Keras SimpleRNN (Elman 1990).
 */
import type { OpDef } from './op.ts';
import { gateParams, gatesOf, recurrentMacs, recurrentRule, recurrentShape, recurrentState, walk } from './recurrent.ts';

export const rnn: OpDef<'rnn'> = {
  name: 'rnn',
  shape: recurrentShape(gatesOf.rnn),
  float: (xs, attrs, out) =>
    walk(xs, attrs, out, (g, s, h) => {
      for (let k = 0; k < attrs.units; k++) h[k] = Math.tanh((g[k] as number) + s(k));
    }),
  stream: recurrentRule,
  macsPerFrame: recurrentMacs(gatesOf.rnn),
  stateBytes: recurrentState,
  inputParams: () => gateParams,
};
