/** slice: parts of the channels and of the feature rows, from one element to all.  Out: OpCase[]. */
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function slice(name: string, x: Size, axis: 'c' | 'f', from: number, to: number, rest: Partial<OpCase> = {}): OpCase {
  const g = new CaseGraph(`slice ${name}`, x, q(0.05, 3));
  return g.node('slice', [g.x], { axis, from, to }, q(0.05, 3)).done(name, { steps: 1e-4, ...rest });
}

export const cases: OpCase[] = [
  slice('the first half', [6, 1, 8], 'c', 0, 4),
  slice('the last half', [6, 1, 8], 'c', 4, 8, { hop: 2 }),
  slice('one channel', [5, 1, 7], 'c', 3, 4),
  slice('all channels', [5, 1, 7], 'c', 0, 7, { hop: 3 }),
  slice('19 of 40 channels', [4, 1, 40], 'c', 9, 28),
  slice('channels of 3 feature rows', [5, 3, 6], 'c', 1, 5),
  slice('2 of 5 feature rows', [5, 5, 3], 'f', 2, 4, { hop: 2 }),
  slice('the last feature row', [5, 5, 2], 'f', 4, 5),
];
