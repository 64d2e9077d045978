/**
 * --eval and --eval-labels of quantize: data and labels out of files, and what is said of the task.
 *
 * In: a graph, the command line.  Out: evaluation data and labels; lines for people. Data is what --calib
 * takes. An array [recordings][frames][values] of .npy has a label for each recording's last window, any
 * other data one for each window. Labels are .npy, .json (a list, or its member `labels`) or .csv (the column
 * `label`, else the last).
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

export const evaluationArgs = group('Judged by a task', {
  eval: signals('Data to judge the model by: the forms of --calib'),
  evalLabels: input('Labels of --eval, one a window: .npy, .csv or .json, classes by index or name, or values to be met'),
  metric: choice('What the labels are judged by (default: by the labels)', metrics, { hint: 'name' }),
});

export type EvaluationArgs = Omit<CalibSourceOptions, 'calib' | 'truth'> & Given<typeof evaluationArgs>;

export interface Task {
  data: EvaluationData;
  labels?: Labels;
  metric?: (typeof metrics)[number];
}

/** Options of the task stand beside --eval. @throws RN740 */
export function checkTaskArgs({ eval: data, evalLabels, metric }: EvaluationArgs): void {
  if (evalLabels && !data) throw badOption('eval-labels', evalLabels, '--eval beside it');
  if (metric && !evalLabels)
    throw badOption('metric', metric, data ? '--eval-labels beside it' : '--eval and --eval-labels beside it');
}

/** Nothing without --eval. @throws RN432 to RN436, RN72x */
export async function taskOf(graph: Graph, args: EvaluationArgs): Promise<Task | undefined> {
  const { metric } = args;
  if (!args.eval) return undefined;
  const { evalLabels } = args;
  const labels = evalLabels ? readLabels(await labelCells(evalLabels, graph), graph, metric) : undefined;
  const data = (await recordingsApart(graph, args.eval)) ?? (await oneSignal(graph, { ...args, calib: args.eval }));
  return { data, ...(labels && { labels }), ...(metric && { metric }) };
}

async function labelCells(path: string, graph: Graph): Promise<readonly unknown[]> {
  const bytes = await readBytes(path);
  if (/\.npy$/i.test(path)) {
    const { readNpy } = await import('../sources/npy.ts');
    return [...readNpy(bytes).data];
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

/** An array whose rows are longer than a frame, each at least a window. */
async function recordingsApart(graph: Graph, path: string): Promise<EvaluationData | undefined> {
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

async function oneSignal(graph: Graph, options: CalibSourceOptions): Promise<EvaluationData> {
  const { chunks } = await calibrationChunks(graph, options);
  const parts: (readonly Float32Array[])[] = [];
  let apart = false;
  for await (const chunk of chunks) {
    if ('begins' in chunk) apart = true;
    parts.push('begins' in chunk ? chunk.data : chunk instanceof Float32Array ? [chunk.slice()] : chunk.map((c) => c.slice()));
  }
  if (apart) return { recordings: parts };
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

/** What can be found wrong before the work. @throws RN431, RN438, RN2xx */
export async function checkTask(graph: Graph, plan: PlanOptions, { data, labels }: Task): Promise<void> {
  const { labelled, windowCount } = await import('../../quant/evaluate/evaluate.ts');
  const { planStream } = await import('../../models/stream/plan.ts');
  const planned = planStream(graph, plan);
  if (labels) labelled(planned, data, labels);
  else windowCount(planned, data);
}

/** @throws RN431, RN434, RN438 */
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
  return whileWorking('judging each form', async () => compareForms(float, quant, data, labels));
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
export const decibelText = (db: number): string => (Number.isFinite(db) ? `${db.toFixed(1)} dB` : 'equal');

const short = (x: number): string => `${Number(x.toPrecision(3))}`;

/** A row a form, and who is taken for whom by the last one. */
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
      .filter((c) => confusion.some((row, said) => row[c] || (said === c && row.some((n) => n > 0))));
    const cells = shown.map((said) => [
      names[said] as string,
      ...shown.map((c) => (confusion[said]?.[c] ? String(confusion[said]?.[c]) : '·')),
      percent(classes[said]?.recall ?? 0),
      percent(classes[said]?.f1 ?? 0),
    ]);
    lines.push('', `${last.name}: rows say what it was, columns what was answered`, '');
    lines.push(table(cells, { head: ['', ...shown.map((c) => names[c] as string), 'recall', 'F1'], colour }));
  }
  return `${lines.join('\n')}\n`;
}
