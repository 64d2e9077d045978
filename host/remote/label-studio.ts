/**
 * Label Studio's tasks: collected windows as a time series with choices or a number, and labels back.
 *
 * In: windows as the gateway's API gives them; bytes of an export.  Out: tasks as JSON; checked labels.
 * Errors: RN893, with the number of the task.
 *
 *     task         data: window, slot, stream, time, version, reasons, signal: { seconds | ticks, NAME }
 *     annotation   lead_time; result: one of choices or number, with meta.annotator
 *
 * "Not sure" and "nothing of this" are choices of these names. The annotator is in `meta`, because Label
 * Studio refuses names in `completed_by` that are not its users. What the versions said is left out: Label
 * Studio would fill it in as an answer.
 * Source: labelstud.io/guide/task_format, tags choices, number and timeseries.
 */
import * as v from 'valibot';
import type { WindowJson } from '../gateway/collect/window-json.ts';
import type { WindowLabel } from '../learn/label-schema.ts';
import { checkedLabel, maxTaskBytes, textOf, wrongLabels } from './label-file.ts';
import { inputsOf } from './window-set.ts';

const notSure = '(not sure)';
const nothing = '(nothing of this)';
/** Digits of a value of the signal. A choice: enough for a picture. */
const digits = 6;

const arrays = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

/** Returns the signal of an input: a column of times and one for each channel, as real values. */
function columnsOf(window: WindowJson, input: WindowJson['inputs'][number], bytes: Uint8Array, rateHz?: number) {
  const { name, hostType, elements, rate = 1, scale, zeroPoint } = input;
  const kind = arrays[hostType];
  const values = new kind(bytes.slice().buffer as ArrayBuffer);
  const rows = values.length / elements;
  const column = (value: (row: number) => number) =>
    Array.from({ length: rows }, (_, row) => Number(value(row).toPrecision(digits)));
  const real = (x: number) => (hostType === 'float32' ? x : scale * (x - zeroPoint));
  const time = (row: number) => (window.from - window.windowFrom + row / rate) / (rateHz ?? 1);
  const channels = Array.from({ length: elements }, (_, i) => [
    elements > 1 ? `${name}_${i}` : name,
    column((row) => real(values[row * elements + i] as number)),
  ]);
  return Object.fromEntries([[rateHz ? 'seconds' : 'ticks', column(time)], ...channels]) as Record<string, number[]>;
}

function annotationOf({ annotator, label, seconds }: WindowJson['labels'][number], i: number) {
  const choice = label === null ? notSure : label === false ? nothing : label;
  const answer =
    typeof choice === 'number'
      ? { type: 'number', value: { number: choice } }
      : { type: 'choices', value: { choices: [choice] } };
  const result = [{ id: `label-${i}`, from_name: 'label', to_name: 'signal', ...answer, meta: { annotator } }];
  return { was_cancelled: false, ground_truth: false, ...(seconds !== undefined && { lead_time: seconds }), result };
}

/** Returns a window as a task. @param rateHz ticks per second, if known. */
export function taskOf(window: WindowJson, slot: string, rateHz?: number): object {
  const bytes = new Uint8Array(Buffer.from(window.signal, 'base64'));
  const inputs = window.inputs.map(({ rate = 1, ...input }) => ({ ...input, rate }));
  const signals = inputsOf(inputs, bytes).map((part, i) => [
    i === 0 ? 'signal' : `signal_${i}`,
    columnsOf(window, inputs[i] as (typeof inputs)[number], part, rateHz),
  ]);
  const { id, stream, timeMs, version, digest, reasons, labels } = window;
  const facts = { window: id, slot, stream, time: new Date(timeMs).toISOString(), version: version || digest.slice(0, 12) };
  return {
    data: { ...facts, reasons: reasons.join(', '), ...Object.fromEntries(signals) },
    annotations: labels.map(annotationOf),
  };
}

const user = v.union([v.number(), v.object({ email: v.optional(v.string()), id: v.optional(v.number()) })]);
const answer = v.object({
  type: v.string(),
  value: v.object({
    choices: v.optional(v.array(v.string())),
    timeserieslabels: v.optional(v.array(v.string())),
    number: v.optional(v.number()),
  }),
  meta: v.nullish(v.object({ annotator: v.optional(v.string()) })),
});
const annotation = v.object({
  was_cancelled: v.nullish(v.boolean()),
  lead_time: v.nullish(v.number()),
  completed_by: v.nullish(user),
  result: v.array(answer),
});
const task = v.object({ data: v.object({ window: v.number() }), annotations: v.optional(v.array(annotation), []) });
type Annotation = v.InferOutput<typeof annotation>;

function annotatorOf({ completed_by: by, result }: Annotation): string {
  const named = result.find(({ meta }) => meta?.annotator)?.meta?.annotator;
  if (named) return named;
  if (typeof by === 'object' && by?.email) return by.email;
  const id = typeof by === 'object' ? by?.id : by;
  return id === undefined ? 'Label Studio' : `user ${id}`;
}

/** Returns the label of an annotation; undefined without one. @throws RN893 if it has several */
function labelOf({ result }: Annotation, where: string): WindowLabel['label'] | undefined {
  const given = new Set(
    result.flatMap(({ value: { choices = [], timeserieslabels = [], number } }) =>
      [...choices, ...timeserieslabels, number ?? []].flat(),
    ),
  );
  if (given.size > 1) throw wrongLabels(where, 'it has several answers, and a window has one');
  const [one] = given;
  return one === notSure ? null : one === nothing ? false : one;
}

/**
 * Reads the labels of an export. Annotations that were skipped or have no answer are left out, and counted.
 * @throws RN893
 */
export function readTasks(bytes: Uint8Array, name: string): { labels: WindowLabel[]; skipped: number } {
  const text = textOf(bytes, name, maxTaskBytes);
  let tasks: unknown;
  try {
    tasks = JSON.parse(text);
  } catch (error) {
    throw wrongLabels(name, `it is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(tasks)) throw wrongLabels(name, 'it is not a list of tasks');
  const labels: WindowLabel[] = [];
  let skipped = 0;
  for (const [n, value] of tasks.entries()) {
    const found = v.safeParse(task, value, { abortEarly: true });
    const at = `${name}, task ${n + 1}`;
    if (!found.success) throw wrongLabels(at, `${v.getDotPath(found.issues[0]) ?? 'it'}: ${found.issues[0].message}`);
    const { data, annotations } = found.output;
    for (const [i, one] of annotations.entries()) {
      const where = `${at}, annotation ${i + 1}`;
      const label = one.was_cancelled ? undefined : labelOf(one, where);
      const seconds = one.lead_time ?? undefined;
      if (label === undefined) skipped++;
      else labels.push(checkedLabel({ window: data.window, annotator: annotatorOf(one), label, ...(seconds !== undefined && { seconds }) }, where)); // biome-ignore format: one line
    }
  }
  return { labels, skipped };
}
