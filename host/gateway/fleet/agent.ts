/**
 * Agent: brings a gateway of a fleet to its desired state, and reports each step.
 *
 * In: desired states, as messages; a Gateway.  Out: reports.  Errors: refusals are reported by code (RN850,
 * RN895, RN896, RN897).
 * Rule: a message only names a bundle; the gateway checks its signature, sequence number and trial. A desired
 * state is accepted if a trusted key has signed it, it is for this site and gateway, and its sequence number
 * is above the last one, by at most `maxSequenceJump`. It is executed once, since its number is written to
 * the disk first. A newer desired state aborts the current one. A rollback leads only to the gateway's
 * previous bundle, and only if the active bundle is the one that the desired state replaces.
 */
import { createHash } from 'node:crypto';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { Gateway } from '../gateway.ts';
import type { GatewayEvents } from '../hub/events.ts';
import { asFailure } from '../hub/slot.ts';
import { guarded } from '../mqtt/client.ts';
import { type Log, seldom } from '../mqtt/seldom.ts';
import type { Stored, Verdict } from '../store/state.ts';
import {
  type BundleRef,
  type Desired,
  type Memory,
  maxSequenceJump,
  type OnlineReport,
  type Outcome,
  type Release,
} from './messages.ts';
import { type Opener, opener } from './signed.ts';

export interface AgentOptions {
  gateway: Gateway;
  site: string;
  id: string;
  memory: { read(): Promise<Memory>; write(memory: Memory): Promise<void> };
  report: (report: OnlineReport) => void;
  /** Gets the bytes of a bundle. @throws RN853, RN854, RN855 */
  fetch: (bundle: BundleRef, signal: AbortSignal) => Promise<Uint8Array>;
  log?: Log;
  /** Shortest time between answers to messages without an effect, in milliseconds (default 1000). */
  answerMs?: number;
}

/** Number of messages, and of refused ones. */
export interface AgentCounts {
  messages: number;
  refused: number;
}

const releaseOf = ({ digest, name, version, sequence }: Stored): Release => ({ digest, name, version, sequence });
const same = (a: Desired, b: Desired): boolean => JSON.stringify(a) === JSON.stringify(b);

export class Agent {
  readonly counts: AgentCounts = { messages: 0, refused: 0 };
  #options: AgentOptions;
  #log: Log;
  #logRefused: Log;
  #open: Opener;
  #memory: Memory = {};
  /** The newest accepted desired state. */
  #latest?: Desired;
  #now: Outcome = { state: 'idle' };
  #work = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  #refused?: OnlineReport['refused'];
  #answeredMs = Number.NEGATIVE_INFINITY;
  #unlisten = () => {};

  private constructor(options: AgentOptions, open: Opener) {
    this.#options = options;
    this.#open = open;
    this.#log = options.log ?? (() => {});
    this.#logRefused = seldom(this.#log);
  }

  static async begin(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options, await opener(options.gateway.policy));
    agent.#memory = await options.memory.read();
    const { desired, outcome } = agent.#memory;
    agent.#latest = desired;
    // a rollout would take `idle` for the end of a desired state that is not finished
    agent.#now = outcome ?? { state: desired ? 'downloading' : 'idle' };

    const onStep = guarded(agent.#step.bind(agent), (err) => agent.#log({ err }, 'fault'));
    agent.#unlisten = options.gateway.events.on('step', onStep);
    return agent;
  }

  #step({ step, slot, digest, failure }: GatewayEvents['step']): void {
    if (slot !== this.#slot) return;
    if (step === 'rolled back' && this.#now.state === 'confirmed' && digest === this.#memory.desired?.bundle?.digest)
      void this.#end({ state: 'reverted', ...(failure && { code: failure.code }) }).catch(() => {});
    else if (step === 'rolled back' || step === 'confirmed' || step === 'swapped') this.report();
  }

  /** Resumes the desired state that was not finished when the gateway ended. */
  resume(): void {
    const { desired, outcome } = this.#memory;
    if (desired && !outcome) this.#queue = this.#act(desired, this.#work.signal, true);
  }

  get #slot(): string {
    return this.#memory.desired?.slot ?? 'main';
  }

