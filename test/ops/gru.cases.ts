/**
 * gru: both positions of the reset gate, 1 to 40 units, reversed, hard and saturated gates.  Out: OpCase[].
 */
import { type OpCase, q } from './case.ts';
import { type RecurrentSpec, recurrentCase } from './recurrent.ts';

const gru = (name: string, spec: RecurrentSpec): OpCase => recurrentCase('gru', name, spec);

export const cases: OpCase[] = [
  gru('8 units, reset after', { x: [6, 1, 3], units: 8 }),
  gru('8 units, reset before', { x: [6, 1, 3], units: 8, resetAfter: false }),
  gru('one unit, one row', { x: [1, 1, 2], units: 1 }),
  gru('odd units, feature rows', { x: [5, 4, 3], units: 7, hop: 2 }),
  gru('40 units, reset before', { x: [9, 1, 5], units: 40, hop: 3, resetAfter: false }),
  gru('backwards', { x: [7, 1, 3], units: 5, reverse: true }),
  gru('hard gates', { x: [6, 1, 3], units: 6, slope: 1 / 6 }),
  gru('no bias', { x: [6, 1, 3], units: 6, bias: 'none' }),
  gru('saturated gates, many rows', { x: [40, 1, 3], units: 9, gain: 4, steps: 8 }),
  gru('gates far beyond 8', { x: [9, 1, 3], units: 5, gain: 6, gateShift: 3 }),
  gru('relu, reset after', { x: [9, 1, 3], units: 6, fn: 'relu', yq: q(0.06, -100) }),
  gru('relu, reset before, hard gates', { x: [9, 1, 3], units: 6, fn: 'relu', resetAfter: false, slope: 0.2, yq: q(0.06, -100) }),
  gru('linear, sums of another scale', { x: [12, 1, 3], units: 5, fn: 'linear', gateShift: 2, yq: q(0.1, 4), steps: 4 }),
];
