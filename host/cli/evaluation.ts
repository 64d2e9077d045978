/**
 * --eval and --eval-labels of quantize: reads data and labels, and prints the result of the evaluation.
 *
 * In: a graph, the command line.  Out: evaluation data and labels; lines for people.
 * Data has the formats of --calib. A .npy array [recordings][frames][values] has one label per recording, for
 * its last window; other data has one label per window. Labels are .npy, .npz (the array `labels`), .json (a
 * list, or its member `labels`) or .csv (the column `label`, else the last column).
 */

import { clockOf } from '../../models/graph/clock.ts';
import { frameOf, type Graph } from '../../models/graph/types.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { FormComparison } from '../../quant/evaluate/compare-forms.ts';
import type { EvaluationData } from '../../quant/evaluate/evaluate.ts';
import { classNames, type Labels, labelList, metrics, readLabels } from '../../quant/evaluate/labels.ts';
import { badOption, coloursFor } from '../command/args.ts';
import { type CalibSourceOptions, calibrationChunks } from '../command/calibration.ts';
import { readBytes } from '../command/load.ts';
import { choice, type Given, group, input, signals } from '../command/options.ts';
import { whileWorking } from '../report/progress.ts';
import { table } from '../report/table.ts';
import { numberOf } from '../sources/source.ts';

export const evaluationArgs = group('Evaluation', {
  eval: signals('Data to evaluate the model on, in the formats of --calib'),
  evalLabels: input('Labels of --eval, one per window: .npy, .npz, .csv or .json; class indexes or names, or values'),
  metric: choice('Metric of the evaluation (default: chosen by the labels)', metrics, { hint: 'name' }),
});

export type EvaluationArgs = Omit<CalibSourceOptions, 'calib' | 'truth'> & Given<typeof evaluationArgs>;

export interface Task {
  data: EvaluationData;
  labels?: Labels;
  metric?: (typeof metrics)[number];
}

/** Checks that options of the evaluation are used together with --eval. @throws RN740 */
export function checkTaskArgs({ eval: data, evalLabels, metric }: EvaluationArgs): void {
  if (evalLabels && !data) throw badOption('eval-labels', evalLabels, 'a file only together with --eval');
  if (metric && !evalLabels)
    throw badOption('metric', metric, `a metric only together with ${data ? '--eval-labels' : '--eval and --eval-labels'}`);
}

/** Reads data and labels; undefined without --eval. @throws RN432 to RN436, RN72x */
export async function taskOf(graph: Graph, args: EvaluationArgs): Promise<Task | undefined> {
  const { metric } = args;
  if (!args.eval) return undefined;
  const { evalLabels } = args;
  const labels = evalLabels ? readLabels(await labelCells(evalLabels, graph), graph, metric) : undefined;
  const data = (await separateRecordings(graph, args.eval)) ?? (await oneSignal(graph, { ...args, calib: args.eval }));
  return { data, ...(labels && { labels }), ...(metric && { metric }) };
}

/** Reads the cells of a label file. */
async function labelCells(path: string, graph: Graph): Promise<readonly unknown[]> {
  const bytes = await readBytes(path);
  if (/\.npy$/i.test(path)) {
    const { readNpy } = await import('../sources/npy.ts');
    return [...readNpy(bytes).data];
  }
  if (/\.npz$/i.test(path)) {
    const { readNpz } = await import('../sources/npz.ts');
    return [...(await readNpz(bytes, 'labels')).data];
  }
  const text = new TextDecoder().decode(bytes);
  if (/\.json$/i.test(path)) return labelList(text);
  const { parse } = await import('csv-parse/sync');
  const rows = parse(text, { bom: true, trim: true, relax_column_count: true, delimiter: [',', ';', '\t'] }) as string[][];
  const names = classNames(graph);
  const value = (cell = ''): unknown => {
    if (names.includes(cell)) return cell;
    return /^nan$/i.test(cell) ? Number.NaN : (numberOf(cell) ?? cell);
  };
  const head = rows[0] ?? [];
  const at = head.indexOf('label');
  const last = value(head.at(-1));
  const header = at >= 0 || (typeof last === 'string' && last !== '' && !names.includes(last));
  return rows.slice(header ? 1 : 0).map((row) => value(at >= 0 ? row[at] : row.at(-1)));
}

/** Reads a .npy array of recordings, each at least a window long; undefined for other data. */
async function separateRecordings(graph: Graph, path: string): Promise<EvaluationData | undefined> {
  const [input, second] = graph.inputs;
  if (!/\.npy$/i.test(path) || !input || second) return undefined;
  const { readNpy } = await import('../sources/npy.ts');
  const { shape, data } = readNpy(await readBytes(path));
  const perRow = shape.slice(1).reduce((a, b) => a * b, 1);
  const frame = frameOf(graph.tensors[input.tensor]?.shape ?? { t: 0, f: 0, c: 0 });
  if (perRow === frame || perRow % frame !== 0 || perRow / frame < clockOf(graph).window) return undefined;
  const rows = Array.from({ length: shape[0] ?? 0 }, (_, i) => [Float32Array.from(data.subarray(i * perRow, (i + 1) * perRow))]);
  return { recordings: rows };
}

