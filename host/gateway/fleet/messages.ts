/**
 * MQTT messages of a fleet: topics, and the JSON of desired and reported state, version 2. All sizes are
 * limited.
 *
 * In: bytes of a message.  Out: a Reported, or an envelope with a Desired (signed.ts).  Errors: RN850.
 *
 *     runlet/SITE/GATEWAY/desired    retained JSON: the desired state of the gateway, signed
 *     runlet/SITE/GATEWAY/reported   retained JSON: the state of the gateway; as the last will: offline
 *     runlet/SITE/bundles/DIGEST     retained bytes: a bundle of at most 256 KiB
 */
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';

const maxMessageBytes = 8192;
export const maxInlineBytes = 256 << 10;
/** Largest packet of a fleet: a bundle, its topic and properties. */
export const maxPacketBytes = maxInlineBytes + 4096;
export const maxSequence = 2 ** 48;
/**
 * Largest difference between the sequence numbers of two desired states. A choice: more rollouts than a
 * gateway gets in its life, and so small that no single message can use up the numbers: maxSequence has 2^28
 * such steps.
 */
export const maxSequenceJump = 2 ** 20;

/**
 * Largest number of gateways that a rollout stores, because anyone who can publish could invent names. A
 * choice: far more than one broker serves.
 */
export const maxGateways = 20_000;

const nameText = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Returns true for a valid name of a site or gateway in a topic; `bundles` is reserved. */
export const isName = (name: string): boolean => nameText.test(name) && name !== 'bundles';

export const topics = {
  desired: (site: string, gateway: string): string => `runlet/${site}/${gateway}/desired`,
  reported: (site: string, gateway: string): string => `runlet/${site}/${gateway}/reported`,
  bundle: (site: string, digest: string): string => `runlet/${site}/bundles/${digest}`,
};

/** A topic in parts; `name` is a gateway (or `+`, all of them), or the digest of a bundle. */
export interface TopicParts {
  site: string;
  kind: 'desired' | 'reported' | 'bundle';
  name: string;
}

/** Parses a topic; undefined if it is none of a fleet. */
export function partsOf(topic: string): TopicParts | undefined {
  const [root, site = '', name = '', last = '', more] = topic.split('/');
  if (root !== 'runlet' || more !== undefined) return undefined;
  if (name === 'bundles') return { site, kind: 'bundle', name: last };
  return last === 'desired' || last === 'reported' ? { site, kind: last, name } : undefined;
}

/** Returns the gateway of a topic of this kind, or undefined for any other topic. */
export function gatewayOf(topic: string, site: string, kind: 'desired' | 'reported'): string | undefined {
  const parts = partsOf(topic);
  return parts?.kind === kind && parts.site === site && isName(parts.name) ? parts.name : undefined;
}

const name = v.pipe(v.string(), v.regex(nameText));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const sequence = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxSequence));
/** Version, as gateways accept it in bundles. The characters are limited because terminals print it. */
const version = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/));

const bundleRef = v.strictObject({
  digest,
  /** Source of the bundle: a topic of this broker, the gateway's own disk (for a rollback), or a registry. */
  at: v.union([v.picklist(['message', 'gateway']), v.pipe(v.string(), v.maxLength(512), v.regex(/^oci:\/\//))]),
});

const desiredSchema = v.strictObject({
  fleet: v.literal(2),
  /** Target of the desired state, together with `slot`. */
  site: name,
  gateway: name,
  /** Number of the desired state; it rises with each one for this gateway. */
  sequence,
  rollout: name,
  slot: name,
  /** Desired bundle; null accepts any bundle that runs. */
  bundle: v.nullable(bundleRef),
  /** Digest of the bundle that is rolled back if it is on trial or active. */
  instead: v.optional(digest),
  trial: v.optional(v.omit(trialOptionsSchema, ['confirm'])),
});

const release = v.strictObject({ digest, name, version, sequence: v.pipe(v.number(), v.integer(), v.minValue(0)) });

const code = v.pipe(v.string(), v.regex(/^RN\d{3}$/));

const states = ['idle', 'downloading', 'staged', 'trial', 'confirmed', 'reverted', 'failed'] as const;

const reportedSchema = v.variant('online', [
  v.strictObject({ fleet: v.literal(2), gateway: name, online: v.literal(false) }),
  v.strictObject({
    fleet: v.literal(2),
    gateway: name,
    online: v.literal(true),
    slot: name,
    state: v.picklist(states),
    /** Number of the desired state that this report answers; 0 if there is none yet. */
    sequence,
    rollout: v.optional(name),
    /** Digest of the desired bundle. */
    digest: v.optional(digest),
    active: v.optional(release),
    previous: v.optional(release),
    /**
     * Code of a failure. The reason is only in the gateway's log, so that readers of the topic learn nothing
     * about its network or files.
     */
    code: v.optional(code),
    /** The last refused message: the error code, and the SHA-256 of its bytes. */
    refused: v.optional(v.strictObject({ code, digest })),
  }),
]);

export type Desired = v.InferOutput<typeof desiredSchema>;
export type BundleRef = v.InferOutput<typeof bundleRef>;
export type Reported = v.InferOutput<typeof reportedSchema>;
export type OnlineReport = Extract<Reported, { online: true }>;
export type Release = v.InferOutput<typeof release>;

/** Returns the issues that a schema found, on one line and without control characters. */
export const issuesText = (issues: [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string =>
  v
    .summarize(issues)
    .replace(/[^ -~]+/g, ' ')
    .slice(0, 200);

/** Parses JSON and checks it with a schema. @throws RN850 */
function parse<T>(schema: v.GenericSchema<unknown, T>, json: string | Uint8Array, where: string): T {
  const wrong = (why: string): RunletError =>
    new RunletError('RN850', {
      what: 'this is not a valid message of a fleet',
      where,
      why,
      tryThis: 'see docs/fleet.md for the format, and use the same version of Runlet on both sides',
    });
  if (json.length > maxMessageBytes) throw wrong(`it has ${json.length} bytes, and the limit is ${maxMessageBytes}`);
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
  /** JSON of a Desired, exactly as it was signed. */
  desired: v.string(),
  /** Id of the signing key, and the signature (signed.ts). */
  keyId: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{24}$/))),
  // 512 bits: the last of 86 digits has two, so four of its bits are 0
  signature: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{85}[AQgw]$/))),
});
export type Envelope = v.InferOutput<typeof envelopeSchema>;

/** Parses a signed message. @throws RN850 */
export const parseEnvelope = (bytes: Uint8Array): Envelope => parse(envelopeSchema, bytes, 'desired');
/** Parses the text inside an envelope. @throws RN850 */
export const parseDesired = (json: string): Desired => parse(desiredSchema, json, 'desired');
/** Parses a report. @throws RN850 */
export const parseReported = (bytes: Uint8Array): Reported => parse(reportedSchema, bytes, 'reported');
export const encode = (message: Envelope | Reported): Uint8Array => new TextEncoder().encode(JSON.stringify(message));

const outcomeSchema = v.strictObject({ state: v.picklist(states), code: v.optional(code) });
/** Outcome of a desired state. */
export type Outcome = v.InferOutput<typeof outcomeSchema>;

const memorySchema = v.strictObject({ desired: desiredSchema, outcome: v.optional(outcomeSchema) });
/** Memory of a gateway: the latest desired state and its outcome, which is missing until it is reached. */
export type Memory = Partial<v.InferOutput<typeof memorySchema>>;
/** Parses the file of the memory. @throws RN850 */
export const parseMemory = (bytes: Uint8Array): Memory => parse(memorySchema, bytes, 'the file fleet');
