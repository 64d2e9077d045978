/**
 * compareForms: one model as float and int8, windowed and streamed, at the same windows.
 *
 * In: the plan of the float graph, the QuantPlan made of it, data, labels where there are some.  Out: a row a
 * form with its metrics, and how far its outputs are from those of another.  All forms are judged at the
 * windows that every form answers. Where streaming equals the windowed model by construction (edge-exact,
 * windowed) it is not run again; the row says so.
 */
import { RunletError } from '../../models/error.ts';
import { cutSignal, ticksIn } from '../../models/stream/execute.ts';
import { floatBlocks } from '../../models/stream/float.ts';
import { hasTrunk } from '../../models/stream/modes.ts';
import { windowedPlan } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { Ratio } from '../diagnose/tally.ts';
import type { QuantPlan } from '../plan.ts';
import { windowedModel } from '../reference.ts';
import {
  answerOf,
  type Evaluation,
  type EvaluationData,
  isApart,
  type Judged,
  judge,
  labelled,
  metricsOf,
  windowCount,
} from './evaluate.ts';
import { classesOf, type Labels, tellsClasses } from './labels.ts';
import type { Model } from './outputs.ts';

export type FormName = 'float windowed' | 'float streamed' | 'int8 windowed' | 'int8 streamed';

export interface Form extends Pick<Evaluation, 'classes' | 'values'> {
  name: FormName;
  /**
   * What its outputs are compared with: int8 with float of the same way of running, float streamed with float
   * windowed; nothing for the first.
   */
  against?: FormName;
  /** Infinity where equal. */
  outputSqnrDb: number;
  maxDifference: number;
  /** Share of windows with the same class; of classifiers. */
  agreement?: number;
  /** The same numbers as windowed by construction. */
  sameAsWindowed: boolean;
}

export interface FormComparison {
  windows: number;
  judged: number;
  mode: string;
  /** What int8 and streaming change shows in the outputs of these, in this order. */
  forms: Form[];
  names: readonly string[];
}

function difference(reference: readonly Judged[], judged: readonly Judged[]): { outputSqnrDb: number; maxDifference: number } {
  const ratio = new Ratio();
  let maxDifference = 0;
  for (const [i, { outputs }] of reference.entries()) {
    const got = (e: number) => judged[i]?.outputs[e] as number;
    ratio.add(outputs, got);
    for (const [e, want] of outputs.entries()) maxDifference = Math.max(maxDifference, Math.abs(got(e) - want));
  }
  return { outputSqnrDb: ratio.db, maxDifference };
}

/** Recordings without their last ticks, which a streamed output with look-ahead waits for. */
const withoutEnd = (plan: StreamPlan, recordings: readonly (readonly Float32Array[])[], ticks: number): EvaluationData => ({
  recordings: recordings.map((signals) => {
    const blocks = floatBlocks(plan, signals);
    return [...cutSignal(plan, blocks, 0, Math.max(0, ticksIn(plan, blocks) - ticks)).values()].map((b) => b.data);
  }),
});

/**
 * @param float the plan of the float graph, of the same hop and mode as `streamed`
 * @param labels left out: outputs are compared, nothing is judged
 * @throws RunletError RN431, RN434, RN438, RN2xx
 */
export function compareForms(
  float: StreamPlan | undefined,
  streamed: QuantPlan,
  data: EvaluationData,
  labels?: Labels,
): FormComparison {
  const { plan } = streamed;
  const exact = plan.steps.every((s) => s.exact);
  const stateful = plan.graph.stateful === true;
  const models: [FormName, Model][] = [];
  if (float && !stateful) models.push(['float windowed', windowedPlan(float)]);
  if (float && (stateful || !exact)) models.push(['float streamed', float]);
  if (!stateful) models.push(['int8 windowed', windowedModel(streamed)]);
  const again = hasTrunk(plan.mode);
  if (again) models.push(['int8 streamed', streamed]);
  const { windows, has } = labels ? labelled(plan, data, labels) : { windows: windowCount(plan, data), has: () => true };
  // streaming holds the first ones back, and the last wait for their look-ahead
  const answers = (n: number) => isApart(data) || n >= plan.warmUpHops;
  const atSameEnd = plan.delayFrames > 0 && isApart(data) ? withoutEnd(plan, data.recordings, plan.delayFrames) : data;
  const dataOf = (name: FormName) => (name.endsWith('windowed') ? atSameEnd : data);
  const all = models.map(([name, model]) => ({ name, judged: judge(model, dataOf(name), (n) => has(n) && answers(n)) }));
  const common = new Set(all[0]?.judged.map((j) => j.window));
  for (const { judged } of all) {
    const there = new Set(judged.map((j) => j.window));
    for (const n of common) if (!there.has(n)) common.delete(n);
  }
  if (common.size === 0)
    throw new RunletError('RN434', {
      what: 'no window can be judged',
      why: `of ${windows} windows none ${labels ? 'that has a label ' : ''}has an output in every form; streaming needs ${plan.leftContextFrames} earlier frames`,
      tryThis: 'longer recordings, or --mode windowed',
    });
  const kept = all.map(({ name, judged }) => ({ name, judged: judged.filter((j) => common.has(j.window)) }));
  const find = (name: FormName) => kept.find((k) => k.name === name);
  const [first] = kept as [(typeof kept)[number]];
  const classes = classesOf(plan.graph);
  const ofClasses = labels ? labels.kind === 'classes' : tellsClasses(plan.graph);
  const forms = kept.map(({ name, judged }): Form => {
    const reference =
      name === 'int8 streamed' ? (find('float streamed') ?? find('float windowed') ?? first) : (find('float windowed') ?? first);
    const same = judged.filter(
      ({ outputs }, i) => answerOf(outputs, classes) === answerOf(reference.judged[i]?.outputs as Float32Array, classes),
    );
    return {
      name,
      ...(reference.name !== name && { against: reference.name }),
      ...difference(reference.judged, judged),
      ...(ofClasses && { agreement: same.length / judged.length }),
      ...(labels && metricsOf(judged, labels)),
      sameAsWindowed: false,
    };
  });
  const windowedForm = forms.find((f) => f.name === 'int8 windowed');
  if (!again && windowedForm) forms.push({ ...windowedForm, name: 'int8 streamed', sameAsWindowed: true });
  return { windows, judged: common.size, mode: plan.mode, forms, names: classes.names };
}
