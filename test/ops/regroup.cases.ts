/** regroup: channels to feature rows, feature rows to channels, other row lengths.  Out: OpCase[]. */
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function regroup(name: string, x: Size, f: number, hop?: number): OpCase {
  const g = new CaseGraph(`regroup ${name}`, x, q(0.05, 3));
  return g.node('regroup', [g.x], { f }, q(0.05, 3)).done(name, { steps: 1e-4, ...(hop && { hop }) });
}

export const cases: OpCase[] = [
  regroup('12 channels to 3 rows of 4', [5, 1, 12], 3),
  regroup('4 rows of 6 to 24 channels', [6, 4, 6], 1, 2),
  regroup('6 rows of 5 to 2 of 15', [4, 6, 5], 2),
  regroup('as it is', [3, 2, 4], 2),
  regroup('one frame', [1, 1, 33], 11),
];
