/**
 * What a model file's metadata says for its bundle. No Node import: the command line and the page read the same.
 *
 * In: a Graph.  Out: fields of the manifest, and the hop that the file asks for.
 */
import type { Graph } from '../models/graph/types.ts';
import { clockOf } from '../models/stream/clock.ts';

/** Manifest fields that a model's metadata may carry. */
export function manifestFields(graph: Graph) {
  const rate = Number(graph.metadata['runlet.sample_rate_hz']);
  const labels = graph.metadata['runlet.labels'];
  return {
    ...(rate > 0 && { sampleRateHz: rate }),
    ...(graph.metadata['runlet.front_end'] && { frontEnd: graph.metadata['runlet.front_end'] }),
    ...(graph.metadata['runlet.unit'] && { unit: graph.metadata['runlet.unit'] }),
    ...(labels && { labels: labels.split(',').map((l) => l.trim()) }),
  };
}

/** The hop that the file names, in ticks; undefined where it names none. */
export function hopInFile(graph: Graph): number | undefined {
  const hop = Number(graph.metadata['runlet.hop']);
  return hop >= 1 ? hop : undefined;
}

/** Ticks of a window; with one input, its frames. */
export const windowOf = (graph: Graph): number => clockOf(graph).window;
