/**
 * Judgement: what labelled windows say about the versions of a slot.
 *
 * In: windows with labels and the outputs of each version; manifests.  Out: per version accuracy or error
 * with intervals, what was left out, calibration of the scores, the state of the alarm; and the recommended
 * version.
 * Rules: those of host/learn. The first output of a model is judged. Estimates, calibration and choice use
 * the windows that were drawn at random: windows on which the running version was uncertain would speak for
 * others. Scores are calibrated only if they are probabilities: 0 to 1, with a sum of 1.
 * Cost: `rounds` x windows per version, because this runs beside the streams.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import type { WindowFeatures } from '../../../quant/calibration/coverage.ts';
import { type Choice, chooseVersion, type ScoredWindow } from '../../learn/choose-version.ts';
import { accuracyAlarm, answerOf, type ClassJudgement, judgeClasses, judgeValues, type LabelledWindow, type ValueJudgement } from '../../learn/judge.ts'; // biome-ignore format: one line
import { answersOf, type Given, type Truth, verdicts } from '../../learn/labels.ts';
import type { Reason } from '../../learn/reasons.ts';
import { fitTemperature, type Reliability, reliability, type Scored, type Temperature } from '../../learn/scores.ts';
import type { Stored } from '../store/state.ts';
import type { Failure } from '../worker/messages.ts';
import type { JudgeSettings } from './settings.ts';

export type Role = 'running' | 'trial' | 'previous' | 'pool';

export interface JudgedBundle {
  role: Role;
  stored: Stored;
  manifest: Manifest;
  /** Why it gives no answers: its module has failed on a window. */
  failure?: Failure;
}

export interface SeenWindow {
  id: number;
  reasons: readonly Reason[];
  share: number;
  labels: readonly Given[];
  features?: WindowFeatures;
  /** Values of the first output, by digest; null if a version cannot answer. Absent: not yet replayed. */
  outputs: ReadonlyMap<string, Float32Array | null>;
}

type Calibration = Reliability & { windows: number; temperature?: Temperature };

export interface VersionJudgement extends Pick<Stored, 'digest' | 'name' | 'version' | 'sequence'> {
  role: Role;
  kind: 'classes' | 'values';
  /** Names of the classes, in the order of the confusion. */
  names?: readonly string[];
  judgement: ClassJudgement | ValueJudgement;
  /** Undefined for values, and if the outputs are not probabilities. */
  calibration?: Calibration;
  /** Windows that wait for their replay. */
  pending: number;
  failure?: Failure;
}

export interface Alarm {
  /** `under`: worse than the level. */
  state: 'too few' | 'above' | 'under';
  /** Number of windows that can tell. */
  needed: number;
}

/** Rounds of a bootstrap. A choice: fewer than in reports, because they run beside the streams. */
const rounds = 300;
/** Fewest windows for an alarm of an error. A choice. */
const neededErrors = 30;
/** How far a sum of int8 probabilities may be from 1. A choice, above half a step for each of 10 classes. */
const sumSlack = 0.05;

/** Returns the classes of a model's first output; undefined if it is a value. */
function namesOf({ outputs, labels = [] }: Pick<Manifest, 'outputs' | 'labels'>): readonly string[] | undefined {
  const elements = outputs[0]?.elements ?? 0;
  if (elements === 1) return labels.length > 1 ? labels : undefined;
  return labels.length === elements ? labels : Array.from({ length: elements }, (_, i) => `${i}`);
}

const truthOf = ({ id, labels }: SeenWindow, names: readonly string[] = []): Truth | undefined =>
  verdicts(answersOf(`${id}`, labels, names))[0]?.truth;

/** Returns the windows as judging wants them, for one version. */
const labelledFor = (windows: readonly SeenWindow[], digest: string, names?: readonly string[]): LabelledWindow[] =>
  windows.map((one) => {
    const values = one.outputs.get(digest);
    const truth = truthOf(one, names);
    const answers: Record<string, number> = values ? { [digest]: answerOf(values, names) } : {};
    return { window: `${one.id}`, reasons: one.reasons, inclusion: one.share, ...(truth && { truth }), answers };
  });

