/**
 * The form of a label, as requests, files and the disk have it.
 *
 * In: a parsed value.  Out: a checked label. Unknown fields are refused.
 */
import * as v from 'valibot';

/** Name of the person or program that answered, without control characters. */
export const annotatorSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[^\p{Cc}]*$/u));

export const labelSchema = v.strictObject({
  annotator: annotatorSchema,
  /** Name of a class, a real value, false for "nothing of this", or null for "not sure". */
  label: v.union([
    v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    v.pipe(v.number(), v.finite()),
    v.literal(false),
    v.null(),
  ]),
  /** Time that the answer took. */
  seconds: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
});
export type Label = v.InferOutput<typeof labelSchema>;

/** A label with the number of its window. */
export const windowLabelSchema = v.strictObject({
  window: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  ...labelSchema.entries,
});
export type WindowLabel = v.InferOutput<typeof windowLabelSchema>;
