/**
 * Fuses max pools into the convolutions before them: the largest sum of each pool is requantised, and the
 * convolution's outputs are never written.
 *
 * In: the plan's steps.  Out: for each convolution step that only a max pool reads, the pool step that its
 * call also computes.  Exact: requantisation keeps the order of sums, and a pool must not clamp more than its
 * convolution.
 */
import type { Step, StreamPlan } from '../../models/stream/types.ts';
import type { PoolParams, Range } from '../../quant/ops/op.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { emitOpOfNode } from './ops/index.ts';

/**
 * Checks whether the steps are a convolution and a pool over successive rows, without edges, and nothing else
 * reads the tensor between them.
 */
function isPair(plan: StreamPlan, conv: Step, pool: Step | undefined): pool is Step {
  if (conv.kind !== 'run' || pool?.kind !== 'run') return false;
  if (emitOpOfNode(conv.node).fusesPool !== 'takes' || emitOpOfNode(pool.node).fusesPool !== 'taken') return false;
  const [x] = pool.inputs;
  const { rule } = pool;
  const readers = plan.steps.filter((s) => s.inputs.some(({ tensor }) => tensor === conv.output));
  const history = conv.section === 'trunk' ? (plan.tensors.get(conv.output)?.historyRows ?? 0) : 0;
  return (
    conv.section === pool.section &&
    !plan.tensors.get(conv.output)?.stream &&
    !plan.tensors.get(pool.output)?.stream &&
    readers.length === 1 &&
    plan.graph.outputs.every(({ tensor }) => tensor !== conv.output) &&
    history === 0 &&
    x?.tensor === conv.output &&
    x.firstRow === 0 &&
    rule.kind === 'window' &&
    rule.dilation === 1 &&
    rule.pad[0] === 0 &&
    rule.pad[1] === 0 &&
    conv.outRows === pool.outRows * rule.stride
  );
}

/** Returns, for each convolution step, the pool step that follows it and can be fused into it. */
export function pooledSteps(quant: QuantPlan): Map<Step, Step> {
  const { plan } = quant;
  const pairs = new Map<Step, Step>();
  for (const [i, conv] of plan.steps.entries()) {
    const pool = plan.steps[i + 1];
    if (!isPair(plan, conv, pool)) continue;
    const { geometry: g, ...clamp } = quant.params.get(pool.node) as PoolParams;
    const inner = quant.params.get(conv.node) as Range;
    const inTime = g.kernelF === 1 && g.strideF === 1 && g.kernelT === g.strideT;
    if (inTime && clamp.min <= inner.min && clamp.max >= inner.max) pairs.set(conv, pool);
  }
  return pairs;
}