/**
 * Returns the calibration of the scores; undefined without windows, or if the scores are no probabilities.
 */
function calibrationOf(windows: readonly SeenWindow[], digest: string, names: readonly string[]): Calibration | undefined {
  const scored: Scored[] = [];
  for (const one of windows) {
    const values = one.outputs.get(digest);
    const truth = truthOf(one, names);
    if (!values || truth?.kind !== 'class' || !one.reasons.includes('random') || !(one.share > 0)) continue;
    const scores = values.length === 1 ? Float32Array.of(1 - (values[0] as number), values[0] as number) : values;
    const isShare = scores.every((score) => score >= 0 && score <= 1);
    if (!isShare || Math.abs(scores.reduce((sum, score) => sum + score, 0) - 1) > sumSlack) return undefined;
    if (truth.class < scores.length) scored.push({ scores, truth: truth.class, weight: 1 / one.share });
  }
  if (scored.length === 0) return undefined;
  const temperature = fitTemperature(scored);
  return { windows: scored.length, ...reliability(scored), ...(temperature && { temperature }) };
}

/** Judges one version. */
export function judgeVersion(
  { role, stored, manifest, failure }: JudgedBundle,
  windows: readonly SeenWindow[],
): VersionJudgement {
  const { digest, name, version, sequence } = stored;
  const names = namesOf(manifest);
  const labelled = labelledFor(windows, digest, names);
  const calibration = names && calibrationOf(windows, digest, names);
  return {
    ...{ role, digest, name, version, sequence },
    kind: names ? 'classes' : 'values',
    ...(names && { names }),
    judgement: names ? judgeClasses(labelled, digest, names, { rounds }) : judgeValues(labelled, digest, { rounds }),
    ...(calibration && { calibration }),
    pending: windows.filter((one) => !one.outputs.has(digest)).length,
    ...(failure && { failure }),
  };
}

/** Returns the state of the alarm; undefined without a level for this kind of model. */
export function alarmOf({ judgement }: VersionJudgement, { level, maxError }: JudgeSettings): Alarm | undefined {
  if ('accuracy' in judgement) return level === undefined ? undefined : accuracyAlarm(judgement, level);
  if (maxError === undefined) return undefined;
  const high = judgement.meanAbsoluteError.interval?.high;
  if (judgement.windows < neededErrors || high === undefined) return { state: 'too few', needed: neededErrors };
  return { state: high > maxError ? 'under' : 'above', needed: neededErrors };
}

/** Recommends a version. @param bundles the running one, and those that may run instead */
export function recommend(
  bundles: readonly JudgedBundle[],
  running: string,
  windows: readonly SeenWindow[],
  latest: readonly WindowFeatures[],
  { lastLabels }: JudgeSettings,
): Choice {
  const scored = windows.flatMap((one): ScoredWindow[] => {
    if (!one.reasons.includes('random')) return [];
    const scores = bundles.flatMap(({ stored: { digest }, manifest }): [string, number][] => {
      const [values, names] = [one.outputs.get(digest), namesOf(manifest)];
      const truth = truthOf(one, names);
      if (!values || !truth) return [];
      const answer = answerOf(values, names);
      if (truth.kind === 'value') return names ? [] : [[digest, -Math.abs(answer - truth.value)]];
      return names ? [[digest, truth.kind === 'class' && answer === truth.class ? 1 : 0]] : [];
    });
    return scores.length > 0 ? [{ scores: Object.fromEntries(scores), features: one.features }] : [];
  });
  const versions = bundles.map(({ stored: { digest, sequence } }) => ({ id: digest, sequence }));
  return chooseVersion(versions, running, scored, latest, { k: lastLabels });
}
