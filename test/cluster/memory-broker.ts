/**
 * A broker in memory that fails as told: the site that all gateways share, and each gateway's way to it.
 *
 * In: faults, by the number of the operation.  Out: what was stored, by whom, and rules that were broken.
 * It keeps the rules of host/gateway/cluster/broker.ts on its own: revisions, ascending numbers, leases that
 * expire. An operation can fail before it takes effect or after it (the answer is lost), or come late. A
 * crash ends all operations of its gateway for ever.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Arrived, type Broker, Conflict, type Entry } from '../../host/gateway/cluster/broker.ts';

export type Fault = 'fails' | 'unanswered' | 'crash' | 'crash after' | 'late';

interface Stored {
  seq: number;
  sequence: number;
  bytes: Uint8Array;
  /** The lease under which it was sent. */
  term: number;
}

const never = new Promise<never>(() => {});

export class Site {
  readonly partitions: number;
  readonly leaseMs: number;
  readonly frames: Omit<Arrived, 'pending'>[] = [];
  readonly outputs = new Map<string, Stored[]>();
  readonly broken: string[] = [];
  /** Operations so far, and what happens to some of them. */
  operations = 0;
  faults = new Map<number, Fault>();
  seq = 0;
  states = new Map<string, Entry>();
  /** `term` grows each time that a gateway takes the lease anew. */
  leases = new Map<string, { value: string; revision: number; untilMs: number; term: number }>();
  watchers = new Set<(key: string, value: string | undefined) => void>();
  /** Called when a gateway crashes. */
  crashed = (_: MemoryBroker): void => {};

  constructor(partitions: number, leaseMs: number) {
    [this.partitions, this.leaseMs] = [partitions, leaseMs];
  }

  send(stream: string, bytes: Uint8Array): void {
    this.frames.push({ seq: ++this.seq, stream, bytes });
  }

  lease(key: string) {
    const found = this.leases.get(key);
    return found && found.untilMs > performance.now() ? found : undefined;
  }

  tell(key: string, value: string | undefined): void {
    for (const seen of this.watchers) setImmediate(() => seen(key, value));
  }
}

export class MemoryBroker implements Broker {
  readonly partitions: number;
  readonly leaseMs: number;
  readonly id: string;
  isDead = false;
  #site: Site;

  constructor(site: Site, id: string) {
    [this.#site, this.id, this.partitions, this.leaseMs] = [site, id, site.partitions, site.leaseMs];
  }

  /** Runs an operation with the fault that it is to have. */
  async #run<T>(effect: () => T): Promise<T> {
    if (this.isDead) return never;
    const fault = this.#site.faults.get(this.#site.operations++);
    await pause(0);
    if (fault === 'crash') this.#crash();
    if (this.isDead) return never;
    if (fault === 'fails') throw new Error('no connection');
    if (fault === 'late') await pause(this.leaseMs * 1.5);
    const result = effect();
    if (fault === 'crash after') this.#crash();
    await pause(0);
    if (this.isDead) return never;
    if (fault === 'unanswered') throw new Error('timeout');
    return result;
  }

  #crash(): void {
    // two of its operations may be under way
    if (this.isDead) return;
    this.isDead = true;
    this.#site.crashed(this);
  }

  async *messages(partition: number, after: number, quit: AbortSignal): AsyncIterable<Arrived> {
    await this.#run(() => {});
    let at = 0;
    while (!quit.aborted) {
      const one = this.#site.frames[at];
      if (!one) {
        await pause(2);
        continue;
      }
      at++;
      const mine = Number(one.stream.split('-').at(-1)) % this.partitions === partition;
      if (mine && one.seq > after) yield { ...one, pending: this.#site.frames.length - at };
      if (this.isDead) await never;
    }
  }

  lastOutput = (_: number, stream: string) => this.#run(() => this.#site.outputs.get(stream)?.at(-1));

  publish(partition: number, stream: string, sequence: number, bytes: Uint8Array, after: number): Promise<number> {
    // the rule is for the sender: what it has sent may still be on its way when its lease ends
    const lease = this.#site.lease(`partition.${partition}`);
    if (!this.isDead && lease?.value !== this.id) this.#site.broken.push(`${stream}: sent without a lease of its own`);
    const { term = 0 } = lease ?? {};
    return this.#run(() => {
      const list = this.#site.outputs.get(stream) ?? [];
      const last = list.at(-1);
      if ((last?.seq ?? 0) !== after) throw new Conflict('wrong last sequence');
      if (last && last.term > term) this.#site.broken.push(`${stream}: an earlier owner after a later one`);
      list.push({ seq: ++this.#site.seq, sequence, bytes, term });
      this.#site.outputs.set(stream, list);
      return this.#site.seq;
    });
  }

  read = (key: string) => this.#run(() => this.#site.states.get(key));

  keys = (prefix: string) => this.#run(() => [...this.#site.states.keys()].filter((key) => key.startsWith(prefix)));

  write(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#run(() => {
      if ((this.#site.states.get(key)?.revision ?? 0) !== revision) throw new Conflict('wrong last sequence');
      this.#site.states.set(key, { value, revision: ++this.#site.seq });
      return this.#site.seq;
    });
  }

  hold(key: string, value: string, revision: number): Promise<number> {
    return this.#run(() => {
      if ((this.#site.lease(key)?.revision ?? 0) !== revision) throw new Conflict('wrong last sequence');
      const seq = ++this.#site.seq;
      const term = revision === 0 ? seq : (this.#site.leases.get(key)?.term ?? 0);
      this.#site.leases.set(key, { value, revision: seq, untilMs: performance.now() + this.leaseMs, term });
      this.#site.tell(key, value);
      return seq;
    });
  }

  release(key: string, revision: number): Promise<void> {
    return this.#run(() => {
      if ((this.#site.lease(key)?.revision ?? 0) !== revision) throw new Conflict('wrong last sequence');
      this.#site.leases.delete(key);
      this.#site.tell(key, undefined);
    });
  }

  async watch(seen: (key: string, value: string | undefined) => void): Promise<() => void> {
    await this.#run(() => {
      for (const [key] of this.#site.leases) {
        const found = this.#site.lease(key);
        if (found) seen(key, found.value);
      }
    });
    const one = (key: string, value: string | undefined) => this.isDead || seen(key, value);
    this.#site.watchers.add(one);
    return () => this.#site.watchers.delete(one);
  }

  async close(): Promise<void> {}
}
