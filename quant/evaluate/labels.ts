/**
 * Labels: what each window should have given.
 *
 * In: values as a file has them (numbers, names of classes, null where a window has no label), the graph, a
 * metric.  Out: Labels, checked. Without a metric, names are classes, and so are whole numbers where the
 * model's output has several elements; all else is values to be met.
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
 * `classes`: an index a window. `values`: all elements of all outputs, window after window. null: no label,
 * the window is not judged.
 */
export interface Labels extends Classes {
  kind: 'classes' | 'values';
  values: readonly (number | null)[];
}

/** Elements of each output of a graph. */
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
 * Names of a model's classes: those of its file, else their indexes. One output element tells two classes
 * apart, at 0.5, unless it is an index.
 */
export function classNames(graph: Graph): string[] {
  const [elements = 0] = outputElements(graph);
  const count = indexedClasses(graph) ?? Math.max(2, elements);
  const named = labelsIn(graph.metadata);
  return named?.length === count ? named : Array.from({ length: count }, (_, i) => String(i));
}

/** The classes that output 0 tells. */
export const classesOf = (graph: Graph): Classes => ({ elements: outputElements(graph)[0] ?? 0, names: classNames(graph) });

/** Whether the output tells classes apart: it is an index, a softmax, or the file names its elements. */
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
    tryThis: 'null, or an empty cell, for a window that has none',
  });

const noList = (why: string): RunletError =>
  new RunletError('RN436', {
    what: 'there is no list of labels',
    why,
    tryThis: '["yes", "no", null, "yes"], or an object with such a list as its member "labels"',
  });

/** The list in a JSON text: all of it, or its member `labels`. @throws RN436 */
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

/** @throws RunletError RN432 no such class, RN433 no number, RN435 the metric is for other labels */
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
      what: `the labels are names, and ${metric} is of values`,
      why: 'a name has no distance to an output',
      tryThis: '--metric accuracy or f1, or labels that are the values to be met',
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
