/** rnn: 1 to 40 units, reversed time, saturated gates.  Out: OpCase[]. */
import { type OpCase, q } from './case.ts';
import { type RecurrentSpec, recurrentCase } from './recurrent.ts';

const rnn = (name: string, spec: RecurrentSpec): OpCase => recurrentCase('rnn', name, spec);

export const cases: OpCase[] = [
  rnn('8 units', { x: [6, 1, 3], units: 8 }),
  rnn('one unit, one row', { x: [1, 1, 2], units: 1 }),
  rnn('40 units, feature rows', { x: [9, 2, 5], units: 40, hop: 3 }),
  rnn('backwards, no bias', { x: [7, 1, 3], units: 5, reverse: true, bias: 'none' }),
  rnn('saturated', { x: [30, 1, 3], units: 9, gain: 4, steps: 8 }),
  rnn('gates far beyond 8', { x: [9, 1, 3], units: 5, gain: 6, gateShift: 3 }),
  rnn('relu', { x: [9, 1, 3], units: 6, fn: 'relu', yq: q(0.06, -100) }),
  rnn('linear, sums of another scale', { x: [9, 1, 3], units: 5, fn: 'linear', gateShift: 2, yq: q(0.1, 4) }),
];
