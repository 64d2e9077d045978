/**
 * globalmax: with and without f, partial maxima of several hops, extreme zero points, clamps, another output
 * scale.  Out: OpCase[].
 */
import { type GlobalPoolAttrs, noClamp } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, oneRounding, q, relu, relu6, type Size } from './case.ts';

interface Spec extends Partial<GlobalPoolAttrs> {
  x: Size;
  xq?: ReturnType<typeof q>;
  yq?: ReturnType<typeof q>;
  hop?: number;
}

function globalmax(name: string, { x, xq = q(0.05, 3), yq = xq, hop, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`globalmax ${name}`, x, xq);
  return g.node('globalmax', [g.x], { overF: true, clamp: noClamp, ...attrs }, yq).done(name, { hop, steps: oneRounding });
}

export const cases: OpCase[] = [
  globalmax('window of 4', { x: [4, 1, 3] }),
  globalmax('one frame', { x: [1, 1, 4] }),
  globalmax('single channel, hop 2 of 6', { x: [6, 1, 1], hop: 2 }),
  globalmax('hop 3 does not divide 8', { x: [8, 1, 3], hop: 3 }),
  globalmax('f 4 joined, hop 2', { x: [4, 4, 2], hop: 2 }),
  globalmax('f 4 kept', { x: [5, 4, 2], overF: false }),
  globalmax('channels joined, hop 2', { x: [4, 3, 5], overC: true, hop: 2 }),
  globalmax('zero point -128', { x: [3, 1, 3], xq: q(0.1, -128) }),
  globalmax('zero point 127', { x: [3, 1, 3], xq: q(0.1, 127) }),
  globalmax('relu', { x: [2, 1, 3], xq: q(0.1, 60), clamp: relu }),
  globalmax('relu6 off the grid', { x: [2, 1, 3], xq: q(0.0771, 10), clamp: relu6 }),
  globalmax('another output scale', { x: [3, 1, 3], yq: q(0.07, -50) }),
];
