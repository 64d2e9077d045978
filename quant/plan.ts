/**
 * QuantPlan: a stream plan with the integer parameters of every node.
 *
 * In: a StreamPlan of an int8 Graph (from a reader or from the quantiser).  Out: the plan that the emitter
 * packs and the reference runs.
 */
import { isRunletError, RunletError } from '../models/error.ts';
import { isQuantised, type Node, type OpName, type Tensor } from '../models/graph/types.ts';
import { planStream } from '../models/stream/plan.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { legalise } from './legalise.ts';
import { intOpOfNode } from './ops/index.ts';
import type { IntParams } from './ops/op.ts';
import { checkInt16 } from './rescale.ts';

export interface QuantPlan {
  /** Its graph is int8. */
  plan: StreamPlan;
  params: Map<Node, IntParams[OpName]>;
}

/**
 * Returns the integer parameters of every node of a plan's int8 graph. Activations may be int16.
 * Requantisations that the file leaves implicit become nodes (legalise.ts); a graph changed in this way gets
 * a new plan.
 * @throws RunletError RN4xx
 */
export function quantPlan(given: StreamPlan): QuantPlan {
  const { graph, options, mode, reason } = given;
  if (!isQuantised(graph)) {
    throw new RunletError('RN401', {
      what: `the model ${graph.name} is float`,
      why: 'the module computes in int8 and needs the ranges of its activations',
      tryThis: 'give calibration data: --calib signal.npy',
    });
  }
  const legal = legalise(graph);
  checkInt16(legal);
  const plan = legal === graph ? given : { ...planStream(legal, { ...options, mode }), reason };
  const tensor = (id: number) => legal.tensors[id] as Tensor;
  const params = new Map<Node, IntParams[OpName]>();
  for (const node of legal.nodes) {
    params.set(node, prepare(node, node.inputs.map(tensor), tensor(node.output)));
  }
  return { plan, params };
}

/** Returns the parameters of one node. Adds the node's name to RN402, a multiplier that does not fit. */
function prepare(node: Node, x: Tensor[], y: Tensor): IntParams[OpName] {
  try {
    return intOpOfNode(node).prepare(node, x, y);
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN402') throw new RunletError('RN402', { ...error.parts, where: node.name });
    throw error;
  }
}
