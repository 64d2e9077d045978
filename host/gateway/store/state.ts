/**
 * State of a gateway: the active and the previous bundle of each slot, as one small file, with its
 * transitions.
 *
 * In: a state and an event.  Out: the next state; all functions are pure.  Errors: RN800.
 * Source: the model of MCUboot. A bundle is `staged`, then on `trial`, and then confirmed or removed. After
 * the confirmation it is `active`, and the old active bundle is `previous`. `floor` is the highest sequence
 * number that was confirmed; only a confirmation raises it, and nothing lowers it. A trial that was not
 * confirmed before a start has failed. The pool has confirmed bundles that are neither active nor previous,
 * within `poolBytes`. The last one of the list was in use, or the best one, most recently; the first one goes
 * first. A bundle that fails leaves it.
 *
 *     file   "runlet-gateway 1 ", SHA-256 of the JSON in hex, "\n", JSON
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const bundle = {
  /** SHA-256 of the bundle's file in hex, which is also the name of its blob. */
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.string(),
  version: v.string(),
  sequence: count,
};

const storedSchema = v.object({
  ...bundle,
  bytes: count,
  /** Id of the key that signed it; undefined if it is not signed (--insecure-unsigned). */
  keyId: v.optional(v.string()),
});
/** A bundle on the disk. */
export type Stored = v.InferOutput<typeof storedSchema>;

/** Upper bound of the bundles in a pool, so that the state file stays small. A choice. */
const maxPooled = 32;

const verdictSchema = v.object({
  ...bundle,
  result: v.picklist(['confirmed', 'reverted']),
  /** Code and reason of a failure. */
  code: v.optional(v.string()),
  why: v.optional(v.string()),
});
export type Verdict = v.InferOutput<typeof verdictSchema>;

const slotSchema = v.object({
  /** Highest confirmed sequence number; -1 before the first confirmation. */
  floor: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  active: v.optional(storedSchema),
  previous: v.optional(storedSchema),
  staged: v.optional(storedSchema),
  /** True while the staged bundle is on trial. */
  trial: v.boolean(),
  /** Verdict on the latest bundle. */
  last: v.optional(verdictSchema),
  /** Bytes that the bundles of the pool may have together. Default: 0, no pool. */
  poolBytes: v.optional(count),
  pool: v.optional(v.pipe(v.array(storedSchema), v.maxLength(maxPooled))),
});
export type SlotState = v.InferOutput<typeof slotSchema>;

const stateSchema = v.object({
  boots: count,
  /** Number of consecutive runs that ended without a stop and before they counted as healthy. */
  crashes: count,
  /** True after a regular stop, false during a run. */
  stopped: v.boolean(),
  safeMode: v.boolean(),
  /** Slots by name: an object in the file, but a map here, because a slot may be named `constructor`. */
  slots: v.pipe(
    v.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
    v.transform((slots) => Object.entries(slots)),
    v.array(v.tuple([v.string(), slotSchema])),
    v.transform((entries): ReadonlyMap<string, SlotState> => new Map(entries)),
  ),
});
export type GatewayState = v.InferOutput<typeof stateSchema>;

export const emptyState = (): GatewayState => ({ boots: 0, crashes: 0, stopped: true, safeMode: false, slots: new Map() });
export const emptySlot = (): SlotState => ({ floor: -1, trial: false });

const magic = 'runlet-gateway 1 ';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function encodeState(state: GatewayState): Uint8Array {
  const body = JSON.stringify({ ...state, slots: Object.fromEntries(state.slots) });
  return new TextEncoder().encode(`${magic}${sha256(body)}\n${body}`);
}

/** Reads a state file. @throws RN800 */
export function decodeState(bytes: Uint8Array, where: string): GatewayState {
  const text = new TextDecoder().decode(bytes);
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  if (end <= 0 || text.slice(0, end) !== `${magic}${sha256(body)}`)
    throw unreadable(
      where,
      text.startsWith('runlet-gateway ') && !text.startsWith(magic) ? 'it is of another version' : 'its checksum does not match',
    );
  const found = v.safeParse(stateSchema, jsonOf(body), { abortEarly: true });
  if (found.success) return found.output;
  throw unreadable(where, v.summarize(found.issues).replace(/\s+/g, ' ').slice(0, 200));
}

