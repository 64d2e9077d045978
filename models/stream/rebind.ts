/**
 * planFor: moves a plan to another graph with the same layers.
 *
 * In: a StreamPlan, and a graph with the same tensors and nodes in the same order but other weights or
 * scales.
 * Out: the same plan with the nodes of that graph. The steps are not planned again, so both plans run alike.
 */
import { withCarry } from '../graph/recurrent.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { StreamPlan } from './types.ts';

export function planFor(plan: StreamPlan, given: Graph): StreamPlan {
  const graph = withCarry(given, plan.mode === 'stream');
  const other = new Map(plan.graph.nodes.map((node, i) => [node, graph.nodes[i] as Node]));
  const at = (node: Node): Node => other.get(node) as Node;
  const moved = <T>(map: Map<Node, T>): Map<Node, T> => new Map([...map].map(([node, value]) => [at(node), value]));
  const { layout } = plan;
  return {
    ...plan,
    graph,
    steps: plan.steps.map((step) => ({ ...step, node: at(step.node) })),
    ...(layout && {
      layout: {
        ...layout,
        trunk: new Set([...layout.trunk].map(at)),
        folds: moved(layout.folds),
        taps: moved(layout.taps),
        rows: moved(layout.rows),
      },
    }),
  };
}
