/**
 * What a fleet says over MQTT: topics, and the JSON of desired and reported state, version 2, with every size
 * bounded.
 *
 * In: bytes of a message.  Out: a Reported, or RN850; a Desired comes out of its envelope (signed.ts).
 *
 *     runlet/SITE/GATEWAY/desired    retained JSON: what shall run there, signed
 *     runlet/SITE/GATEWAY/reported   retained JSON: what runs there; the last will: it is gone
 *     runlet/SITE/bundles/DIGEST     retained bytes: a bundle of 256 KiB at most
 */
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';

export const mostMessageBytes = 8192;
export const mostInlineBytes = 256 << 10;
/** Largest packet of a fleet: a bundle, its topic and properties. */
export const mostPacketBytes = mostInlineBytes + 4096;
export const mostSequence = 2 ** 48;
/**
 * How far a desired state may be above the one before. Choice: more rollouts than a gateway sees in its life,
 * and 2^28 such steps do not reach the end, so no message makes the last one.
 */
export const mostSequenceJump = 2 ** 20;

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
/** As a gateway takes it of a bundle; it is printed on terminals. */
const version = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/));

const bundleRef = v.strictObject({
  digest,
  /** A topic of this broker, the gateway's own disk (to go back), or a registry. */
  at: v.union([v.picklist(['message', 'gateway']), v.pipe(v.string(), v.maxLength(512), v.regex(/^oci:\/\//))]),
});

const desiredSchema = v.strictObject({
  fleet: v.literal(2),
  /** Whom it is meant for; together with `slot`. */
  site: name,
  gateway: name,
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

const release = v.strictObject({ digest, name, version, sequence: v.pipe(v.number(), v.integer(), v.minValue(0)) });

const code = v.pipe(v.string(), v.regex(/^RN\d{3}$/));

export const states = ['idle', 'downloading', 'staged', 'trial', 'confirmed', 'reverted', 'failed'] as const;

const reportedSchema = v.variant('online', [
  v.strictObject({ fleet: v.literal(2), gateway: name, online: v.literal(false) }),
  v.strictObject({
    fleet: v.literal(2),
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
    /**
     * Of a failure. Why it failed is in the gateway's log: who reads a topic learns nothing of its network or
     * its files.
     */
    code: v.optional(code),
    /** The last message that was refused: its code, and the SHA-256 of its bytes. */
    refused: v.optional(v.strictObject({ code, digest })),
  }),
]);

export type Desired = v.InferOutput<typeof desiredSchema>;
export type BundleRef = v.InferOutput<typeof bundleRef>;
export type Reported = v.InferOutput<typeof reportedSchema>;
export type OnlineReport = Extract<Reported, { online: true }>;
export type Release = v.InferOutput<typeof release>;

/** What a schema found, on one line, without characters that a terminal would act on. */
export const issuesText = (issues: [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string =>
  v
    .summarize(issues)
    .replace(/[^ -~]+/g, ' ')
    .slice(0, 200);

/** @throws RN850 */
function parse<T>(schema: v.GenericSchema<unknown, T>, json: string | Uint8Array, where: string): T {
  const wrong = (why: string): RunletError =>
    new RunletError('RN850', {
      what: 'this message is none that a fleet understands',
      where,
      why,
      tryThis: 'docs/fleet.md has the form; the same version of Runlet on both sides',
    });
  if (json.length > mostMessageBytes) throw wrong(`${json.length} bytes, and ${mostMessageBytes} are taken`);
  let value: unknown;
  try {
    value = JSON.parse(typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw wrong('it is not JSON');
  }
  const found = v.safeParse(schema, value, { abortEarly: true });
  if (found.success) return found.output;
  throw wrong(issuesText(found.issues));
}

const envelopeSchema = v.strictObject({
  fleet: v.literal(2),
  /** JSON of a Desired, as it was signed. */
  desired: v.string(),
  /** Of the key that signed, and the signature (signed.ts). */
  keyId: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{24}$/))),
  signature: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{86}$/))),
});
export type Envelope = v.InferOutput<typeof envelopeSchema>;

/** @throws RN850 */
export const parseEnvelope = (bytes: Uint8Array): Envelope => parse(envelopeSchema, bytes, 'desired');
/** The text of an envelope. @throws RN850 */
export const parseDesired = (json: string): Desired => parse(desiredSchema, json, 'desired');
/** @throws RN850 */
export const parseReported = (bytes: Uint8Array): Reported => parse(reportedSchema, bytes, 'reported');
export const encode = (message: Envelope | Reported): Uint8Array => new TextEncoder().encode(JSON.stringify(message));

const outcomeSchema = v.strictObject({ state: v.picklist(states), code: v.optional(code) });
/** What came of a desired state. */
export type Outcome = v.InferOutput<typeof outcomeSchema>;

const memorySchema = v.strictObject({ desired: desiredSchema, outcome: v.optional(outcomeSchema) });
/**
 * What a gateway remembers: the desired state that it acts on, and what came of it; no outcome: it is under
 * way.
 */
export type Memory = Partial<v.InferOutput<typeof memorySchema>>;
/** @throws RN850 */
export const parseMemory = (bytes: Uint8Array): Memory => parse(memorySchema, bytes, 'the file fleet');
