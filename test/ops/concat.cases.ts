/**
 * concat: along c and f, 1 to 4 parts, parts with other scales (requantised first), one tensor twice.  Out:
 * OpCase[].
 */
import type { QuantParams } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, type Size } from './case.ts';

interface Spec {
  x?: Size;
  axis?: 'c' | 'f';
  /** Channels and scale of each part. With `self`, the input is the first part. */
  parts: (readonly [channels: number, quant: QuantParams])[];
  self?: boolean;
  y?: QuantParams;
  hop?: number;
}

const same = q(0.05, 3);

/** Copies are exact. If a part is requantised, only that `activation` node rounds. */
function concat(name: string, { x = [6, 1, 4], axis = 'c', parts, self, y = same, hop }: Spec): OpCase {
  const g = new CaseGraph(`concat ${name}`, x, same);
  const ids = parts.map(([channels, quant], i) => g.operand(channels, quant, `part${i}`));
  return g.node('concat', self ? [g.x, ...ids] : ids, { axis }, y).done(name, { hop, steps: 1e-4 });
}

export const cases: OpCase[] = [
  concat('two equal parts', {
    parts: [
      [3, same],
      [3, same],
    ],
  }),
  concat('one part', { parts: [[3, same]] }),
  concat('four parts of 1, 9, 2 and 17 channels', {
    parts: [
      [1, same],
      [9, same],
      [2, same],
      [17, same],
    ],
  }),
  concat('with the input itself', { parts: [[2, same]], self: true, hop: 2 }),
  concat('other scales, requantised', {
    parts: [
      [3, q(0.02, -128)],
      [2, q(0.11, 127)],
      [2, same],
    ],
  }),
  concat('output scale of its own', {
    parts: [
      [3, same],
      [2, same],
    ],
    y: q(0.03, -100),
  }),
  concat('f 3, along c', {
    x: [5, 3, 2],
    parts: [
      [1, same],
      [3, same],
    ],
  }),
  concat('f 3, along f', {
    x: [5, 3, 2],
    axis: 'f',
    parts: [
      [2, same],
      [2, same],
    ],
    self: true,
  }),
  concat('along f, other scales, hop 3', {
    x: [5, 2, 2],
    axis: 'f',
    parts: [
      [3, same],
      [3, q(0.09, 0)],
    ],
    hop: 3,
  }),
  concat('one frame', {
    x: [1, 1, 4],
    parts: [
      [3, same],
      [5, same],
    ],
  }),
];
