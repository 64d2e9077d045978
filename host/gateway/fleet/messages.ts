/**
 * What a fleet says over MQTT: topics, and the JSON of desired and reported state, version 1, with every size bounded.
 *
 * In: bytes of a message.  Out: a Desired or a Reported, or RN850.
 *
 *     runlet/SITE/GATEWAY/desired    retained JSON: what shall run there
 *     runlet/SITE/GATEWAY/reported   retained JSON: what runs there; the last will says that the gateway is gone
 *     runlet/SITE/bundles/DIGEST     retained bytes: a bundle of 256 KiB at most
 */
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';

export const mostMessageBytes = 8192;
export const mostInlineBytes = 256 << 10;
export const mostSequence = 2 ** 48;

const nameText = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A site or a gateway as a level of a topic; `bundles` is taken. */
export const isName = (name: string): boolean => nameText.test(name) && name !== 'bundles';

export const topics = {
  desired: (site: string, gateway: string): string => `runlet/${site}/${gateway}/desired`,
  reported: (site: string, gateway: string): string => `runlet/${site}/${gateway}/reported`,
  bundle: (site: string, digest: string): string => `runlet/${site}/bundles/${digest}`,
};

/** The gateway of a topic of this kind, or undefined. */
export function gatewayOf(topic: string, site: string, kind: 'desired' | 'reported'): string | undefined {
  const [root, found, gateway = '', last, more] = topic.split('/');
  return root === 'runlet' && found === site && last === kind && more === undefined && isName(gateway) ? gateway : undefined;
}

const name = v.pipe(v.string(), v.regex(nameText));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const sequence = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostSequence));
const text = v.pipe(v.string(), v.maxLength(600));

const bundleRef = v.strictObject({
  digest,
  /** A topic of this broker, the gateway's own disk (to go back), or a registry. */
  at: v.union([v.picklist(['message', 'gateway']), v.pipe(v.string(), v.maxLength(512), v.regex(/^oci:\/\//))]),
});

const desiredSchema = v.strictObject({
  fleet: v.literal(1),
  /** Of this gateway's desired states: rises with each. */
  sequence,
  rollout: name,
  slot: name,
  /** null: what runs may run. */
  bundle: v.nullable(bundleRef),
  /** The bundle that is given up, where it is on trial or runs. */
  instead: v.optional(digest),
  trial: v.optional(v.omit(trialOptionsSchema, ['confirm'])),
});

const release = v.strictObject({ digest, name, version: text, sequence: v.pipe(v.number(), v.integer(), v.minValue(0)) });

export const states = ['idle', 'downloading', 'staged', 'trial', 'confirmed', 'reverted', 'failed'] as const;

const reportedSchema = v.variant('online', [
  v.strictObject({ fleet: v.literal(1), gateway: name, online: v.literal(false) }),
  v.strictObject({
    fleet: v.literal(1),
    gateway: name,
    online: v.literal(true),
    slot: name,
    state: v.picklist(states),
    /** Of the desired state that this is the answer to; 0: none came yet. */
    sequence,
    rollout: v.optional(name),
    /** The bundle that is desired. */
    digest: v.optional(digest),
    active: v.optional(release),
    previous: v.optional(release),
    code: v.optional(v.pipe(v.string(), v.regex(/^RN\d{3}$/))),
    why: v.optional(text),
  }),
]);

export type Desired = v.InferOutput<typeof desiredSchema>;
export type BundleRef = v.InferOutput<typeof bundleRef>;
export type Reported = v.InferOutput<typeof reportedSchema>;
export type OnlineReport = Extract<Reported, { online: true }>;
export type Release = v.InferOutput<typeof release>;

function parse<T>(schema: v.GenericSchema<unknown, T>, bytes: Uint8Array, where: string): T {
  const wrong = (why: string): RunletError =>
    new RunletError('RN850', {
      what: 'this message is none that a fleet understands',
      where,
      why,
      tryThis: 'docs/fleet.md has the form; the same version of Runlet on both sides',
    });
  if (bytes.length > mostMessageBytes) throw wrong(`${bytes.length} bytes, and ${mostMessageBytes} are taken`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw wrong('it is not JSON');
  }
  const found = v.safeParse(schema, value, { abortEarly: true });
  if (found.success) return found.output;
  throw wrong(v.summarize(found.issues).replace(/\s+/g, ' ').slice(0, 200));
}

/** @throws RN850 */
export const parseDesired = (bytes: Uint8Array): Desired => parse(desiredSchema, bytes, 'desired');
/** @throws RN850 */
export const parseReported = (bytes: Uint8Array): Reported => parse(reportedSchema, bytes, 'reported');
export const encode = (message: Desired | Reported): Uint8Array => new TextEncoder().encode(JSON.stringify(message));
/** As much of a sentence as a message takes. */
export const shortText = (why: string): string => (why.length > 600 ? `${why.slice(0, 599)}…` : why);
