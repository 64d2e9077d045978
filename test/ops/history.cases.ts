/** history: rows before, rows after, delays, feature rows, long rows, padding per window.  Out: OpCase[]. */
import type { PadRows } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function history(name: string, x: Size, before: number, after: number, rest: Partial<OpCase> & { own?: PadRows } = {}): OpCase {
  const g = new CaseGraph(`history ${name}`, x, q(0.05, 3));
  const { own, ...more } = rest;
  return g.node('history', [g.x], { before, after, ...(own && { own }) }, q(0.05, 3)).done(name, { steps: 1e-4, ...more });
}

export const cases: OpCase[] = [
  history('as it is', [6, 1, 4], 0, 0),
  history('two rows before', [6, 1, 4], 2, 0, { hop: 2 }),
  history('more rows before than the window has', [3, 1, 5], 7, 0),
  history('one row after', [6, 1, 4], 0, 1),
  history('three before, two after, hop 3', [7, 2, 3], 3, 2, { hop: 3 }),
  history('a delay of 2 rows', [6, 1, 4], 2, -2),
  history('a delay of 5 rows, two less', [6, 3, 3], 3, -5, { hop: 2 }),
  history('rows of 37 bytes', [4, 1, 37], 1, 0, { hop: 2 }),
  history('zeros of each window', [6, 2, 3], 2, 1, { own: 'zero' }),
  history('reflect', [6, 1, 3], 5, 3, { own: 'reflect' }),
  history('symmetric', [6, 1, 3], 6, 2, { own: 'symmetric', hop: 2 }),
  history('edge', [3, 2, 5], 7, 4, { own: 'edge' }),
  history('reflected before, cut after', [6, 1, 3], 2, -3, { own: 'reflect' }),
];
