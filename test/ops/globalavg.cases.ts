/**
 * globalavg: both integer rules, with and without f, partial sums of several hops, counts that are hard to
 * divide by, clamps.  Out: OpCase[].
 */
import { type GlobalPoolAttrs, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, relu, type Size } from './case.ts';

interface Spec extends Partial<GlobalPoolAttrs> {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function globalavg(name: string, { x, xq = q(0.05, 3), yq = xq, hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`globalavg ${name}`, x, xq);
  const wanted = { overF: true, clamp: noClamp, rule: 'mean', ...attrs } as const;
  return g.node('globalavg', [g.x], wanted, yq).done(name, { hop });
}

const sums = { rule: 'avgpool' } as const;

export const cases: OpCase[] = [
  globalavg('avgpool rule', { x: [8, 1, 3], ...sums }),
  globalavg('avgpool rule, 2 frames: halves', { x: [2, 1, 5], ...sums }),
  globalavg('avgpool rule, hop 4 of 12', { x: [12, 1, 3], hop: 4, ...sums }),
  globalavg('avgpool rule, hop 5 does not divide 12', { x: [12, 1, 3], hop: 5, ...sums }),
  globalavg('avgpool rule, f 4 kept', { x: [9, 4, 2], overF: false, ...sums }),
  globalavg('avgpool rule, another output scale', { x: [9, 1, 3], yq: q(0.021, -30), ...sums }),
  globalavg('mean, one scale', { x: [8, 1, 3] }),
  globalavg('mean of one frame', { x: [1, 1, 4], yq: q(0.07, -9) }),
  globalavg('mean, 7 frames', { x: [7, 1, 1], yq: q(0.013, 5), hop: 2 }),
  globalavg('mean, f 3 joined, hop 3', { x: [9, 3, 2], yq: q(0.011, 5), hop: 3 }),
  globalavg('mean, f 3 kept', { x: [10, 3, 2], yq: q(0.025, 5), overF: false }),
  globalavg('mean, zero points -128', { x: [6, 1, 3], xq: q(0.02, -128), yq: q(0.03, -128) }),
  globalavg('mean, zero points 127', { x: [6, 1, 3], xq: q(0.02, 127), yq: q(0.03, 127) }),
  globalavg('mean, relu', { x: [6, 1, 3], yq: q(0.02, -128), clamp: relu }),
  globalavg('mean, finer output saturates', { x: [3, 1, 3], yq: q(0.002, 0) }),
  globalavg('mean, 301 frames', { x: [301, 1, 2], yq: q(0.01, 0), hop: 100 }),
  globalavg('mean, 21 channels, hop 4 of 12', { x: [12, 1, 21], yq: q(0.02, 3), hop: 4 }),
  globalavg('avgpool rule, f 3 joined, 19 channels', { x: [10, 3, 19], hop: 2, ...sums }),
];
