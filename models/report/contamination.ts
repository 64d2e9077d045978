/**
 * Which rows of a window depend on zero padding, per layer: what streaming without retraining changes.
 *
 * In: a Graph.  Out: per layer that slides along time, rows whose receptive field touches padding, and the
 * paper's probe.
 * Source: StreamiNNC section 3.2 B and rule R6. The probe counts outputs below 1 for an input of ones where
 * every kernel averages; it under-counts behind maximum pooling, where one clean tap hides the others. The
 * structural count does not.
 */

import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import type { WindowRule } from '../stream/timing.ts';

export interface Contamination {
  node: Node;
  /** Rows of one window. */
  rows: number;
  /** Rows whose receptive field reaches past the window's left, its right edge. */
  left: number;
  right: number;
  /** Part of the rows that reach past either edge, 0 to 1. */
  share: number;
  /** Rows whose probe output is below 1, and their part of all rows. */
  probeRows: number;
  probe: number;
}

/**
 * A tensor's rows: 1 - the probe's value (exact near 1), and whether the left (1) or the right edge (2) is
 * within reach.
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
    let least = 1;
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
      least = Math.min(least, deficit);
      inside++;
      edges |= x.edges[t] as number;
    }
    const average = { zero: (sum + rule.kernel - inside) / rule.kernel, exclude: sum / inside, minimum: least };
    y.deficit[row] = average[rule.padWith];
    y.edges[row] = edges;
  }
  return y;
}

/**
 * Layers in order, up to where time ends (a global pool or a dense layer) or branches of different length
 * meet.
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
