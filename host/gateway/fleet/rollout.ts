/**
 * Rollout in waves, as a pure state machine: decides which gateways get the new bundle, when the rollout
 * stops, and which gateways are rolled back.
 *
 * In: gateways, sizes of waves, a limit of failures, events with their time.  Out: the next state, and the
 * gateways whose desired state changes.  Errors: RN852.
 * Rule: a wave begins after all gateways of earlier waves have a verdict and the settling time is over,
 * unless more have failed than allowed. So a bundle never reaches gateways after the wave in which the limit
 * was exceeded. All touched gateways are then rolled back. A rollout always ends, because each wave and the
 * rollback have a timeout.
 */

import { RunletError } from '../../../models/error.ts';
import { maxOf } from '../../../models/lists.ts';

export interface RolloutOptions {
  /** Total number of touched gateways after each wave; rising. */
  waves: number[];
  maxFailures: Limit;
  /** Timeout of a wave, and of the rollback, in milliseconds. */
  waveMs: number;
  /** Time between the last verdict of a wave and the next wave, in milliseconds. */
  settleMs: number;
}

/** Number of failures that are allowed: a count, or a share of the touched gateways, rounded down. */
export type Limit = { count: number } | { share: number };

export interface Member {
  wave?: number;
  state: 'waiting' | 'touched' | 'confirmed' | 'failed';
  code?: string;
  why?: string;
  /** After a stop: whether it runs its previous bundle again. */
  back?: 'pending' | 'back' | 'not back';
}

export interface Rollout {
  phase: 'rolling' | 'reverting' | 'done' | 'stopped';
  wave: number;
  /** Start of the wave or of the rollback. */
  sinceMs: number;
  /** Time of the last verdict in the wave. */
  settledMs?: number;
  why?: string;
  members: ReadonlyMap<string, Member>;
}

export type RolloutEvent =
  | { type: 'tick' }
  | { type: 'verdict'; gateway: string; ok: boolean; code?: string; why?: string }
  | { type: 'back'; gateway: string; ok: boolean }
  | { type: 'abort'; why: string };

export interface Step {
  rollout: Rollout;
  /** Gateways that get a new desired state. */
  set: { gateway: string; to: 'next' | 'previous' }[];
}

/** Parses waves such as `1,10%,50%,all`; waves that add no gateway are dropped. @throws RN852 */
export function parseWaves(text: string, gateways: number): number[] {
  const sizes = text.split(',').map((part) => {
    const [, digits, percent] = /^(\d{1,9}(?:\.\d{1,6})?)(%?)$/.exec(part.trim()) ?? [];
    const size = percent ? Math.ceil((Number(digits) * gateways) / 100) : Number(digits);
    if (part.trim() === 'all') return gateways;
    if (digits === undefined || !Number.isInteger(size) || size < 1 || (percent && Number(digits) > 100))
      throw badRule('--waves', text, 'whole numbers, shares such as 10%, or all, separated by commas: 1,10%,50%,all');
    return Math.min(size, gateways);
  });
  const rising = sizes.filter((size, i) => size > Math.max(0, maxOf(sizes.slice(0, i))));
  return rising;
}

