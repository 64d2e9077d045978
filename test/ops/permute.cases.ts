/** permute: a window as one frame, channels as rows, features before time, reversed axes.  Out: OpCase[]. */
import type { PermuteAttrs } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

function permute(name: string, x: Size, attrs: PermuteAttrs, hop?: number): OpCase {
  const g = new CaseGraph(`permute ${name}`, x, q(0.05, 3));
  return g.node('permute', [g.x], attrs, q(0.05, 3)).done(name, { steps: 1e-4, ...(hop && { hop }) });
}

export const cases: OpCase[] = [
  permute('a window as one frame', [5, 1, 6], { order: ['t', 'f', 'c'], t: 1, f: 1 }, 2),
  permute('channels before time', [6, 1, 4], { order: ['c', 'f', 't'], t: 1, f: 1 }),
  permute('channels as rows', [6, 1, 4], { order: ['c', 'f', 't'], t: 4, f: 1 }, 2),
  permute('features before time before channels', [4, 3, 5], { order: ['f', 't', 'c'], t: 3, f: 2 }, 3),
  permute('time from its end', [6, 2, 3], { order: ['t', 'f', 'c'], t: 6, f: 2, back: ['t'] }, 2),
  permute('all from the end, channels as rows', [4, 3, 2], { order: ['c', 't', 'f'], t: 2, f: 3, back: ['t', 'f', 'c'] }),
  permute('other lengths', [4, 3, 2], { order: ['t', 'c', 'f'], t: 2, f: 1 }),
];
