/**
 * nudgesOf: offsets that make one rounding to nearest give the results of the reference's two roundings. A
 * nudge moves the real value before it is rounded.
 *
 * In: a legal int8 Graph.  Out: a Nudge per node that needs one.  Formula: a Q31 multiplier with a right
 * shift by n rounds first to 2^-n steps, then to whole steps, halves away from zero. This equals
 * round(v + sign(v) * 2^-(n+1)), v in steps. An average rounds halves away from the integer 0, not from the
 * zero point, so any offset below half of 1 / count decides its halves. A leaky ReLU has one shift above 0
 * and one below. Other tables and softmax get no nudge. Source: quant/fixed-point.ts.
 */
import type { Graph, Node, QuantParams, Tensor } from '../models/graph/types.ts';
import type { Nudge } from '../models/write/onnx/index.ts';
import { intOpOfNode } from './ops/index.ts';

export function nudgesOf(graph: Graph): Map<Node, Nudge> {
  const tensor = (id: number) => graph.tensors[id] as Tensor;
  const nudges = new Map<Node, Nudge>();
  for (const node of graph.nodes) {
    const xs = node.inputs.map(tensor);
    const out = tensor(node.output);
    const y = out.quant as QuantParams;
    const of = intOpOfNode(node);
    const steps = of.nudge?.(of.prepare(node, xs, out), node.attrs, xs[0]?.quant as QuantParams, y);
    if (!steps) continue;
    const by = Float64Array.from(steps.by, (s) => s * y.scale);
    const lift = (steps.lift ?? 0) * y.scale;
    if (by.some((b) => b > 0)) nudges.set(node, { by, from: (steps.from - y.zeroPoint) * y.scale, lift });
  }
  return nudges;
}