/** Parses JSON; returns undefined if it is invalid. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unreadable = (where: string, why: string): RunletError =>
  new RunletError('RN800', {
    what: "the gateway's state cannot be read",
    where,
    why,
    tryThis: 'use the version of Runlet that wrote it, or give an empty folder as --state and flash again',
  });

const withSlot = (state: GatewayState, slot: string, change: (s: SlotState) => SlotState): GatewayState => ({
  ...state,
  slots: new Map(state.slots).set(slot, change(state.slots.get(slot) ?? emptySlot())),
});

const verdictOf = ({ digest, name, version, sequence }: Stored, result: Verdict['result']): Verdict => ({
  digest,
  name,
  version,
  sequence,
  result,
});

export const stage = (state: GatewayState, slot: string, staged: Stored): GatewayState =>
  withSlot(state, slot, (s) => ({ ...s, staged, trial: false }));

export const beginTrial = (state: GatewayState, slot: string): GatewayState =>
  withSlot(state, slot, (s) => ({ ...s, trial: s.staged !== undefined }));

/** Returns the slot with its pool within its bounds, without the active and the previous bundle. */
function withPool(s: SlotState, pool: readonly Stored[]): SlotState {
  const kept: Stored[] = [];
  let bytes = 0;
  // from the last one on, which goes last
  for (const one of pool.toReversed()) {
    if ([s.active, s.previous, ...kept].some((other) => other?.digest === one.digest)) continue;
    if (kept.length === maxPooled || bytes + one.bytes > (s.poolBytes ?? 0)) break;
    bytes += one.bytes;
    kept.unshift(one);
  }
  const { pool: _, ...rest } = s;
  return kept.length > 0 ? { ...rest, pool: kept } : rest;
}

export const confirm = (state: GatewayState, slot: string): GatewayState =>
  withSlot(state, slot, ({ staged, active, previous, floor, last, poolBytes, pool = [] }) => {
    const size = poolBytes === undefined ? {} : { poolBytes };
    if (!staged) return withPool({ floor, active, previous, trial: false, last, ...size }, pool);
    const next: SlotState = {
      floor: Math.max(floor, staged.sequence),
      active: staged,
      previous: active?.digest === staged.digest ? previous : active,
      trial: false,
      last: verdictOf(staged, 'confirmed'),
      ...size,
    };
    return withPool(next, [...pool, ...(previous ? [previous] : [])]);
  });

/** Removes the staged bundle. @param keep true if it may stay in the pool: it has not failed. */
export const revert = (state: GatewayState, slot: string, code: string, why: string, keep = false): GatewayState =>
  withSlot(state, slot, ({ staged, ...s }) =>
    withPool(
      { ...s, trial: false, ...(staged && { last: { ...verdictOf(staged, 'reverted'), code, why } }) },
      (s.pool ?? []).filter(({ digest }) => keep || digest !== staged?.digest),
    ),
  );

/** Makes the previous bundle active and removes the active one. The floor stays. */
export const rollBack = (state: GatewayState, slot: string, code: string, why: string): GatewayState =>
  withSlot(state, slot, ({ active, previous, ...s }) =>
    active && previous
      ? { ...s, active: previous, last: { ...verdictOf(active, 'reverted'), code, why } }
      : { ...s, active, previous },
  );

/**
 * Returns the confirmed bundles of a slot that do not run: the previous one, then the pool, the latest first.
 */
export const resting = ({ previous, pool = [] }: SlotState): Stored[] => [...(previous ? [previous] : []), ...pool.toReversed()];

/** Sets the size of a slot's pool. */
export const sizePool = (state: GatewayState, slot: string, poolBytes: number): GatewayState =>
  withSlot(state, slot, (s) => withPool({ ...s, poolBytes }, s.pool ?? []));

/** Moves a bundle of the pool to the end of the list, so that it goes last. */
export const prefer = (state: GatewayState, slot: string, digest: string): GatewayState =>
  withSlot(state, slot, (s) => {
    const pool = s.pool ?? [];
    return withPool(s, [...pool.filter((one) => one.digest !== digest), ...pool.filter((one) => one.digest === digest)]);
  });

/** Records a start: unconfirmed trials have failed, and `safeAfter` consecutive crashes lead to safe mode. */
export function boot(state: GatewayState, safeAfter: number): GatewayState {
  const crashes = state.stopped ? 0 : state.crashes + 1;
  let next: GatewayState = { ...state, boots: state.boots + 1, crashes, stopped: false, safeMode: crashes >= safeAfter };
  for (const [slot, { trial, staged }] of state.slots)
    if (staged && (trial || next.safeMode))
      next = revert(
        next,
        slot,
        'RN801',
        trial ? 'the gateway ended before the trial was confirmed' : 'the gateway is in safe mode',
        state.stopped,
      );
  return next;
}

/** Returns the digests of the bundles that must stay on the disk. */
export const referenced = (state: GatewayState): Set<string> =>
  new Set(
    [...state.slots.values()].flatMap(({ active, previous, staged, pool = [] }) =>
      [active, previous, staged, ...pool].flatMap((one) => (one ? [one.digest] : [])),
    ),
  );
