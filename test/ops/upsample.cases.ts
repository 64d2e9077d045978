/** upsample: time rows and feature rows, repeated or spread with zeros, one row to many.  Out: OpCase[]. */
import type { UpsampleAttrs } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function upsample(name: string, x: Size, attrs: UpsampleAttrs, hop?: number): OpCase {
  const g = new CaseGraph(`upsample ${name}`, x, q(0.05, 3));
  return g.node('upsample', [g.x], attrs, q(0.05, 3)).done(name, { steps: 1e-4, ...(hop && { hop }) });
}

const [repeat, zero] = ['repeat', 'zero'] as const;

export const cases: OpCase[] = [
  upsample('twice', [4, 1, 3], { t: 2, f: 1, between: repeat }),
  upsample('rows three apart', [4, 1, 3], { t: 3, f: 1, between: zero }),
  upsample('features twice, hop 2', [4, 3, 2], { t: 1, f: 2, between: repeat }, 2),
  upsample('both apart', [3, 4, 5], { t: 2, f: 3, between: zero }),
  upsample('one frame for all', [1, 1, 9], { t: 7, f: 1, between: repeat }),
  upsample('one row for all', [1, 1, 17], { t: 5, f: 4, between: repeat }),
  upsample('as it is', [3, 2, 4], { t: 1, f: 1, between: zero }),
];
