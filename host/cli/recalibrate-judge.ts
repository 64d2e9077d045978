/**
 * Compares the running bundle with a recalibrated model on labelled windows, for `runlet recalibrate`.
 *
 * In: a set of windows (window-set.ts) with the answers of the bundle that ran; an int8 graph.  Out: a
 * comparison (host/learn/compare.ts), lines for people.
 * Rule: the new model's answers are those of its windowed form. Windows of other bundles do not count.
 */
import * as v from 'valibot';
import type { Graph } from '../../models/graph/types.ts';
import { checkModel, outputsOf } from '../command/pool-outputs.ts';
import { type Comparison, compareVersions } from '../learn/compare.ts';
import { answerOf, type LabelledWindow } from '../learn/judge.ts';
import { answersOf, verdicts } from '../learn/labels.ts';
import { poolOf } from '../learn/pool.ts';
import { reasons } from '../learn/reasons.ts';
import { readNpzAll, readNpzJson } from '../sources/npz.ts';

const aboutSchema = v.array(
  v.object({
    digest: v.string(),
    share: v.number(),
    reasons: v.array(v.picklist(reasons)),
    outputs: v.array(v.array(v.number())),
    labels: v.array(v.object({ annotator: v.string(), label: v.union([v.string(), v.number(), v.literal(false), v.null()]) })),
  }),
);

/** Compares on a set of windows. @param digest of the running bundle. @param path of the set, for messages */
export async function compareOn(
  bytes: Uint8Array,
  int8: Graph,
  { digest, names, path }: { digest: string; names: readonly string[] | undefined; path: string },
): Promise<Comparison> {
  const about = v.parse(aboutSchema, await readNpzJson(bytes, 'about.json'));
  const pool = poolOf((await readNpzAll(bytes)).arrays);
  checkModel(int8, pool, path);
  const next = await outputsOf(int8, pool);
  // the class is that of the first output
  const first = about[0]?.outputs[0]?.length ?? next.features;
  const windows = about.map(({ share, reasons: chosen, outputs, labels, digest: by }, i): LabelledWindow => {
    const truth = verdicts(answersOf('', labels, names ?? []))[0]?.truth;
    const old = by === digest ? outputs[0] : undefined;
    return {
      window: `${i}`,
      reasons: chosen,
      inclusion: share,
      ...(truth && { truth }),
      answers: {
        ...(old && { old: answerOf(old, names) }),
        new: answerOf(next.values.subarray(i * next.features, i * next.features + first), names),
      },
    };
  });
  return compareVersions(windows, 'old', 'new', names);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const short = (value: number): string => `${Number(value.toPrecision(4))}`;

function judgementText(judged: Comparison['old']): string {
  const [what, { value, interval }, text] =
    'accuracy' in judged
      ? (['accuracy', judged.accuracy, percent] as const)
      : (['mean absolute error', judged.meanAbsoluteError, short] as const);
  return `${what} ${text(value)}${interval ? ` (${text(interval.low)} .. ${text(interval.high)})` : ''}`;
}

/** Describes a comparison: one [name, text] pair per line. */
export function comparisonLines({ old, next, windows, better, worse, verdict }: Comparison): [string, string][] {
  return [
    ['running', `${judgementText(old)} on ${windows} random windows with labels`],
    ['new', `${judgementText(next)} on the same windows`],
    ['compared', `${verdict}: nearer to the labels on ${better} windows, farther on ${worse}`],
  ];
}