  /** Resolves when no desired state is being executed. */
  async idle(): Promise<void> {
    for (let queue: Promise<void> | undefined; queue !== this.#queue; ) {
      queue = this.#queue;
      await queue;
    }
  }

  async close(): Promise<void> {
    this.#unlisten();
    this.#work.abort();
    await this.idle();
  }

  /** Reports the current state. */
  report(): void {
    const { gateway, id, report } = this.#options;
    const { desired } = this.#memory;
    const { active, previous } = gateway.store.slot(this.#slot);
    const { state, code } = this.#now;
    report({
      fleet: 2,
      gateway: id,
      online: true,
      slot: this.#slot,
      state,
      sequence: desired?.sequence ?? 0,
      ...(desired && { rollout: desired.rollout }),
      ...(desired?.bundle && { digest: desired.bundle.digest }),
      ...(active && { active: releaseOf(active) }),
      ...(previous && { previous: releaseOf(previous) }),
      ...(code && { code }),
      ...(this.#refused && { refused: this.#refused }),
    });
  }

  /** Answers a message without an effect, at most once per `answerMs`. */
  #answer(): void {
    if (performance.now() - this.#answeredMs < (this.#options.answerMs ?? 1000)) return;
    this.#answeredMs = performance.now();
    this.report();
  }

  /** Takes a message with a desired state. Never throws. */
  take(payload: Uint8Array): void {
    // an empty payload means that the retained message was removed
    if (payload.length === 0) return;
    this.counts.messages++;
    try {
      this.#take(this.#open(payload));
    } catch (error) {
      this.counts.refused++;
      const { code, why } = asFailure(error);
      this.#logRefused({ code, why, refused: this.counts.refused }, 'a desired state was refused');
      this.#refused = { code, digest: createHash('sha256').update(payload).digest('hex') };
      this.#answer();
    }
  }

  /** Accepts a desired state and queues it. @throws RN897 */
  #take(desired: Desired): void {
    const latest = this.#latest;
    const lastSequence = latest?.sequence ?? 0;
    this.#checkTarget(desired, lastSequence);
    if (latest && desired.sequence <= lastSequence) {
      if (!same(latest, desired))
        throw notForHere('desired.sequence', `it is ${desired.sequence}, and ${lastSequence} was accepted before`);
      this.#answer();
      return;
    }
    this.#latest = desired;
    this.#refused = undefined;
    this.#work.abort();
    this.#work = new AbortController();
    const { signal } = this.#work;
    this.#abandonTrial();
    this.#queue = this.#queue.then(() => this.#act(desired, signal));
  }

  /** Checks that a desired state is for this gateway and its number is plausible. @throws RN897 */
  #checkTarget({ site, gateway, sequence }: Desired, lastSequence: number): void {
    const { site: here, id } = this.#options;
    if (site !== here || gateway !== id)
      throw notForHere('desired.gateway', `it is for ${site}/${gateway}, and this is ${here}/${id}`);
    if (sequence - lastSequence > maxSequenceJump)
      throw notForHere('desired.sequence', `${sequence} is more than ${maxSequenceJump} above ${lastSequence}`);
  }

  /** Ends a trial that this agent has started. */
  #abandonTrial(): void {
    const digest = this.#memory.desired?.bundle?.digest;
    if (digest === undefined || this.#now.state !== 'trial') return;
    if (this.#onTrial(this.#slot) === digest) this.#options.gateway.rollBack(this.#slot).catch(() => {});
  }

  #onTrial(name: string): string | undefined {
    const { slots, store } = this.#options.gateway;
    return slots.get(name)?.trial?.loaded.digest ?? store.slot(name).staged?.digest;
  }

