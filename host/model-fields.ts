/**
 * What a model file's metadata says for its bundle. No Node import: the command line and the page read the
 * same.
 *
 * In: a Graph, and settings of the detector and labels that come before the file's.  Out: fields of the
 * manifest, the hop and the mode that the file asks for, and the graph with what a user said of it, so that a
 * file made of it says so too.
 */
import { type DetectorManifest, type TruthAt, truthPlaces } from '../assembly/bundle/manifest.ts';
import { RunletError } from '../models/error.ts';
import { clockOf } from '../models/graph/clock.ts';
import { elementsOf, frameOf, type Graph } from '../models/graph/types.ts';
import { printable } from '../models/printable.ts';
import { detectorSettings, featuresSettings, labelsIn, namesIn } from '../models/read/detection.ts';
import { type Mode, modes } from '../models/stream/modes.ts';
import { indexedClasses } from '../quant/evaluate/labels.ts';

/** What a user says of a model beside its numbers. Undefined: nothing was said. */
export interface ModelSettings {
  /** Ticks between two outputs. */
  hop?: number | undefined;
  mode?: Mode | undefined;
  sampleRateHz?: number | undefined;
  labels?: readonly string[] | undefined;
  /** Names of the elements of a frame. */
  columns?: readonly string[] | undefined;
  truthAt?: TruthAt | undefined;
}

/**
 * The graph with settings in its metadata, over those that it has. @throws RN755, RN756 labels or columns
 * that do not fit
 */
export function withSettings(graph: Graph, settings: ModelSettings): Graph {
  const { hop, mode, sampleRateHz, labels, columns, truthAt } = settings;
  const texts = {
    'runlet.hop': hop?.toString(),
    'runlet.mode': mode,
    'runlet.sample_rate_hz': sampleRateHz?.toString(),
    'runlet.labels': labels && JSON.stringify(labels),
    'runlet.columns': columns && JSON.stringify(columns),
    'runlet.truth_at': truthAt,
  };
  const said = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const told = { ...graph, metadata: { ...graph.metadata, ...Object.fromEntries(said) } };
  checkLabels(told, labelsIn(told.metadata));
  columnsIn(told);
  return told;
}

/** RN755. @param elements values of each output */
export const labelsUnfit = (labels: readonly string[], where: string, elements: readonly number[]): RunletError =>
  new RunletError('RN755', {
    what: `${labels.length} labels do not fit this model`,
    where,
    why: `its output has ${elements.join(' and ')} values, and the labels are ${printable(labels.slice(0, 20).join(', '))}`,
    tryThis: `--labels with ${elements[0]} names, in the order of the output's values`,
  });

/**
 * Labels are names of an output's elements, or of the classes that it is an index of. An output of one
 * element has one, or two for its low and its high end. @throws RN755
 */
function checkLabels(graph: Graph, labels: readonly string[] | undefined): void {
  if (!labels) return;
  const elements = graph.outputs.map(({ tensor }) => elementsOf(graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 }));
  const fits = (n: number, which: number) =>
    [n, indexedClasses(graph, which)].includes(labels.length) || (n === 1 && labels.length <= 2);
  if (!elements.some(fits)) throw labelsUnfit(labels, graph.name, elements);
}

/**
 * Names of the elements of a frame that the metadata has (`runlet.columns`: a JSON list, or names with commas
 * between them). @throws RN756
 */
export function columnsIn(graph: Graph): string[] | undefined {
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
 * Columns of a file that the model's input is known by: those of the metadata, else the name of an input of
 * one element. @throws RN756
 */
export function knownColumns(graph: Graph): string[] | undefined {
  const [input] = graph.inputs;
  const single = input && frameOf(graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 }) === 1;
  return columnsIn(graph) ?? (single ? [input.name] : undefined);
}

/** Manifest fields that a model's metadata may carry. @throws RN133, RN755, RN756 */
export function manifestFields(graph: Graph, settings: Partial<DetectorManifest> = {}, names?: string[]) {
  const rate = Number(graph.metadata['runlet.sample_rate_hz']);
  const labels = names ?? labelsIn(graph.metadata);
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const own = detectorSettings(graph.metadata);
  const wanted = own !== undefined || Object.keys(given).length > 0;
  const detector = { cutoff: 0.5, slidingWindow: 1, refractoryMs: 1000, output: 0, ...own, ...given };
  const features = featuresSettings(graph.metadata);
  checkLabels(graph, labels);
  const columns = columnsIn(graph);
  const truthAt = truthPlaces.find((place) => place === graph.metadata['runlet.truth_at']);
  const { 'runlet.front_end': frontEnd, 'runlet.unit': unit } = graph.metadata;
  return {
    ...(rate > 0 && { sampleRateHz: rate }),
    ...(frontEnd && { frontEnd: printable(frontEnd) }),
    ...(unit && { unit: printable(unit) }),
    ...(labels && { labels }),
    ...(columns && { columns }),
    ...(truthAt && { truthAt }),
    ...(wanted && { detector }),
    ...(features && { features }),
  };
}

/** The hop that the file names, in ticks; undefined where it names none. */
export function hopInFile(graph: Graph): number | undefined {
  const hop = Number(graph.metadata['runlet.hop']);
  return hop >= 1 ? hop : undefined;
}

/** The mode that the file names; undefined where it names none. */
export const modeInFile = (graph: Graph): Mode | undefined => modes.find((mode) => mode === graph.metadata['runlet.mode']);

/** Ticks of a window; with one input, its frames. */
export const windowOf = (graph: Graph): number => clockOf(graph).window;
