/**
 * Settings of a slot's drift detection, as an operator sends them, and references as they are stored.
 *
 * In: parsed JSON.  Out: valibot schemas with types, bounds and defaults; unknown settings are rejected.
 */
import * as v from 'valibot';

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const driftSchema = v.strictObject({
  /** Seconds of signal that are the reference of a stream. It is to show all that is normal. */
  referenceS: v.optional(whole(10, 30 * 86_400), 3600),
  /** Upper bound of false alarms per day and stream, while the signal is like its reference. */
  falseAlarmsPerDay: v.optional(v.pipe(v.number(), v.minValue(0.001), v.maxValue(100)), 1),
  /** Largest number of streams that are watched: the first ones. */
  streams: v.optional(whole(1, 256), 16),
  /** Ticks per second; only for a model that does not name them. */
  rateHz: v.optional(v.pipe(v.number(), v.minValue(0.001), v.maxValue(1e6))),
});
export type DriftSettings = v.InferOutput<typeof driftSchema>;

export const storedDriftSchema = v.object({ on: v.boolean(), settings: driftSchema });

const real = v.pipe(v.number(), v.finite());
const side = v.nullable(real);
const list = <T extends v.GenericSchema>(of: T) => v.pipe(v.array(of), v.maxLength(4096));

/** A reference on the disk (host/learn/drift/reference.ts). */
export const storedReferenceSchema = v.object({
  /** SHA-256 of the bundle that computed its outputs. */
  digest: v.string(),
  reference: v.object({
    channels: whole(0, 64),
    blockTicks: whole(1, Number.MAX_SAFE_INTEGER),
    edges: list(list(real)),
    counts: list(list(whole(0, Number.MAX_SAFE_INTEGER))),
    limits: list(v.object({ low: side, middle: real, high: side, run: v.nullable(whole(1, 65_535)) })),
    falseAlarmsPerDay: real,
  }),
});
export type StoredReference = v.InferOutput<typeof storedReferenceSchema>;
