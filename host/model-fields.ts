/**
 * Settings of a bundle that a model file's metadata states. Has no Node import, so that the command line and
 * the web page share it.
 *
 * In: a Graph, and settings that override its metadata.
 * Out: fields of the manifest, the file's hop and mode, and a graph whose metadata holds the user's settings,
 * so that files written from it keep them.
 */
import { type DetectorManifest, type TruthAt, truthPlaces } from '../assembly/bundle/manifest.ts';
import { RunletError } from '../models/error.ts';
import { clockOf } from '../models/graph/clock.ts';
import { elementsOf, frameOf, type Graph } from '../models/graph/types.ts';
import { printable } from '../models/printable.ts';
import { accuracyIn } from '../models/read/accuracy.ts';
import { detectorSettings, featuresSettings, labelsIn, namesIn } from '../models/read/detection.ts';
import { type Mode, modes } from '../models/stream/modes.ts';
import { indexedClasses } from '../quant/evaluate/labels.ts';

/** Settings that a user may give for a model. Undefined: not given. */
export interface ModelSettings {
  /** Ticks between two outputs. */
  hop?: number | undefined;
  mode?: Mode | undefined;
  sampleRateHz?: number | undefined;
  labels?: readonly string[] | undefined;
  /** Names of the elements of a frame. */
  columns?: readonly string[] | undefined;
  truthAt?: TruthAt | undefined;
  /** Accuracy on held-out data, in %. */
  accuracy?: number | undefined;
}

/**
 * Returns the graph with these settings in its metadata; they replace its present ones. @throws RN755, RN756
 * if labels or columns do not fit the model.
 */
export function withSettings(graph: Graph, settings: ModelSettings): Graph {
  const { hop, mode, sampleRateHz, labels, columns, truthAt, accuracy } = settings;
  const texts = {
    'runlet.hop': hop?.toString(),
    'runlet.mode': mode,
    'runlet.sample_rate_hz': sampleRateHz?.toString(),
    'runlet.labels': labels && JSON.stringify(labels),
    'runlet.columns': columns && JSON.stringify(columns),
    'runlet.truth_at': truthAt,
    'runlet.accuracy': accuracy?.toString(),
  };
  const given = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const updated = { ...graph, metadata: { ...graph.metadata, ...Object.fromEntries(given) } };
  checkLabels(updated, labelsIn(updated.metadata));
  columnsIn(updated);
  return updated;
}

/** Makes the error RN755. @param elements number of values of each output. */
export const labelsUnfit = (labels: readonly string[], where: string, elements: readonly number[]): RunletError =>
  new RunletError('RN755', {
    what: `${labels.length} labels do not fit this model`,
    where,
    why: `its output has ${elements.join(' and ')} values, and the labels are ${printable(labels.slice(0, 20).join(', '))}`,
    tryThis: `--labels with ${elements[0]} names, in the order of the output's values`,
  });

/**
 * Checks that there is one label per element of an output, or per class if the output is an index. Other
 * outputs of one element take one label, or two for their low and their high end. @throws RN755
 */
function checkLabels(graph: Graph, labels: readonly string[] | undefined): void {
  if (!labels) return;
  const elements = graph.outputs.map(({ tensor }) => elementsOf(graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 }));
  const fits = (n: number, which: number) =>
    [n, indexedClasses(graph, which)].includes(labels.length) || (n === 1 && labels.length <= 2);
  if (!elements.some(fits)) throw labelsUnfit(labels, graph.name, elements);
}

/**
 * Returns the names of a frame's elements from the metadata (`runlet.columns`: a JSON list, or names
 * separated by commas). @throws RN756
 */
function columnsIn(graph: Graph): string[] | undefined {
  const text = graph.metadata['runlet.columns'];
  if (text === undefined) return undefined;
  const [input, second] = graph.inputs;
  const elements = frameOf(graph.tensors[input?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 });
  const columns = namesIn(text);
  if (columns.length === elements && !second) return columns;
  throw new RunletError('RN756', {
    what: `${columns.length} columns do not fit this model`,
    where: graph.name,
    why: second ? `it has ${graph.inputs.length} inputs` : `a frame of its input has ${elements} values`,
    tryThis: second ? 'leave --columns out' : `--columns with ${elements} names`,
  });
}

/**
 * Returns the names of the file columns that make up a frame: those of the metadata, else the input's name if
 * it has one element. @throws RN756
 */
export function knownColumns(graph: Graph): string[] | undefined {
  const [input] = graph.inputs;
  const single = input && frameOf(graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 }) === 1;
  return columnsIn(graph) ?? (single ? [input.name] : undefined);
}

/** Returns the manifest fields of the metadata; `settings` come first. @throws RN133, RN755, RN756 */
export function manifestFields(graph: Graph, settings: Partial<DetectorManifest> = {}, names?: string[]) {
  const rate = Number(graph.metadata['runlet.sample_rate_hz']);
  const labels = names ?? labelsIn(graph.metadata);
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const inFile = detectorSettings(graph.metadata);
  const hasDetector = inFile !== undefined || Object.keys(given).length > 0;
  const detector = { cutoff: 0.5, slidingWindow: 1, refractoryMs: 1000, output: 0, ...inFile, ...given };
  const features = featuresSettings(graph.metadata);
  checkLabels(graph, labels);
  const columns = columnsIn(graph);
  const truthAt = truthPlaces.find((place) => place === graph.metadata['runlet.truth_at']);
  const accuracy = accuracyIn(graph.metadata);
  const { 'runlet.front_end': frontEnd, 'runlet.unit': unit } = graph.metadata;
  return {
    ...(rate > 0 && { sampleRateHz: rate }),
    ...(frontEnd && { frontEnd: printable(frontEnd) }),
    ...(unit && { unit: printable(unit) }),
    ...(labels && { labels }),
    ...(columns && { columns }),
    ...(truthAt && { truthAt }),
    ...(accuracy !== undefined && { accuracy }),
    ...(hasDetector && { detector }),
    ...(features && { features }),
  };
}

/** Returns the file's hop in ticks; undefined if it states none. */
export function hopInFile(graph: Graph): number | undefined {
  const hop = Number(graph.metadata['runlet.hop']);
  return hop >= 1 ? hop : undefined;
}

/** Returns the file's mode; undefined if it states none. */
export const modeInFile = (graph: Graph): Mode | undefined => modes.find((mode) => mode === graph.metadata['runlet.mode']);

/** Returns the window's length in ticks; with one input a tick is a frame. */
export const windowOf = (graph: Graph): number => clockOf(graph).window;
