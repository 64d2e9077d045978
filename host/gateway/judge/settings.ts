/**
 * Settings of the judgement of a slot, as an operator sends them and as they are stored.
 *
 * In: parsed JSON.  Out: a valibot schema with types, bounds and defaults, which rejects unknown fields.
 */
import * as v from 'valibot';
import { trialOptionsSchema } from '../hub/trial-options.ts';

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const judgeSettingsSchema = v.strictObject({
  /** Alarm if the lower bound of the running version's accuracy is under it. Default: no alarm. */
  level: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(0.999))),
  /** For models of values: alarm if the upper bound of the mean absolute error is above it. */
  maxError: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  /** Bytes of confirmed bundles that are kept beside the active and the previous one. */
  poolBytes: v.optional(whole(0, 2 ** 40), 0),
  /** Latest labelled windows on which versions are compared. */
  lastLabels: v.optional(whole(4, 1000), 50),
  /** True: a recommended version is tried without asking. */
  automatic: v.optional(v.boolean(), false),
  /** Options of such a trial. */
  trial: v.optional(trialOptionsSchema),
});
export type JudgeSettings = v.InferOutput<typeof judgeSettingsSchema>;

export const defaultJudge: JudgeSettings = v.parse(judgeSettingsSchema, {});
