/**
 * Deviation per layer: contamination, slope, the bound of a misaligned hop, and the measured deviation.
 *
 * In: results of the modes, and the rows of all layers over the whole signal.  Out: one row for each layer
 * that slides along time. The slope is max |a[i] - a[i-1]| of the layer computed with stride 1. In mode
 * misaligned, window n is taken r = n * hop mod P frames early, at most P - gcd(hop, P). If no layer before
 * has a stride, rows that touch no window edge differ by at most r * slope, because the same signal is read r
 * places earlier. Behind a stride, the bound holds only for the layer itself on its input, with r / J rows
 * rounded up (StreamiNNC sections 1.6 and 2, R14).
 */

import { gcd } from '../graph/clock.ts';
import type { Graph, Node } from '../graph/types.ts';
import { maxOf } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import type { Block, RunNode, WindowResult } from '../stream/execute.ts';
import type { Mode } from '../stream/modes.ts';
import type { StreamPlan } from '../stream/types.ts';
import { slopeBound } from './bound.ts';
import type { Contamination } from './contamination.ts';
import type { Difference, Differences } from './difference.ts';

/** One mode while it is measured. */
export interface Measured<A> {
  plan: StreamPlan;
  results: Iterator<WindowResult<A>>;
  layers: Map<Node, Difference>;
  outputs: Differences[];
}

export interface LayerDeviation {
  layer: string;
  op: string;
  /** Share of rows that touch a window edge, and the paper's probe. */
  contaminated: number;
  probe: number;
  slope: number;
  /** NRMSE of the rows in each mode that was run, as a share of their range. */
  nrmse: Partial<Record<Mode, number>>;
  /** Only for mode misaligned. */
  misaligned?: {
    /** Largest number of frames by which a window is early. */
    early: number;
    bound: number;
    /** True if no layer before this one has a stride, so that the bound holds for its rows. */
    proven: boolean;
    /** Largest difference of rows that touch no edge; absent if every row touches one. */
    maxDifference?: number;
  };
}

interface Rows<A> {
  grid: StreamPlan;
  trunk: ReadonlyMap<number, Block<A>>;
  run: RunNode<A>;
  real: (tensor: number, data: A) => ArrayLike<number>;
  contamination: Contamination[];
}

/** Returns the largest change between consecutive rows of the layer, computed with stride 1. */
function slopeOf<A>({ trunk, run, real }: Rows<A>, node: Node): number {
  const xs = node.inputs.map((id) => trunk.get(id));
  if (xs.some((x) => x === undefined)) return Number.NaN;
  const known = xs as Block<A>[];
  const attrs = 'strideT' in node.attrs ? { ...node.attrs, strideT: 1 } : node.attrs;
  const shape = opOfNode(node).shape(
    known.map((x) => x.shape),
    attrs,
    node.name,
  );
  const y = real(node.output, run(node, known, shape, 1));
  const frame = shape.f * shape.c;
  let slope = 0;
  for (let i = frame; i < y.length; i++) slope = Math.max(slope, Math.abs((y[i] as number) - (y[i - frame] as number)));
  return slope;
}

export function layerRows<A>(graph: Graph, hop: number, measured: Measured<A>[], rows: Rows<A>): LayerDeviation[] {
  const misaligned = measured.find((m) => m.plan.mode === 'misaligned');
  return rows.contamination
    .filter(({ node }) => graph.nodes.includes(node))
    .map(({ node, rows: count, left, right, share, probe }) => {
      const slope = slopeOf(rows, node);
      const nrmse: LayerDeviation['nrmse'] = {};
      for (const { plan, layers } of measured) {
        const d = layers.get(node);
        if (d) nrmse[plan.mode] = d.nrmse;
      }
      const row: LayerDeviation = { layer: node.name, op: node.op, contaminated: share, probe, slope, nrmse };
      const found = misaligned?.layers.get(node);
      if (!misaligned || !found || Number.isNaN(slope)) return row;
      const { alignment } = misaligned.plan;
      const early = alignment - gcd(hop, alignment);
      const jump = misaligned.plan.tensors.get(node.inputs[0] ?? -1)?.jump ?? 1;
      const clean = found.byRow.slice(left, count - right);
      const bound = slopeBound(Math.ceil(early / jump), slope);
      return {
        ...row,
        misaligned: { early, bound, proven: jump === 1, ...(clean.length > 0 && { maxDifference: maxOf(clean) }) },
      };
    });
}
