/**
 * compareForms: compares the forms of one model (float and int8, windowed and streamed) at the same windows.
 *
 * In: the plan of the float graph, the QuantPlan made from it, data, optional labels.  Out: a row per form
 * with its metrics and the difference of its outputs from those of another form.  All forms are judged at the
 * windows for which every form has an output. Streaming is not run if it equals the windowed model by
 * construction (modes edge-exact and windowed); its row then has `sameAsWindowed`.
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
   * The form that its outputs are compared with: for int8 the float form, windowed or streamed alike; for
   * float streamed the float windowed form. Absent for the reference itself.
   */
  against?: FormName;
  /** SQNR of the outputs, dB; Infinity if they are equal. */
  outputSqnrDb: number;
  maxDifference: number;
  /** Share of windows with the same class. Only for classifiers. */
  agreement?: number;
  /** True if the form equals the windowed one by construction, and was not run. */
  sameAsWindowed: boolean;
}

export interface FormComparison {
  windows: number;
  judged: number;
  mode: string;
  /** The forms, in the order of `FormName`. */
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

/** Returns recordings without their last `ticks`, which a streamed output uses as look-ahead. */
const withoutEnd = (plan: StreamPlan, recordings: readonly (readonly Float32Array[])[], ticks: number): EvaluationData => ({
  recordings: recordings.map((signals) => {
    const blocks = floatBlocks(plan, signals);
    return [...cutSignal(plan, blocks, 0, Math.max(0, ticksIn(plan, blocks) - ticks)).values()].map((b) => b.data);
  }),
});

/**
 * @param float plan of the float graph, with the hop and mode of `streamed`; undefined: only int8 forms
 * @param labels labels of the windows; without them only outputs are compared
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
  // streaming has no output for the first windows (warm-up), and its last output needs the look-ahead
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
      why: `none of the ${windows} windows has ${labels ? 'a label and ' : ''}an output in every form; streaming needs ${plan.leftContextFrames} earlier frames`,
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
