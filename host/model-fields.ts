/**
 * What a model file's metadata says for its bundle. No Node import: the command line and the page read the same.
 *
 * In: a Graph, and settings of the detector and labels that come before the file's.  Out: fields of the manifest, and the hop that the file asks for.
 */
import type { DetectorManifest } from '../assembly/bundle/manifest.ts';
import type { Graph } from '../models/graph/types.ts';
import { printable } from '../models/printable.ts';
import { detectorSettings, featuresSettings, labelsIn } from '../models/read/detection.ts';
import { clockOf } from '../models/stream/clock.ts';

/** Manifest fields that a model's metadata may carry. @throws RN133 */
export function manifestFields(graph: Graph, settings: Partial<DetectorManifest> = {}, names?: string[]) {
  const rate = Number(graph.metadata['runlet.sample_rate_hz']);
  const labels = names ?? labelsIn(graph.metadata);
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const own = detectorSettings(graph.metadata);
  const wanted = own !== undefined || Object.keys(given).length > 0;
  const detector = { cutoff: 0.5, slidingWindow: 1, refractoryMs: 1000, output: 0, ...own, ...given };
  const features = featuresSettings(graph.metadata);
  const { 'runlet.front_end': frontEnd, 'runlet.unit': unit } = graph.metadata;
  return {
    ...(rate > 0 && { sampleRateHz: rate }),
    ...(frontEnd && { frontEnd: printable(frontEnd) }),
    ...(unit && { unit: printable(unit) }),
    ...(labels && { labels }),
    ...(wanted && { detector }),
    ...(features && { features }),
  };
}

/** The hop that the file names, in ticks; undefined where it names none. */
export function hopInFile(graph: Graph): number | undefined {
  const hop = Number(graph.metadata['runlet.hop']);
  return hop >= 1 ? hop : undefined;
}

/** Ticks of a window; with one input, its frames. */
export const windowOf = (graph: Graph): number => clockOf(graph).window;
