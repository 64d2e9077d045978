/**
 * nudgesOf: what the reference's roundings differ from one rounding to nearest, as a move of the real value before it is rounded.
 *
 * In: a legal int8 Graph.  Out: a Nudge per node that needs one.  Formula: a multiplier of Q31 and a right shift by n rounds to 2^-n steps and then,
 * halves away from zero, to whole steps: round(v + sign(v) * 2^-(n+1)), v in steps. An average divides and rounds halves away from the integer 0, not
 * from the zero point: any move of less than half of 1 / count decides its halves. A leaky ReLU has a shift above 0 and one below. Other tables and softmax are left alone. Source: quant/fixed-point.ts.
 */
import type { Graph, Node, OpName, QuantParams, Tensor } from '../models/graph/types.ts';
import type { Nudge } from '../models/write/onnx/index.ts';
import { quantizeMultiplier } from './fixed-point.ts';
import { intOps } from './ops/index.ts';
import type { GlobalParams, IntOp, IntParams, MacParams, MulParams } from './ops/op.ts';
import { leakyReluMultipliers } from './ops/tables.ts';

/** Steps between the two roundings of a shift; nothing where it shifts left or not at all. */
const halfGrid = (shift: number): number => (shift < 0 ? 2 ** (shift - 1) : 0);
/** Below half of 1 / count for any window. */
const tie = 2 ** -14;

/** In steps of the output, and from which integer away. */
function stepsOf(
  node: Node,
  params: IntParams[OpName],
  x: QuantParams,
  y: QuantParams,
): { by: Iterable<number>; from: number; lift?: number } | undefined {
  switch (node.op) {
    case 'conv':
    case 'depthwise':
    case 'dense':
      return { by: [...(params as MacParams).shift].map(halfGrid), from: y.zeroPoint };
    case 'mul':
      return { by: [halfGrid((params as MulParams).scale.shift)], from: y.zeroPoint };
    case 'avgpool':
      return { by: [tie], from: 0 };
    case 'globalavg': {
      const { rule, scale } = params as GlobalParams;
      return rule === 'avgpool' ? { by: [tie], from: 0 } : { by: [halfGrid(scale.shift)], from: y.zeroPoint };
    }
    case 'activation': {
      if (node.attrs.fn === 'identity') return { by: [halfGrid(quantizeMultiplier(x.scale / y.scale).shift)], from: y.zeroPoint };
      if (node.attrs.fn !== 'leakyrelu') return undefined;
      const { identity, negative } = leakyReluMultipliers(x, y, node.attrs.alpha ?? 0.01);
      const [above, below] = [halfGrid(identity.shift), halfGrid(negative.shift)];
      return { by: [(above + below) / 2], from: y.zeroPoint, lift: (above - below) / 2 };
    }
  }
  return undefined;
}

export function nudgesOf(graph: Graph): Map<Node, Nudge> {
  const tensor = (id: number) => graph.tensors[id] as Tensor;
  const nudges = new Map<Node, Nudge>();
  for (const node of graph.nodes) {
    const xs = node.inputs.map(tensor);
    const out = tensor(node.output);
    const y = out.quant as QuantParams;
    const params = (intOps[node.op] as IntOp<OpName>).prepare(node as never, xs, out);
    const steps = stepsOf(node, params, xs[0]?.quant as QuantParams, y);
    if (!steps) continue;
    const by = Float64Array.from(steps.by, (s) => s * y.scale);
    const lift = (steps.lift ?? 0) * y.scale;
    if (by.some((b) => b > 0)) nudges.set(node, { by, from: (steps.from - y.zeroPoint) * y.scale, lift });
  }
  return nudges;
}
