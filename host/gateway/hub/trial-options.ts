/**
 * Schema of a trial's options as a client sends them.
 *
 * In: parsed JSON.  Out: a valibot schema with types and bounds, which rejects unknown fields.
 */
import * as v from 'valibot';

const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

export const trialOptionsSchema = v.strictObject({
  outputs: v.optional(count(1e6)),
  seconds: v.optional(v.pipe(positive, v.maxValue(86_400))),
  latencyMs: v.optional(positive),
  agreement: v.optional(v.pipe(positive, v.maxValue(1))),
  maxDifference: v.optional(positive),
  streams: v.optional(count(4096)),
  enduranceHops: v.optional(count(1e7)),
  enduranceSeconds: v.optional(v.pipe(positive, v.maxValue(3600))),
  confirm: v.optional(v.boolean()),
});
