/**
 * printGraph: returns a graph as text, for messages of tests.
 *
 * In: a Graph.  Out: the lines and the table of `runlet inspect`, aligned.
 */
import { graphCells, graphHead, graphLines } from '../../models/graph/print.ts';
import type { Graph } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';

/** Returns several lines without a trailing newline. */
export function printGraph(graph: Graph): string {
  const { before, after } = graphLines(graph);
  const rows = graphCells(graph).map((cells) => cells.map(String));
  return [...before, ...align([graphHead(graph), ...rows]), ...after].join('\n');
}

function align(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => maxOf(rows.map((row) => row[i]?.length ?? 0)));
  const right = (i: number) => rows[0]?.[i] === 'params';
  return rows.map((row) =>
    row
      .map((cell, i) => (right(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
