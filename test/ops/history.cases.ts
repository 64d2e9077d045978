/** history: rows before, rows after, delays, feature rows, long rows.  Out: OpCase[]. */
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function history(name: string, x: Size, before: number, after: number, rest: Partial<OpCase> = {}): OpCase {
  const g = new CaseGraph(`history ${name}`, x, q(0.05, 3));
  return g.node('history', [g.x], { before, after }, q(0.05, 3)).done(name, { steps: 1e-4, ...rest });
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
];
