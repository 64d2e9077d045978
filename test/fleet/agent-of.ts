/**
 * A gateway with its agent and the keys that sign desired states, for tests.
 *
 * In: a policy.  Out: the agent of gateway `one` of site `hall` on a disk in memory, its reports.
 */
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { Agent } from '../../host/gateway/fleet/agent.ts';
import { fleetMemory } from '../../host/gateway/fleet/memory.ts';
import type { BundleRef, Desired, OnlineReport } from '../../host/gateway/fleet/messages.ts';
import { type Sealer, sealer } from '../../host/gateway/fleet/signed.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import type { Policy } from '../../host/gateway/verify/policy.ts';
import { RunletError } from '../../models/error.ts';
import { keys, type MadeBundle } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';

export const trial = { enduranceHops: 40, outputs: 2, seconds: 1 };
export const newer = await newKeyPair();
export const seal = await sealer(keys);
export const unsealed = await sealer();
export const sealedByOther = await sealer(await newKeyPair());

/** Returns a gateway `one` of site `hall`, by default with two trusted keys. */
export async function fixture(policy: Partial<Policy> = { keys: [keys.publicKey, newer.publicKey] }) {
  const disk = new CrashDisk();
  const gateway = await Gateway.open(disk, { policy, pool: { threads: 1, budgetMs: 2000 }, healthyAfterMs: 1e9 });
  const there = new Map<string, Uint8Array>();
  const reports: OnlineReport[] = [];
  const fetched: string[] = [];
  const fetchBundle = async ({ digest }: BundleRef, signal: AbortSignal): Promise<Uint8Array> => {
    fetched.push(digest);
    const bytes = there.get(digest);
    if (bytes) return bytes;
    if (digest.startsWith('00')) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new RunletError('RN853', { what: 'the broker did not send the bundle', why: 'nothing arrived' });
  };
  const begin = async () => {
    const memory = fleetMemory(disk);
    const report = (one: OnlineReport) => reports.push(one);
    const one = await Agent.begin({ gateway, site: 'hall', id: 'one', memory, fetch: fetchBundle, report, answerMs: 0 });
    one.resume();
    return one;
  };
  const agent = await begin();
  const offer = ({ wasm, digest }: MadeBundle) => {
    there.set(digest, wasm);
    return digest;
  };
  const desired = (sequence: number, digest: string | null, more: Partial<Desired> = {}, by: Sealer = seal): Uint8Array =>
    by({
      fleet: 2,
      site: 'hall',
      gateway: 'one',
      sequence,
      rollout: 'r',
      slot: 'main',
      bundle: digest === null ? null : { digest, at: 'message' },
      trial,
      ...more,
    });
  /** Passes a message to the agent and returns its final state, with a code if there is one. */
  const ends = async (bytes: Uint8Array, one = agent): Promise<string> => {
    one.take(bytes);
    await one.idle();
    const { state, code } = reports.at(-1) as OnlineReport;
    return code ? `${state} ${code}` : state;
  };
  const runs = () => gateway.store.slot('main').active?.digest;
  /** Returns what a message could change: the bundles in all slots, and the count of disk operations. */
  const everything = () => JSON.stringify([gateway.status(), disk.operations]);
  return {
    disk,
    gateway,
    agent,
    begin,
    reports,
    fetched,
    offer,
    desired,
    ends,
    runs,
    everything,
    close: async () => {
      await agent.close();
      await gateway.close();
    },
  };
}