  #at(now: Outcome): void {
    this.#now = now;
    this.report();
  }

  async #end({ state, code, why }: Outcome & { why?: string }): Promise<void> {
    const outcome = { state, ...(code && { code }) };
    if (code) this.#log({ state, code, why, sequence: this.#memory.desired?.sequence }, 'the desired state was not reached');
    this.#now = outcome;
    this.#memory = { ...this.#memory, outcome };
    this.report();
    await this.#options.memory.write(this.#memory);
  }

  /** Executes a desired state. Never throws: an error becomes the outcome. */
  async #act(desired: Desired, signal: AbortSignal, resumed = false): Promise<void> {
    if (signal.aborted) return;
    try {
      const begun = { desired };
      await this.#options.memory.write(begun);
      this.#memory = begun;
      if (desired.instead) await this.#giveUp(desired);
      const outcome = await this.#reach(desired, signal, resumed);
      if (!signal.aborted) await this.#end(outcome);
    } catch (error) {
      if (signal.aborted) return;
      if (!isRunletError(error)) this.#log({ err: error }, 'fault');
      await this.#end({ state: 'failed', ...asFailure(error) }).catch(() => {});
    }
  }

  /** Rolls back the bundle `instead`, on trial or active. @throws RN856 if the desired one is not previous */
  async #giveUp({ slot: name, instead, bundle }: Desired): Promise<void> {
    const { gateway } = this.#options;
    if (this.#onTrial(name) === instead) await gateway.rollBack(name);
    const { active, previous } = gateway.store.slot(name);
    if (active?.digest !== instead) return;
    if (bundle && previous?.digest === bundle.digest) await gateway.rollBack(name);
    else throw noWayBack(name, bundle ? 'the previous bundle is another one' : 'there is no previous bundle');
  }

  async #reach(
    { slot: name, bundle, trial }: Desired,
    signal: AbortSignal,
    resumed: boolean,
  ): Promise<Outcome & { why?: string }> {
    const { gateway } = this.#options;
    if (!bundle) return { state: 'idle' };
    const { active, last } = gateway.store.slot(name);
    if (active?.digest === bundle.digest) return { state: 'confirmed' };
    // the gateway ended during the trial
    if (resumed && last?.digest === bundle.digest && last.result === 'reverted') return revertedOf(last);
    if (bundle.at === 'gateway') throw noWayBack(name, 'it is neither the active nor the previous bundle');
    this.#at({ state: 'downloading' });
    const bytes = await this.#options.fetch(bundle, signal);
    if (signal.aborted) return { state: 'idle' };
    await gateway.receive(bytes, bundle.digest, name);
    if (signal.aborted) {
      if (this.#onTrial(name) === bundle.digest) await gateway.rollBack(name);
      return { state: 'idle' };
    }
    this.#at({ state: 'staged' });
    this.#at({ state: 'trial' });
    const { phase, failure } = await gateway.try(name, { ...trial, confirm: true });
    if (phase !== 'confirmed') return { state: 'reverted', ...failure };
    // the bundle may have failed since the swap
    const ran = gateway.store.slot(name);
    return ran.active?.digest === bundle.digest ? { state: 'confirmed' } : revertedOf(ran.last);
  }
}

const revertedOf = (last: Verdict | undefined) => ({ state: 'reverted' as const, code: last?.code, why: last?.why });

const notForHere = (where: string, why: string): RunletError =>
  new RunletError('RN897', {
    what: 'this desired state is signed, but not valid for this gateway now',
    where,
    why,
    tryThis: 'roll out again, and check who may write to the topic',
  });

const noWayBack = (slot: string, why: string): RunletError =>
  new RunletError('RN856', {
    what: 'the gateway cannot roll back to this bundle',
    where: `slot ${slot}`,
    why,
    tryThis: '`runlet status --to` shows its bundles; replace the bundle by a newer one with a higher --sequence',
  });