/** Parses a limit such as `3` or `5%`. @throws RN852 */
export function parseLimit(text: string): Limit {
  const [, digits, percent] = /^(\d{1,9}(?:\.\d{1,6})?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(digits);
  if (digits === undefined || (percent ? value > 100 : !Number.isInteger(value)))
    throw badRule('--max-failures', text, 'a whole number, or a share of the touched gateways such as 5%');
  return percent ? { share: value / 100 } : { count: value };
}

const badRule = (option: string, text: string, wants: string): RunletError =>
  new RunletError('RN852', { what: `'${text}' is not a value for ${option}`, where: option, why: `it takes ${wants}` });

export const allowedFailures = (limit: Limit, touched: number): number =>
  'count' in limit ? limit.count : Math.floor(limit.share * touched + 1e-9);

export const touchedOf = ({ members }: Rollout): string[] =>
  [...members].filter(([, m]) => m.wave !== undefined).map(([id]) => id);
export const failuresOf = ({ members }: Rollout): number =>
  [...members.values()].filter(({ state }) => state === 'failed').length;
export const isOver = ({ phase }: Rollout): boolean => phase === 'done' || phase === 'stopped';

/** Begins a rollout with the first wave. */
export function begin(gateways: readonly string[], options: RolloutOptions, nowMs: number): Step {
  const members = new Map(gateways.map((id): [string, Member] => [id, { state: 'waiting' }]));
  return nextWave({ phase: 'rolling', wave: -1, sinceMs: nowMs, members }, options, nowMs);
}

function nextWave(rollout: Rollout, { waves }: RolloutOptions, nowMs: number): Step {
  const wave = rollout.wave + 1;
  if (wave >= waves.length) return { rollout: { ...rollout, phase: 'done' }, set: [] };
  const room = (waves[wave] as number) - touchedOf(rollout).length;
  const chosen = [...rollout.members].filter(([, { state }]) => state === 'waiting').slice(0, room);
  const members = new Map(rollout.members);
  for (const [id] of chosen) members.set(id, { wave, state: 'touched' });
  return {
    rollout: { phase: 'rolling', wave, sinceMs: nowMs, members },
    set: chosen.map(([gateway]) => ({ gateway, to: 'next' as const })),
  };
}

function goBack(rollout: Rollout, why: string, nowMs: number): Step {
  const touched = touchedOf(rollout);
  const members = new Map(rollout.members);
  for (const id of touched) members.set(id, { ...(members.get(id) as Member), back: 'pending' });
  return {
    rollout: { ...rollout, phase: 'reverting', sinceMs: nowMs, why, members },
    set: touched.map((gateway) => ({ gateway, to: 'previous' as const })),
  };
}

const withMember = (rollout: Rollout, id: string, change: Partial<Member>): Rollout => ({
  ...rollout,
  members: new Map(rollout.members).set(id, { ...(rollout.members.get(id) as Member), ...change }),
});

/** Returns the step for an event. Events of untouched gateways are ignored. */
export function advance(rollout: Rollout, event: RolloutEvent, options: RolloutOptions, nowMs: number): Step {
  if (isOver(rollout)) return { rollout, set: [] };
  const member = 'gateway' in event ? rollout.members.get(event.gateway) : undefined;
  if (rollout.phase === 'reverting') return whileReverting(rollout, event, member, options, nowMs);
  if (event.type === 'abort') return goBack(rollout, event.why, nowMs);
  let next = rollout;
  // a failed gateway stays failed; a confirmed one may still fail
  if (event.type === 'verdict' && member?.wave !== undefined && member.state !== 'failed')
    next = withMember(next, event.gateway, {
      state: event.ok ? 'confirmed' : 'failed',
      ...(event.code && { code: event.code }),
      ...(event.why && { why: event.why }),
    });
  if (nowMs - next.sinceMs >= options.waveMs)
    for (const [id, { state }] of next.members)
      if (state === 'touched')
        next = withMember(next, id, {
          state: 'failed',
          code: 'RN859',
          why: `it reported no verdict in ${Math.round(options.waveMs / 1000)} s`,
        });
  const failures = failuresOf(next);
  const touched = touchedOf(next).length;
  const allowed = allowedFailures(options.maxFailures, touched);
  if (failures > allowed) return goBack(next, `${failures} of ${touched} gateways failed, and ${allowed} are allowed to`, nowMs);
  if ([...next.members.values()].some(({ state }) => state === 'touched')) return { rollout: next, set: [] };
  const settledMs = next.settledMs ?? nowMs;
  if (nowMs - settledMs >= options.settleMs) return nextWave(next, options, nowMs);
  return { rollout: { ...next, settledMs }, set: [] };
}

function whileReverting(
  rollout: Rollout,
  event: RolloutEvent,
  member: Member | undefined,
  { waveMs }: RolloutOptions,
  nowMs: number,
): Step {
  let next = rollout;
  if (event.type === 'back' && member?.back === 'pending')
    next = withMember(next, event.gateway, { back: event.ok ? 'back' : 'not back' });
  // the desired state remains, so a gateway that reconnects later is also rolled back
  if (nowMs - next.sinceMs >= waveMs)
    for (const [id, { back }] of next.members) if (back === 'pending') next = withMember(next, id, { back: 'not back' });
  const pending = [...next.members.values()].some(({ back }) => back === 'pending');
  return { rollout: pending ? next : { ...next, phase: 'stopped' }, set: [] };
}
