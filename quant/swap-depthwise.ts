/**
 * swapDepthwise: replaces depthwise convolutions by pools, which have no parameters.
 *
 * In: a float or int8 Graph.  Out: the graph with a max or average pool in place of each depthwise
 * convolution that a pool can replace, and the names of the layers of both kinds. Kernel, stride, padding and
 * clamp stay; weights and bias go. Padding counts neither for averages nor for maxima.
 *
 * Scales of int8 graphs: a pool has the scale of its input, and layers that only move or average values pass
 * it on. All other tensors keep their scales, and all other layers their weights and biases. So the graph
 * costs what it would cost after training; its values mean nothing before.
 *
 * Source: Han et al., "Learning Features with Parameter-Free Layers", ICLR 2022, arXiv 2202.02777 (max
 * pools); Yu et al., "MetaFormer Is Actually What You Need for Vision", arXiv 2111.11418 (average pools).
 */
import { asGlobalPool } from '../models/graph/fold-pool.ts';
import { StepStreams } from '../models/graph/stateful.ts';
import { withRows } from '../models/graph/step-graph.ts';
import { type Graph, isInt16, type Node, type NodeOf, type PoolAttrs, sameParams, type Tensor } from '../models/graph/types.ts';
import { coversOnlyPadding } from '../models/ops/sliding.ts';
import { intOpOfNode } from './ops/index.ts';

export const poolNames = ['maxpool', 'avgpool'] as const;
export type PoolName = (typeof poolNames)[number];

export interface Swapped {
  graph: Graph;
  /** Names of the replaced layers. */
  replaced: string[];
  /** Depthwise layers that stay, and why no pool can replace them. */
  kept: { name: string; why: string }[];
}

/** Replaces depthwise layers. The argument does not change. */
export function swapDepthwise(graph: Graph, pool: PoolName): Swapped {
  const tensors = [...graph.tensors];
  const streams = graph.stateful ? new StepStreams({ tensors, inputs: graph.inputs }) : undefined;
  const [replaced, kept]: [string[], Swapped['kept']] = [[], []];
  const swap = (node: Node): Node[] => {
    if (node.op !== 'depthwise') return [node];
    const { name } = node;
    const [x, y] = [tensors[node.inputs[0] as number], tensors[node.output]] as [Tensor, Tensor];
    const why = reasonToKeep(node, x, y);
    if (why) {
      kept.push({ name, why });
      return [node];
    }
    replaced.push(name);
    const made = poolOf(node, pool);
    const { padT } = made.attrs;
    // earlier rows of the stream take the place of this padding, so it is no padding of the pool
    if (padT[0] > 0 && streams?.isStream(x.id)) return withRows(made, { before: padT[0], after: padT[1] }, tensors);
    const slides = streams?.freshRows(x.id) !== undefined;
    return [(!slides && asGlobalPool(made, x.shape, y.shape, x.quant ? 'avgpool' : 'mean')) || made];
  };
  const nodes = graph.nodes.flatMap((node) => {
    const made = swap(node);
    for (const one of made) streams?.add(one);
    const quant = tensors[node.inputs[0] as number]?.quant;
    if (quant && (made[0] !== node || passesScale(node, graph.tensors)))
      tensors[node.output] = { ...(tensors[node.output] as Tensor), quant };
    return made;
  });
  return { graph: { ...graph, tensors, nodes }, replaced, kept };
}

/** Whether the node's output has the scale of its only input, because the operator demands it. */
const passesScale = (node: Node, tensors: readonly Tensor[]): boolean =>
  node.inputs.length === 1 &&
  intOpOfNode(node).sharesScale?.(node.attrs) !== undefined &&
  sameParams(tensors[node.inputs[0] as number]?.quant, tensors[node.output]?.quant);

/** Returns why no pool can replace the layer; undefined if one can. */
function reasonToKeep({ attrs }: NodeOf<'depthwise'>, x: Tensor, y: Tensor): string | undefined {
  const { multiplier, kernelT, kernelF, dilationT, dilationF } = attrs;
  if (multiplier !== 1) return `a channel multiplier of ${multiplier}; a pool makes one channel of each`;
  if (kernelT * kernelF === 1) return 'a kernel of one place; it scales channels, and a pool would only copy them';
  const dilation = Math.max(kernelT > 1 ? dilationT : 1, kernelF > 1 ? dilationF : 1);
  if (dilation > 1) return `a dilation of ${dilation}; pools have none`;
  if (isInt16(x.quant) !== isInt16(y.quant)) return 'int8 on one side and int16 on the other; a pool keeps the type';
  return coversOnlyPadding(x.shape, attrs, y.shape) ? 'places that cover only padding; a pool has no value there' : undefined;
}

function poolOf(node: NodeOf<'depthwise'>, op: PoolName): NodeOf<PoolName> {
  const { kernelT, kernelF, strideT, strideF, padT, padF, clamp } = node.attrs;
  const attrs: PoolAttrs = { kernelT, kernelF, strideT, strideF, padT, padF, clamp };
  return { ...node, op, attrs };
}
