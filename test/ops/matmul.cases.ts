/**
 * matmul: over channels and rows, one head and several, heads as feature rows, few and many rows.  Out:
 * OpCase[].
 */
import { type MatmulAttrs, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { CaseGraph, type OpCase, q, type Size, twoRoundings } from './case.ts';

interface Spec {
  x: Size;
  attrs: MatmulAttrs;
  a?: QuantParams;
  b?: QuantParams;
  y: QuantParams;
  hop?: number;
}

/** A product over channels: two convolutions of one input. */
function scores(name: string, { x, attrs, a = q(0.05, 7), b = q(0.04, -9), y, hop }: Spec): OpCase {
  const g = new CaseGraph(`matmul ${name}`, x, q(0.05, 3));
  const operands = [g.operand(x[2], a, 'a'), g.operand(x[2], b, 'b')];
  return g.node('matmul', operands, attrs, y).done(name, { steps: twoRoundings, ...(hop && { hop }) });
}

const pool = { kernelT: 2, kernelF: 1, strideT: 2, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp } as const;

/** A product over channels, then one over rows, where one input has half the rows of the other. */
function lengths(name: string, [t, f, c]: Size, shorter: 'first' | 'second'): OpCase {
  const g = new CaseGraph(`matmul ${name}`, [t, f, c], q(0.05, 3));
  const operand = g.operand(c, q(0.05, 7), 'a');
  const half = g.b.node('maxpool', [operand], pool, 'half', q(0.05, 7));
  const [a, b] = shorter === 'first' ? [half, g.x] : [g.x, half];
  const weights = g.b.node('matmul', [a, b], { heads: 1, over: 'channels' }, 'weights', q(0.1, 5));
  return g.node('matmul', [weights, b], { heads: 1, over: 'rows' }, q(0.2, -4)).done(name, { steps: twoRoundings });
}

/** A product over rows: the scores of an input with itself, times a convolution of it. */
function values(name: string, { x, attrs, a = q(0.1, 5), b = q(0.04, -9), y, hop }: Spec): OpCase {
  const g = new CaseGraph(`matmul ${name}`, x, q(0.05, 3));
  const weights = g.b.node('matmul', [g.x, g.x], { ...attrs, over: 'channels' }, 'weights', a);
  return g.node('matmul', [weights, g.operand(x[2], b, 'b')], attrs, y).done(name, { steps: twoRoundings, ...(hop && { hop }) });
}

const [channels, rows] = ['channels', 'rows'] as const;

export const cases: OpCase[] = [
  scores('one head', { x: [5, 1, 4], attrs: { heads: 1, over: channels }, y: q(0.15, -4) }),
  scores('four heads', { x: [6, 1, 8], attrs: { heads: 4, over: channels }, y: q(0.1, 9) }),
  scores('heads are feature rows', { x: [4, 3, 5], attrs: { heads: 3, over: channels }, y: q(0.12, 0) }),
  scores('zero points -128 and 127, hop 2', {
    x: [4, 1, 17],
    attrs: { heads: 1, over: channels },
    a: q(0.05, -128),
    b: q(0.05, 127),
    y: q(1, 0),
    hop: 2,
  }),
  scores('one row', { x: [1, 1, 6], attrs: { heads: 2, over: channels }, y: q(0.1, 0) }),
  values('one head over rows', { x: [5, 1, 4], attrs: { heads: 1, over: rows }, y: q(0.1, -4) }),
  values('three heads over rows', { x: [7, 1, 9], attrs: { heads: 3, over: rows }, y: q(0.2, 11) }),
  lengths('half the rows meet all', [8, 1, 5], 'first'),
  lengths('all rows meet half', [8, 1, 5], 'second'),
  values('feature rows over rows, hop 2', { x: [6, 2, 9], attrs: { heads: 2, over: rows }, y: q(0.2, 11), hop: 2 }),
];
