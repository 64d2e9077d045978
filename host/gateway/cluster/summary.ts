/**
 * Summary: what a gateway of a cluster tells the others about itself, as JSON in its entry of the leases.
 *
 * In: partitions, versions, counts.  Out: plain values, and back.
 * Rule: it comes from outside, so its form and its sizes are checked. One that is wrong is left out: the
 * other gateways then know only the name.  Cost: up to 64 KiB, three times in the time of a lease.
 */
import * as v from 'valibot';
import { type Books, bookNames } from './books.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 53 - 1));
const text = v.pipe(v.string(), v.maxLength(64));
const few = <T extends v.GenericSchema>(of: T, limit: number) => v.pipe(v.array(of), v.maxLength(limit));

/** Largest size of an entry, in bytes: 1,024 partitions and 16 versions have room. */
export const maxSummaryBytes = 1 << 16;
export const maxVersions = 16;

const summarySchema = v.object({
  most: v.optional(count),
  /** Number, streams, waiting messages, and 1 once the books are complete. */
  held: few(v.strictTuple([count, count, count, v.picklist([0, 1])]), 1024),
  /** Slot, name, version, and the begin of the digest. */
  versions: few(v.strictTuple([text, text, text, v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/))]), maxVersions),
  moves: v.object({ taken: count, left: count, failed: count }),
  failed: few(count, 1024),
  refused: count,
  books: v.object(Object.fromEntries(bookNames.map((name) => [name, count])) as Record<keyof Books, typeof count>),
});

export type Summary = v.InferOutput<typeof summarySchema>;

/** Cuts a text of a bundle to the length that a summary takes. */
export const shortText = (given: string): string => given.slice(0, 64);

/** Returns the summary in an entry of the leases; undefined if there is none. */
export function readSummary(value: string): Summary | undefined {
  if (value.length > maxSummaryBytes) return undefined;
  try {
    const found = v.safeParse(summarySchema, JSON.parse(value));
    return found.success ? found.output : undefined;
  } catch {
    return undefined;
  }
}