/** Reads data as one signal per input, or as separate windows. */
async function oneSignal(graph: Graph, options: CalibSourceOptions): Promise<EvaluationData> {
  const { chunks } = await calibrationChunks(graph, options);
  const parts: (readonly Float32Array[])[] = [];
  let isSeparate = false;
  for await (const chunk of chunks) {
    if ('begins' in chunk) isSeparate = true;
    parts.push('begins' in chunk ? chunk.data : chunk instanceof Float32Array ? [chunk.slice()] : chunk.map((c) => c.slice()));
  }
  if (isSeparate) return { recordings: parts };
  return graph.inputs.map((_, i) => {
    const all = new Float32Array(parts.reduce((n, p) => n + (p[i]?.length ?? 0), 0));
    let at = 0;
    for (const p of parts) {
      all.set(p[i] as Float32Array, at);
      at += (p[i] as Float32Array).length;
    }
    return all;
  });
}

/** Checks data and labels before the long work. @throws RN431, RN438, RN2xx */
export async function checkTask(graph: Graph, plan: PlanOptions, { data, labels }: Task): Promise<void> {
  const { labelled, windowCount } = await import('../../quant/evaluate/evaluate.ts');
  const { planStream } = await import('../../models/stream/plan.ts');
  const planned = planStream(graph, plan);
  if (labels) labelled(planned, data, labels);
  else windowCount(planned, data);
}

/** Evaluates float and int8 forms on the task. @throws RN431, RN434, RN438 */
export async function compared(
  graph: Graph | undefined,
  int8: Graph,
  plan: PlanOptions,
  { data, labels }: Task,
): Promise<FormComparison> {
  const [{ compareForms }, { quantPlan }, { planStream }] = await Promise.all([
    import('../../quant/evaluate/compare-forms.ts'),
    import('../../quant/plan.ts'),
    import('../../models/stream/plan.ts'),
  ]);
  const quant = quantPlan(planStream(int8, plan));
  const float = graph && planStream(graph, { ...plan, mode: quant.plan.mode });
  return whileWorking('evaluating each form', async () => compareForms(float, quant, data, labels));
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const decibelText = (db: number): string => (Number.isFinite(db) ? `${db.toFixed(1)} dB` : 'equal');

const short = (x: number): string => `${Number(x.toPrecision(3))}`;

/** Formats a table with one row per form, and the confusion matrix of the last form. */
export function evaluationText({ windows, judged, mode, forms, names }: FormComparison): string {
  const { isColorSupported: colour } = coloursFor(process.stdout);
  const [first] = forms;
  const kind = first?.classes ? ['accuracy', 'macro F1'] : first?.values ? ['MAE', 'RMSE', 'bias'] : [];
  const same = first?.agreement === undefined ? [] : ['same class'];
  const rows = forms.map(({ name, against, classes, values, outputSqnrDb, maxDifference, agreement, sameAsWindowed }) => [
    name,
    ...(classes ? [percent(classes.accuracy), percent(classes.macroF1)] : []),
    ...(values ? [short(values.mae), short(values.rmse), short(values.bias)] : []),
    against ? decibelText(outputSqnrDb) : '',
    against ? short(maxDifference) : '',
    ...(agreement === undefined ? [] : [against ? percent(agreement) : '']),
    sameAsWindowed ? `int8 windowed: ${mode} is equal by construction` : (against ?? ''),
  ]);
  const head = ['form', ...kind, 'output SQNR', 'max |diff|', ...same, 'against'];
  const lines = [
    `evaluation: ${judged} of ${windows} windows, mode ${mode}`,
    '',
    table(rows, { head, colour, spare: ['max |diff|', 'bias', 'same class', 'macro F1'] }),
  ];
  const last = forms.at(-1);
  if (last?.classes) {
    const { classes, confusion } = last.classes;
    const shown = classes
      .map((_, c) => c)
      .filter((c) => confusion.some((row, truth) => row[c] || (truth === c && row.some((n) => n > 0))));
    const cells = shown.map((truth) => [
      names[truth] as string,
      ...shown.map((c) => (confusion[truth]?.[c] ? String(confusion[truth]?.[c]) : '·')),
      percent(classes[truth]?.recall ?? 0),
      percent(classes[truth]?.f1 ?? 0),
    ]);
    lines.push('', `${last.name}: rows are the truth, columns the answers`, '');
    lines.push(table(cells, { head: ['', ...shown.map((c) => names[c] as string), 'recall', 'F1'], colour }));
  }
  return `${lines.join('\n')}\n`;
}
