/**
 * Settings of a slot's collection, as an operator sends them and as they are stored.
 *
 * In: parsed JSON.  Out: a valibot schema with types, bounds and defaults, which rejects unknown fields. A
 * policy without settings is off.
 */
import * as v from 'valibot';

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const perDay = whole(1, 1e6);

export const settingsSchema = v.strictObject({
  /** Windows per day that a person wants to label; with `cutoff` for outputs of one element. */
  uncertain: v.optional(v.strictObject({ perDay, cutoff: v.optional(v.pipe(v.number(), v.finite())) })),
  /** Share of all outputs; the seed makes the choice repeatable. */
  random: v.optional(
    v.strictObject({
      share: v.pipe(v.number(), v.minValue(1e-9), v.maxValue(1)),
      seed: v.optional(whole(1, 2 ** 31 - 1)),
    }),
  ),
  /** Windows per day on which the bundle on trial and the running one differ. */
  disagree: v.optional(v.strictObject({ perDay })),
  /** Windows per day of reported drifts. */
  drift: v.optional(v.strictObject({ perDay })),
  /** Windows per day that devices chose and sent. */
  device: v.optional(v.strictObject({ perDay })),
  /** Upper bound of the files of the slot, each counted in blocks of 4 KiB. */
  maxBytes: v.optional(whole(1 << 16, 2 ** 40), 256 << 20),
  /** Days after which a window is deleted. */
  keepDays: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(3650)), 30),
  /**
   * Ticks of the signal that are kept on each side of a window, if the stream still has them. Default: a hop,
   * or what a replay of the window needs, if that is more.
   */
  aroundTicks: v.optional(whole(0, 1 << 20)),
});
export type Settings = v.InferOutput<typeof settingsSchema>;
