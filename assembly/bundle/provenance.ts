/**
 * Provenance: what a bundle was made from, as its manifest states it.
 *
 * In: the manifest's field `provenance`, any JSON value.  Out: a checked value.  Errors: RN605.
 * A file of its own, because sessions do not read it.
 */
import * as v from 'valibot';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { manifestSection } from './manifest.ts';

/** A file that a model was calibrated with or judged on. */
export interface DataManifest {
  use: DataUse;
  /** SHA-256 of the file, hex. */
  digest: string;
  /** Number of windows. Default: the file holds a signal, not separate windows. */
  windows?: number;
  /** Number of these windows by the reason for which they were collected; a window can have several. */
  reasons?: Record<string, number>;
}

export const dataUses = ['calibration', 'evaluation'] as const;
export type DataUse = (typeof dataUses)[number];

/** What a bundle was made from, as its builder states it. `producer` and `sourceDigest` complete it. */
export interface ProvenanceManifest {
  /** SHA-256 of the bundle's file that this one replaces, hex. */
  replaces?: string;
  data: DataManifest[];
  /** The person or body that confirmed the data or the bundle, as given to the builder. */
  confirmed?: string;
}

/** Upper bounds of what a provenance states: files, reasons of a file, letters of a name. Choices. */
export const provenanceLimits = { files: 16, reasons: 16, letters: 120 } as const;

/** Names of reasons; a reader accepts reasons that it does not know. */
export const reasonPattern = /^[a-z][a-z-]{0,31}$/;

const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 lower-case hex digits'));
const whole = (least: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least));
const reasonsSchema = v.pipe(
  v.record(v.pipe(v.string(), v.regex(reasonPattern, 'small letters and dashes')), whole(1)),
  v.check((one) => Object.keys(one).length <= provenanceLimits.reasons, `at most ${provenanceLimits.reasons} reasons`),
);
const dataSchema = v.pipe(
  v.object({ use: v.picklist(dataUses), digest, windows: v.optional(whole(0)), reasons: v.optional(reasonsSchema) }),
  v.check(
    ({ windows = 0, reasons = {} }) => Object.values(reasons).every((count) => count <= windows),
    'more windows have a reason than there are',
  ),
);
const schema = v.object({
  replaces: v.optional(digest),
  data: v.pipe(v.array(dataSchema), v.maxLength(provenanceLimits.files)),
  confirmed: v.optional(
    v.pipe(v.string(), v.maxLength(provenanceLimits.letters), v.regex(/\S/, 'a name'), v.transform(printable)),
  ),
});

/** Checks a provenance from a file. Fields that are not known are dropped. @throws RN605 */
export function checkProvenance(value: unknown): ProvenanceManifest {
  const found = v.safeParse(schema, value, { abortEarly: true });
  if (found.success) return found.output;
  const [issue] = found.issues;
  const at = ['provenance', v.getDotPath(issue)].filter(Boolean).join('.');
  throw new RunletError('RN605', {
    what: `the manifest's ${at} is not right`,
    where: `custom section ${manifestSection}, ${at}`,
    why: printable(issue.message).slice(0, 200),
    tryThis: 'build the bundle again with this version of Runlet',
  });
}
