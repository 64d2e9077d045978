/**
 * Converts ranges to scales: one QuantParams per tensor, shared if an operator demands it.
 *
 * In: a float Graph and the observed ranges.  Out: QuantParams by tensor id.
 * Source: TensorFlow Lite 8-bit quantisation specification (asymmetric activations, 0 exactly representable;
 * fixed scales for outputs of softmax, logistic and tanh; one scale through pools and concatenations).
 */

import type { Graph, Node, QuantParams } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { maxOf, minOf } from '../models/lists.ts';
import { opOfNode } from '../models/ops/index.ts';
import type { Hidden } from '../models/ops/op.ts';
import { roundHalfAway } from './fixed-point.ts';
import { intOpOfNode } from './ops/index.ts';

/** Quantisation of [min, max], widened to contain 0. The scale is a float32, as model files store it. */
export function asymmetric(min: number, max: number): QuantParams {
  const low = Math.min(0, min);
  const high = Math.max(0, max);
  const scale = Math.fround((high - low) / 255) || Math.fround(1 / 255);
  const zeroPoint = Math.max(-128, Math.min(127, roundHalfAway(-128 - low / scale)));
  return { scale, zeroPoint };
}

/** Quantisation of [min, max] with zero point 0 and steps -127 to 127. */
export function symmetric(min: number, max: number): QuantParams {
  return { scale: Math.fround(Math.max(-min, max, 0) / 127) || Math.fround(1 / 127), zeroPoint: 0 };
}

/**
 * @param joint true: `ranges` already respect shared scales (quant/methods/shared-ranges.ts)
 * @param hidden largest values inside recurrent cells
 */
export function chooseScales(
  graph: Graph,
  ranges: ReadonlyMap<number, [number, number]>,
  rule: 'asymmetric' | 'symmetric' = 'asymmetric',
  joint = false,
  hidden?: ReadonlyMap<Node, Hidden>,
): Map<number, QuantParams> {
  const params = rule === 'symmetric' ? symmetric : asymmetric;
  const range = (id: number): [number, number] => ranges.get(id) ?? [0, 0];
  const quant = new Map<number, QuantParams>();
  for (const port of graph.inputs) quant.set(port.tensor, params(...range(port.tensor)));
  for (const node of graph.nodes) {
    const [x] = node.inputs as [number];
    const fixed = opOfNode(node).fixed?.(node.attrs);
    const shares = intOpOfNode(node).sharesScale?.(node.attrs);
    if (fixed) quant.set(node.output, fixed);
    else if (joint && shares === 'joined') quant.set(node.output, params(...range(node.output)));
    else if (shares === 'joined') {
      const low = minOf(node.inputs.map((id) => range(id)[0]));
      const high = maxOf(node.inputs.map((id) => range(id)[1]));
      quant.set(node.output, params(low, high));
      // an input takes the joint scale if only the concatenation reads it and its producer may choose a scale
      for (const id of node.inputs) if (isFree(graph, id)) quant.set(id, quant.get(node.output) as QuantParams);
    } else if (shares) quant.set(node.output, quant.get(x) as QuantParams);
    else quant.set(node.output, params(...range(node.output)));
    const read = opOfNode(node).inputParams?.(node.attrs, range(x), hidden?.get(node));
    if (read) quant.set(x, read);
  }
  return quant;
}

function isFree(graph: Graph, id: number): boolean {
  const view = viewOf(graph);
  const producer = view.producer(id);
  if (!producer || !view.soleReader(id)) return false;
  return !opOfNode(producer).fixed?.(producer.attrs) && !intOpOfNode(producer).sharesScale?.(producer.attrs);
}
