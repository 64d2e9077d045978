/**
 * activation: every function at narrow and wide input scales, extreme zero points, fixed and other output
 * scales, clamps.  Out: OpCase[].
 */
import { type ActivationAttrs, noClamp, type QuantParams } from '../../models/graph/types.ts';
import type { ActivationFn } from '../../models/ops/unary.ts';
import { CaseGraph, type OpCase, q, relu, relu6, type Size, twoRoundings } from './case.ts';

interface Spec extends Partial<ActivationAttrs> {
  size?: Size;
  xq?: QuantParams;
  yq: QuantParams;
  hop?: number;
  steps?: number;
}

/** 17 x 3 x 5 elements per window: with the hops after it, most of the table's 256 entries are read. */
function activation(name: string, { size = [17, 3, 5], xq = q(0.05, 3), yq, hop = 4, steps, ...attrs }: Spec): OpCase {
  const g = new CaseGraph(`activation ${name}`, size, xq);
  return g.node('activation', [g.x], { fn: 'identity', clamp: noClamp, ...attrs }, yq).done(name, { hop, steps });
}

const sigmoid = { fn: 'sigmoid', yq: q(1 / 256, -128), steps: 1 } as const;
const tanh = { fn: 'tanh', yq: q(1 / 128, 0), steps: 1 } as const;
const leaky = { fn: 'leakyrelu', alpha: 0.1 } as const;
const swish = { fn: 'hardswish', steps: 1 } as const;

/**
 * Every other function: input and output parameters, and its own parameter if it has one. Inputs of a root or
 * a logarithm are not negative.
 */
// biome-ignore format: a table
const others: [fn: ActivationFn, xq: QuantParams, yq: QuantParams, alpha?: number][] = [
  ['elu', q(0.05, 3), q(0.04, -90), 0.7], ['selu', q(0.05, 3), q(0.04, -80)], ['celu', q(0.05, 3), q(0.05, -90), 1.4],
  ['silu', q(0.05, 3), q(0.03, -110)], ['silu', q(0.05, 3), q(0.03, -110), 1.702], ['mish', q(0.05, 3), q(0.03, -110)],
  ['gelu', q(0.05, 3), q(0.03, -110)], ['gelutanh', q(0.05, 3), q(0.03, -110)], ['softplus', q(0.05, 3), q(0.03, -128)],
  ['softsign', q(0.05, 3), q(1 / 128, 0)], ['thresholdedrelu', q(0.05, 3), q(0.04, -120), 1.3],
  ['abs', q(0.05, 3), q(0.04, -128)], ['abs', q(0.05, 3), q(0.05, -100)], ['abs', q(0.05, -20), q(0.1, -128)],
  ['sign', q(0.05, 3), q(1 / 100, 10)], ['floor', q(0.05, 3), q(0.06, 2)], ['ceil', q(0.05, 3), q(0.06, 2)], ['round', q(0.25, 3), q(0.3, 2)],
  ['square', q(0.05, 3), q(0.2, -128)], ['sqrt', q(0.05, -128), q(0.015, -128)], ['rsqrt', q(0.05, -128), q(0.02, -128)],
  ['reciprocal', q(0.05, 3), q(0.1, 0)], ['pow', q(0.05, -128), q(0.3, -128), 1.5], ['pow', q(0.05, 3), q(2, 0), 3],
  ['exp', q(0.03, 20), q(0.1, -128)], ['log', q(0.05, -128), q(0.03, 10)], ['erf', q(0.03, 3), q(1 / 128, 0)],
  ['sin', q(0.05, 3), q(1 / 127, 0)], ['cos', q(0.05, 3), q(1 / 127, 0)],
];
const titled = (fn: string, i: number, alpha?: number) =>
  `${fn}${alpha === undefined ? '' : `, alpha ${alpha}`}${others.findIndex((o) => o[0] === fn) === i ? '' : `, ${i}`}`;

export const cases: OpCase[] = [
  ...others.map(([fn, xq, yq, alpha], i) =>
    activation(titled(fn, i, alpha), {
      fn,
      xq,
      yq,
      ...(alpha !== undefined && { alpha }),
      steps: fn === 'abs' ? twoRoundings : 0.52,
    }),
  ),
  activation('gelu, clamped', { fn: 'gelu', yq: q(0.03, -110), clamp: [0, 2] }),
  activation('identity, same scale', { yq: q(0.05, 3) }),
  activation('identity, coarser', { yq: q(0.17, -20) }),
  activation('identity, finer: saturates', { yq: q(0.02, 9) }),
  activation('identity, zero points -128', { xq: q(0.05, -128), yq: q(0.06, -128) }),
  activation('identity, zero points 127', { xq: q(0.05, 127), yq: q(0.06, 127) }),
  activation('standalone relu', { yq: q(0.05, -128), clamp: relu }),
  activation('standalone relu6 off the grid', { yq: q(0.0377, -77), clamp: relu6 }),
  activation('single element', { size: [1, 1, 1], hop: 1, yq: q(0.05, 3) }),
  activation('leakyrelu', { ...leaky, yq: q(0.05, -60) }),
  activation('leakyrelu, alpha 0.3, zero points 127', { ...leaky, alpha: 0.3, xq: q(0.05, 127), yq: q(0.03, 127) }),
  activation('leakyrelu, negative alpha', { ...leaky, alpha: -0.25, yq: q(0.05, -128) }),
  activation('leakyrelu, alpha above 1', { ...leaky, alpha: 1.7, yq: q(0.1, 20) }),
  activation('sigmoid', sigmoid),
  activation('sigmoid, narrow input', { ...sigmoid, xq: q(0.001, -100) }),
  activation('sigmoid, wide input', { ...sigmoid, xq: q(0.9, 17) }),
  activation('sigmoid, zero point -128', { ...sigmoid, xq: q(0.03, -128) }),
  activation('sigmoid, output scale of its own', { ...sigmoid, yq: q(1 / 200, -100) }),
  activation('sigmoid, clamped', { ...sigmoid, clamp: [0.1, 0.9] }),
  activation('tanh', tanh),
  activation('tanh, narrow input', { ...tanh, xq: q(0.001, 100) }),
  activation('tanh, wide input', { ...tanh, xq: q(0.9, 17) }),
  activation('tanh, zero point 127', { ...tanh, xq: q(0.03, 127) }),
  activation('tanh, output scale of its own', { ...tanh, yq: q(1 / 100, 10) }),
  activation('hardswish', { ...swish, xq: q(0.05, 3), yq: q(0.03, -115) }),
  activation('hardswish, narrow input', { ...swish, xq: q(0.004, 0), yq: q(0.003, -60) }),
  activation('hardswish, wide input, zero point -128', { ...swish, xq: q(0.1, -128), yq: q(0.1, -128) }),
];
