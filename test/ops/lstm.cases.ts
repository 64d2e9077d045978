/**
 * lstm: 1 to 40 units, one to many rows, reversed time, hard gates, clipped cells, cell scales, saturated
 * gates.  Out: OpCase[].
 */
import { type OpCase, q } from './case.ts';
import { type RecurrentSpec, recurrentCase } from './recurrent.ts';

const lstm = (name: string, spec: RecurrentSpec): OpCase => recurrentCase('lstm', name, spec);

export const cases: OpCase[] = [
  lstm('8 units', { x: [6, 1, 3], units: 8 }),
  lstm('one unit, one row', { x: [1, 1, 2], units: 1 }),
  lstm('odd units, feature rows', { x: [5, 4, 3], units: 7, hop: 2 }),
  lstm('40 units', { x: [9, 1, 5], units: 40, hop: 3 }),
  lstm('backwards', { x: [7, 1, 3], units: 5, reverse: true }),
  lstm('hard gates', { x: [6, 1, 3], units: 6, slope: 0.2 }),
  lstm('clipped cell', { x: [12, 1, 3], units: 6, clip: 0.5 }),
  lstm('no bias', { x: [6, 1, 3], units: 6, bias: 'none' }),
  lstm('saturated gates, many rows', { x: [40, 1, 3], units: 9, gain: 4, steps: 8 }),
  lstm('wide cell', { x: [20, 1, 3], units: 4, cellPower: -9, steps: 4 }),
  lstm('narrow cell', { x: [8, 1, 3], units: 4, cellPower: -14 }),
  lstm('cell of at most a half', { x: [3, 1, 3], units: 4, gain: 0.2, cellPower: -16 }),
  lstm('gates far beyond 8', { x: [9, 1, 3], units: 5, gain: 6, gateShift: 3 }),
  lstm('relu', { x: [9, 1, 3], units: 6, fn: 'relu', yq: q(0.06, -100) }),
  lstm('linear, wide cell, clipped', {
    x: [12, 1, 3],
    units: 5,
    fn: 'linear',
    gateShift: 2,
    cellPower: -9,
    clip: 20,
    yq: q(0.2, 4),
  }),
];
