/**
 * Finds the outputs of a layer whose integer float32 does not determine: their real value is so near to the
 * border between two integers that rounding errors can cross it.
 *
 * In: a legal int8 Graph, one of its nodes, the integers of its tensors.  Out: for each output, true if both
 * neighbouring integers are valid (docs/qdq.md). The border is the reference's: a half minus the nudge of
 * quant/nudges.ts. Sums are exact integers here, and the rest is computed in doubles. An operator under the
 * file's control rounds its terms, their sum or product, the nudge and the quotient, each by a relative error
 * of at most 2^-24: 2^-21 together.
 */
import { type Graph, type Node, noClamp, type QuantParams, type Tensor } from '../../models/graph/types.ts';
import { signsOf } from '../../models/ops/add.ts';
import { ops } from '../../models/ops/index.ts';
import type { OpDef } from '../../models/ops/op.ts';
import { nudgesOf } from '../../quant/nudges.ts';

type Data = (id: number) => Int8Array;

/**
 * Returns the real value of every output in units of its scale, and the largest intermediate value that is
 * rounded; undefined for operators that are not computed in float.
 */
function exact(graph: Graph, node: Node, data: Data): ((i: number) => [value: number, largest: number]) | undefined {
  const tensor = (id: number) => graph.tensors[id] as Tensor;
  const out = tensor(node.output);
  const step = (out.quant as QuantParams).scale;
  const steps =
    (integers: Int8Array, { scale, zeroPoint }: QuantParams, unit: number) =>
    (i: number) =>
      (((integers[i % integers.length] as number) - zeroPoint) * scale) / unit;
  const [a, b = a] = node.inputs.map((id) => (unit: number) => steps(data(id), tensor(id).quant as QuantParams, unit));
  if (!a || !b) return undefined;
  switch (node.op) {
    case 'conv':
    case 'depthwise':
    case 'dense': {
      const x = tensor(node.inputs[0] ?? -1);
      const { scale, zeroPoint } = x.quant as QuantParams;
      const { weights } = node.attrs;
      const scales = weights.scales ?? [];
      const attrs = { ...node.attrs, clamp: noClamp, weights: { ...weights, data: Float32Array.from(weights.data) } };
      const integers = { shape: x.shape, data: Float32Array.from(data(x.id), (v) => v - zeroPoint) };
      const sums = (ops[node.op] as OpDef<typeof node.op>).float([integers], attrs as never, out.shape);
      return (i) => {
        const value = ((sums[i] as number) * scale * (scales[(i % out.shape.c) % scales.length] as number)) / step;
        return [value, Math.abs(value)];
      };
    }
    case 'add':
    case 'mul': {
      const { constant } = node.attrs;
      const second = (unit: number) => (constant?.quant ? steps(constant.data as Int8Array, constant.quant, unit) : b(unit));
      const [left, right] = [a(step), second(node.op === 'add' ? step : 1)];
      if (node.op === 'add') {
        const [p, q] = signsOf(node.attrs);
        return (i) => [p * left(i) + q * right(i), Math.abs(left(i)) + Math.abs(right(i))];
      }
      return (i) => [left(i) * right(i), Math.abs(left(i) * right(i))];
    }
    case 'layernorm': {
      // float32 rounds mean, difference, variance, root, quotient and the steps of both constants
      const { attrs } = node;
      const x = a(1);
      const { f, c } = out.shape;
      const count = attrs.over === 'fc' ? f * c : c;
      return (i) => {
        const from = i - (i % count);
        const row = Float64Array.from({ length: count }, (_, k) => x(from + k));
        const mean = attrs.centre ? row.reduce((p, v) => p + v) / count : 0;
        const root = Math.sqrt(row.reduce((p, v) => p + (v - mean) ** 2, 0) / count + attrs.epsilon);
        const k = i % count;
        const scaled = (((row[k] as number) - mean) / root) * ((attrs.gamma[k % attrs.gamma.length] as number) / step);
        const beta = (attrs.beta[k % attrs.beta.length] as number) / step;
        const largest = row.reduce((p, v) => Math.max(p, Math.abs(v)), 0);
        const cancelled = (largest / root) * Math.abs((attrs.gamma[k % attrs.gamma.length] as number) / step);
        return [scaled + beta, Math.abs(scaled) + Math.abs(beta) + cancelled];
      };
    }
    case 'activation': {
      const { fn, alpha = 0.01 } = node.attrs;
      if (fn !== 'identity' && fn !== 'leakyrelu') return undefined;
      const x = a(step);
      return (i) => [x(i) < 0 && fn === 'leakyrelu' ? alpha * x(i) : x(i), Math.abs(x(i))];
    }
  }
  return undefined;
}

export function leftOpen(graph: Graph, node: Node, data: Data): (i: number) => boolean {
  const real = exact(graph, node, data);
  if (!real) return () => false;
  const { shape, quant } = graph.tensors[node.output] as Tensor;
  const { scale } = quant as QuantParams;
  const { by = [0], lift = 0 } = nudgesOf(graph).get(node) ?? {};
  return (i) => {
    const [value, largest] = real(i);
    const nudged = value + (Math.sign(value) * (by[(i % shape.c) % by.length] as number) + lift) / scale;
    const border = nudged - 0.5;
    return Math.abs(border - Math.round(border)) <= 2 ** -21 * largest;
  };
}
