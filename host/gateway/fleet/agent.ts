/**
 * A gateway's part in a fleet: brings what runs to what is desired, and reports each step.
 *
 * In: messages of desired state, a Gateway.  Out: reports. What a bundle must be is the gateway's to say (signature, sequence number, trial); a message only names one.
 * Acts once on each desired state: its sequence number is on the disk before anything is done, and a lower one, or another state under the same number, is ignored. A newer one ends what
 * is under way. The way back leads to the gateway's own previous bundle alone, and only where the bundle that is given up is the one that was meant.
 */
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { Gateway } from '../gateway.ts';
import { asFailure } from '../hub/slot.ts';
import type { Stored, Verdict } from '../store/state.ts';
import { emptyMemory, type Memory, type Outcome } from './memory.ts';
import type { BundleRef, Desired, OnlineReport, Release } from './messages.ts';
import { parseDesired, shortText } from './messages.ts';

export interface AgentOptions {
  gateway: Gateway;
  id: string;
  memory: { read(): Promise<Memory>; write(memory: Memory): Promise<void> };
  report: (report: OnlineReport) => void;
  /** The bytes of a bundle. @throws RN853, RN854, RN855 */
  fetch: (bundle: BundleRef, signal: AbortSignal) => Promise<Uint8Array>;
  log?: (about: object, text: string) => void;
}

const releaseOf = ({ digest, name, version, sequence }: Stored): Release => ({ digest, name, version, sequence });
const same = (a: Desired | undefined, b: Desired): boolean => JSON.stringify(a) === JSON.stringify(b);

export class Agent {
  #options: AgentOptions;
  #memory: Memory = emptyMemory();
  /** The newest that came. */
  #latest?: Desired;
  #now: Outcome = { state: 'idle' };
  #work = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  #unlisten = () => {};

  private constructor(options: AgentOptions) {
    this.#options = options;
  }

  static async begin(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options);
    agent.#memory = await options.memory.read();
    agent.#latest = agent.#memory.desired;
    agent.#now = agent.#memory.outcome ?? { state: 'idle' };
    agent.#unlisten = options.gateway.events.on('step', ({ step, slot, digest, failure }) => {
      if (slot !== agent.#slot) return;
      if (step === 'rolled back' && agent.#now.state === 'confirmed' && digest === agent.#memory.desired?.bundle?.digest)
        void agent.#end({ state: 'reverted', code: failure?.code, why: failure?.why }).catch(() => {});
      else if (step === 'rolled back' || step === 'confirmed' || step === 'swapped') agent.report();
    });
    return agent;
  }

  /** Takes up what was under way when the gateway ended. */
  resume(): void {
    const { desired, outcome } = this.#memory;
    if (desired && !outcome) this.#queue = this.#act(desired, this.#work.signal, true);
  }

  get #slot(): string {
    return this.#memory.desired?.slot ?? 'main';
  }

  /** Resolves when nothing is under way. */
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

  /** Says again what is. */
  report(): void {
    const { gateway, id, report } = this.#options;
    const { desired } = this.#memory;
    const { active, previous } = gateway.store.slot(this.#slot);
    const { state, code, why } = this.#now;
    report({
      fleet: 1,
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
      ...(why && { why: shortText(why) }),
    });
  }

  /** A message of desired state. */
  take(payload: Uint8Array): void {
    // a retained message that was removed
    if (payload.length === 0) return;
    let desired: Desired;
    try {
      desired = parseDesired(payload);
    } catch (error) {
      this.#options.log?.(asFailure(error), 'ignored');
      return;
    }
    const latest = this.#latest;
    if (latest && desired.sequence <= latest.sequence) {
      if (same(latest, desired)) this.report();
      else
        this.#options.log?.({ sequence: desired.sequence, have: latest.sequence }, 'ignored: a newer desired state came before');
      return;
    }
    this.#latest = desired;
    this.#work.abort();
    this.#work = new AbortController();
    const { signal } = this.#work;
    this.#leave();
    this.#queue = this.#queue.then(() => this.#act(desired, signal));
  }

  /** A trial that this agent began is given up. */
  #leave(): void {
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

  async #end(outcome: Outcome): Promise<void> {
    this.#now = outcome;
    this.#memory = { ...this.#memory, outcome };
    this.report();
    await this.#options.memory.write(this.#memory);
  }

  /** Never throws: what goes wrong is the outcome. */
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
      if (!isRunletError(error)) this.#options.log?.({ err: error }, 'fault');
      await this.#end({ state: 'failed', ...asFailure(error) }).catch(() => {});
    }
  }

  /** Leaves the bundle that is given up, where it is on trial or runs over the one that is desired. */
  async #giveUp({ slot: name, instead, bundle }: Desired): Promise<void> {
    const { gateway } = this.#options;
    if (this.#onTrial(name) === instead) await gateway.rollBack(name);
    const { active, previous } = gateway.store.slot(name);
    if (active?.digest !== instead) return;
    if (bundle && previous?.digest === bundle.digest) await gateway.rollBack(name);
    else throw noWayBack(name, bundle ? 'the bundle before is another one' : 'nothing ran before');
  }

  async #reach({ slot: name, bundle, trial }: Desired, signal: AbortSignal, resumed: boolean): Promise<Outcome> {
    const { gateway } = this.#options;
    if (!bundle) return { state: 'idle' };
    const { active, last } = gateway.store.slot(name);
    if (active?.digest === bundle.digest) return { state: 'confirmed' };
    // the gateway ended while it was on trial
    if (resumed && last?.digest === bundle.digest && last.result === 'reverted') return revertedOf(last);
    if (bundle.at === 'gateway') throw noWayBack(name, 'it runs neither there nor before');
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
    // it may have misbehaved between the swap and now
    const ran = gateway.store.slot(name);
    return ran.active?.digest === bundle.digest ? { state: 'confirmed' } : revertedOf(ran.last);
  }
}

const revertedOf = (last: Verdict | undefined): Outcome => ({ state: 'reverted', code: last?.code, why: last?.why });

const noWayBack = (slot: string, why: string): RunletError =>
  new RunletError('RN856', {
    what: 'the gateway cannot go back to this bundle',
    where: `slot ${slot}`,
    why,
    tryThis: '`runlet status --to` says what runs there; a newer bundle with a higher --sequence replaces it',
  });
