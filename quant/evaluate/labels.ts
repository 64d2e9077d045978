/**
 * Labels: the expected output of each window.
 *
 * In: values from a file (numbers, names of classes, null for a window without a label), the graph, an
 * optional metric.  Out: checked Labels. Without a metric, names are classes, and so are integers if the
 * model's output has several elements. All other labels are expected output values.
 */
import { RunletError } from '../../models/error.ts';
import { elementsOf, type Graph } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { opOfNode } from '../../models/ops/index.ts';
import { labelsIn } from '../../models/read/detection.ts';

export const metrics = ['accuracy', 'f1', 'mae', 'rmse'] as const;
export type Metric = (typeof metrics)[number];

/** How outputs tell classes. */
export interface Classes {
  /** Elements of output 0, which tells the class. Default: as many as there are names. */
  elements?: number;
  names: readonly string[];
}

/**
 * `classes`: one class index per window. `values`: all elements of all outputs, window after window. null: no
 * label; the window is not judged.
 */
export interface Labels extends Classes {
  kind: 'classes' | 'values';
  values: readonly (number | null)[];
}

/** Returns the number of elements of each output of a graph. */
export const outputElements = (graph: Graph): number[] => graph.outputs.map((p) => elementsOf(viewOf(graph).shape(p.tensor)));

/** Number of classes that an output of one element is an index of; undefined if it is a value. */
export function indexedClasses(graph: Graph, which = 0): number | undefined {
  const view = viewOf(graph);
  const { tensor = -1 } = graph.outputs[which] ?? {};
  const maker = view.producer(tensor);
  if (!maker || elementsOf(view.shape(tensor)) !== 1) return undefined;
  return opOfNode(maker).classes?.(maker.inputs.map(view.shape));
}

/**
 * Returns the names of a model's classes: those of its file, else their indexes. One output element stands
 * for two classes, with threshold 0.5, unless it is an index.
 */
export function classNames(graph: Graph): string[] {
  const [elements = 0] = outputElements(graph);
  const count = indexedClasses(graph) ?? Math.max(2, elements);
  const named = labelsIn(graph.metadata);
  return named?.length === count ? named : Array.from({ length: count }, (_, i) => String(i));
}

/** Returns how output 0 tells the class. */
export const classesOf = (graph: Graph): Classes => ({ elements: outputElements(graph)[0] ?? 0, names: classNames(graph) });

/** Whether the output tells the class: it is an index, class scores, or the file names its elements. */
export function tellsClasses(graph: Graph): boolean {
  const [elements = 0] = outputElements(graph);
  const maker = viewOf(graph).producer(graph.outputs[0]?.tensor ?? -1);
  const scores = maker && opOfNode(maker).scores;
  if (indexedClasses(graph) !== undefined) return true;
  return elements > 1 && (scores === true || labelsIn(graph.metadata)?.length === elements);
}

const listed = (names: readonly string[]): string =>
  names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ');

function unknownClass(value: unknown, window: number, names: readonly string[]): RunletError {
  return new RunletError('RN432', {
    what: `${typeof value === 'string' ? `'${value}'` : value} is no class of this model`,
    where: `label of window ${window}`,
    why: `it has ${names.length}: ${listed(names)}`,
    tryThis: 'an index from 0, or a name as the model spells it',
  });
}

const badLabel = (value: unknown, window: number): RunletError =>
  new RunletError('RN433', {
    what: `a label is ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    where: `label of window ${window}`,
    why: 'a label is a number or the name of a class',
    tryThis: 'null, or an empty cell, for a window without a label',
  });

const noList = (why: string): RunletError =>
  new RunletError('RN436', {
    what: 'there is no list of labels',
    why,
    tryThis: '["yes", "no", null, "yes"], or an object with such a list as its member "labels"',
  });

/** Reads the list from a JSON text: the whole text, or its member `labels`. @throws RN436 */
export function labelList(json: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw noList((error as Error).message);
  }
  const list = Array.isArray(parsed) ? parsed : (parsed as { labels?: unknown } | null)?.labels;
  if (Array.isArray(list)) return list.flat();
  throw noList('labels are a list, one for each window');
}

/** @throws RunletError RN432 (unknown class), RN433 (not a number), RN435 (metric does not fit the labels) */
export function readLabels(raw: readonly unknown[], graph: Graph, metric?: Metric): Labels {
  const names = classNames(graph);
  const [elements = 0] = outputElements(graph);
  const wantsValues = metric === 'mae' || metric === 'rmse';
  const given = raw.filter((value) => value !== null && value !== undefined && value !== '');
  const named = given.some((value) => typeof value === 'string');
  const tells = elements > 1 || indexedClasses(graph) !== undefined;
  const whole = tells && given.every((value) => Number.isInteger(value));
  if (named && wantsValues)
    throw new RunletError('RN435', {
      what: `the labels are names, but ${metric} needs values`,
      why: 'a name has no distance to an output',
      tryThis: '--metric accuracy or f1, or the expected output values as labels',
    });
  const kind = metric ? (wantsValues ? 'values' : 'classes') : named || whole ? 'classes' : 'values';
  const per = kind === 'classes' ? 1 : outputElements(graph).reduce((a, b) => a + b, 0);
  const values = raw.map((value, i) => {
    const window = Math.floor(i / per);
    if (value === null || value === undefined || value === '') return null;
    if (typeof value === 'string') {
      const index = names.indexOf(value.trim());
      if (index < 0) throw unknownClass(value, window, names);
      return index;
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) throw badLabel(value, window);
    if (kind === 'classes' && !(Number.isInteger(value) && value >= 0 && value < names.length))
      throw unknownClass(value, window, names);
    return value;
  });
  return { kind, values, elements, names: kind === 'classes' ? names : [] };
}
