/**
 * Contamination: the rows of a window that depend on zero padding, per layer. Streaming without retraining
 * changes these rows.
 *
 * In: a Graph.  Out: for each layer that slides along time, the number of rows whose receptive field touches
 * padding, and the paper's probe.
 * Source: StreamiNNC section 3.2 B and rule R6. The probe uses an input of ones and averaging kernels, and
 * counts outputs below 1. It under-counts behind maximum pooling, because one clean tap hides the others; the
 * structural count does not.
 */

import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import type { WindowRule } from '../stream/timing.ts';

export interface Contamination {
  node: Node;
  /** Number of rows in one window. */
  rows: number;
  /**
   * Number of rows whose receptive field reaches past the left edge of the window, and past the right edge.
   */
  left: number;
  right: number;
  /** Share of the rows that reach past either edge, 0 to 1. */
  share: number;
  /** Number of rows whose probe output is below 1, and their share of all rows. */
  probeRows: number;
  probe: number;
}

/**
 * Rows of a tensor: 1 - the probe's value (exact near 1), and bits for the edges in reach: left 1, right 2.
 */
interface Rows {
  deficit: Float64Array;
  edges: Uint8Array;
}

function joined(inputs: Rows[]): Rows {
  const [first] = inputs as [Rows];
  return {
    deficit: first.deficit.map((_, t) => maxOf(inputs.map((x) => x.deficit[t] as number))),
    edges: first.edges.map((_, t) => inputs.reduce((all, x) => all | (x.edges[t] as number), 0)),
  };
}

function slide(x: Rows, rule: WindowRule, rows: number): Rows {
  const y: Rows = { deficit: new Float64Array(rows), edges: new Uint8Array(rows) };
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    let lowest = 1;
    let inside = 0;
    let edges = 0;
    for (let k = 0; k < rule.kernel; k++) {
      const t = row * rule.stride - rule.pad[0] + k * rule.dilation;
      if (t < 0 || t >= x.deficit.length) {
        edges |= t < 0 ? 1 : 2;
        continue;
      }
      const deficit = x.deficit[t] as number;
      sum += deficit;
      lowest = Math.min(lowest, deficit);
      inside++;
      edges |= x.edges[t] as number;
    }
    const average = { zero: (sum + rule.kernel - inside) / rule.kernel, exclude: sum / inside, minimum: lowest };
    y.deficit[row] = average[rule.padWith];
    y.edges[row] = edges;
  }
  return y;
}

/**
 * Returns the contamination of the layers in order. It ends at global pools and dense layers, and where
 * branches of different length meet.
 */
export function contaminationOf(graph: Graph): Contamination[] {
  const view = viewOf(graph);
  const known = new Map<number, Rows>();
  for (const { tensor } of graph.inputs)
    known.set(tensor, { deficit: new Float64Array(view.rows(tensor)), edges: new Uint8Array(view.rows(tensor)) });
  const found: Contamination[] = [];
  for (const node of graph.nodes) {
    const rule = view.rule(node);
    const inputs = node.inputs.map((id) => known.get(id));
    if (rule.kind !== 'window' || inputs.some((x) => x?.edges.length !== inputs[0]?.edges.length || !x)) continue;
    const rows = view.rows(node.output);
    const y = slide(joined(inputs as Rows[]), rule, rows);
    known.set(node.output, y);
    const count = (holds: (t: number) => boolean) => y.edges.reduce((n, _, t) => n + Number(holds(t)), 0);
    const probeRows = count((t) => (y.deficit[t] as number) > 0);
    found.push({
      node,
      rows,
      left: count((t) => ((y.edges[t] as number) & 1) !== 0),
      right: count((t) => ((y.edges[t] as number) & 2) !== 0),
      share: count((t) => y.edges[t] !== 0) / rows,
      probeRows,
      probe: probeRows / rows,
    });
  }
  return found;
}
