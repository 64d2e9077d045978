/**
 * A discrete model of a cluster: leases, moves, crashes, and what the next owner repeats.
 *
 * In: rules, measured costs, a seed; gateways and streams.  Out: what happened to partitions, and rules that
 * were broken. Time is in ms. Each gateway beats three times in `leaseMs`, at its own phase; a beat renews
 * its leases and takes or gives away what `sharesOf` says. A request takes effect at the broker half of its
 * time after it was sent, and others see it as late. A gateway counts a lease for `counted` of its time from
 * its request on, the broker in full from its effect on. A gateway is given one partition after the other,
 * and one that leaves gives them so, as in host/gateway/cluster/leases.ts.
 * Cost: one shares.ts per set of gateways, and an event per beat and gateway.
 */
import { sharesOf } from '../../host/gateway/cluster/shares.ts';
import { seeded } from '../../quant/calibration/collect.ts';
import { Timeline } from './timeline.ts';

export interface ModelRules {
  partitions: number;
  leaseMs: number;
  /** Part of `leaseMs` for which a gateway counts a lease. */
  counted: number;
  /** Time of a request to the broker: shortest, and with its random part. */
  requestMs: readonly [number, number];
}

/** What the next owner does, in ms. */
export interface ModelCosts {
  /** To begin a partition: a cursor and a consumer. To begin a stream: its record and its last output. */
  partitionMs: number;
  streamMs: number;
  /** Processor time of a message. */
  messageMs: number;
  /** Messages of a stream per second, and time between two records of it. */
  messagesPerS: number;
  recordMs: number;
}

interface Gateway {
  id: string;
  /** Its leases: counted until then, by its own clock. */
  held: Map<number, { untilMs: number; moving: boolean }>;
  isDead: boolean;
  isLeaving: boolean;
  /** True: it has heard of a change, and makes a turn soon. */
  isTurning: boolean;
  /** True: its requests do not arrive. */
  isCut: boolean;
  /** Its processor is busy with taken partitions until then. */
  busyMs: number;
}

/** A lease or a gateway's entry at the broker: two latest changes, because others see them late. */
interface Entry {
  owner?: string;
  untilMs: number;
  atMs: number;
  before?: { owner?: string; untilMs: number };
}

export interface Taken {
  partition: number;
  /** Time since its owner crashed, or began to leave it, until the next one had its lease. */
  ownedMs: number;
  /** Until its streams have a new output. */
  resumedMs: number;
  /** Messages that were processed twice. */
  repeated: number;
  after: 'crash' | 'move';
}

interface Shares {
  all: Map<number, string>;
  of: Map<string, number[]>;
}

function byOwner(shares: Map<number, string>): Map<string, number[]> {
  const of = new Map<string, number[]>();
  for (const [partition, id] of shares) of.set(id, [...(of.get(id) ?? []), partition]);
  return of;
}

export class Model {
  readonly time = new Timeline();
  readonly gateways = new Map<string, Gateway>();
  readonly taken: Taken[] = [];
  readonly broken: string[] = [];
  /** Number of messages to the broker, and of changes of leases that it tells every gateway. */
  requests = 0;
  told = 0;
  #rules: ModelRules;
  #costs: ModelCosts;
  #random: () => number;
  #streams: Int32Array;
  #leases: Entry[];
  #members = new Map<string, Entry>();
  #shares = new Map<string, Shares>();
  #latest?: { shares: Shares; untilMs: number };
  /** Why a partition has no owner, since when. */
  #orphans = new Map<number, { atMs: number; after: Taken['after'] }>();

  constructor(rules: ModelRules, costs: ModelCosts, streams: number, seed: number) {
    [this.#rules, this.#costs, this.#random] = [rules, costs, seeded(seed)];
    this.#streams = new Int32Array(rules.partitions);
    for (let i = 0; i < streams; i++) this.#bump(Math.floor(this.#random() * rules.partitions));
    this.#leases = Array.from({ length: rules.partitions }, () => ({ untilMs: 0, atMs: 0 }));
  }

  #bump(partition: number): void {
    this.#streams[partition] = (this.#streams[partition] as number) + 1;
  }

  /** Gateways look for expired entries so often. */
  #watchdog = (): number => this.#random() * Math.max(10, this.#rules.leaseMs / 50);

  #half = (): number => (this.#rules.requestMs[0] + this.#random() * this.#rules.requestMs[1]) / 2;

  join(id: string): void {
    const flags = { isDead: false, isLeaving: false, isTurning: false, isCut: false };
    const one: Gateway = { id, held: new Map(), ...flags, busyMs: 0 };
    this.gateways.set(id, one);
    this.#hold(one, this.#memberOf(id), () => this.#all());
    const beat = () => {
      if (one.isDead) return;
      this.#turn(one, true);
      this.time.after(this.#rules.leaseMs / 3, beat);
    };
    this.time.after((this.#random() * this.#rules.leaseMs) / 3, beat);
  }

  crash(id: string): void {
    const one = this.gateways.get(id);
    if (!one) return;
    one.isDead = true;
    this.gateways.delete(id);
    for (const [partition, { untilMs }] of one.held) {
      if (untilMs <= this.time.now) continue;
      this.#orphans.set(partition, { atMs: this.time.now, after: 'crash' });
    }
    // nobody is told; entries expire
    for (const entry of [...this.#leases, this.#memberOf(id)])
      if (entry.owner === id) this.time.at(entry.untilMs + this.#watchdog(), () => this.#all());
  }

  /** From here on, nothing that a gateway sends arrives. It goes on to run. */
  cut(id: string): void {
    const one = this.gateways.get(id);
    if (!one) return;
    one.isCut = true;
    for (const entry of [...this.#leases, this.#memberOf(id)])
      if (entry.owner === id) this.time.at(entry.untilMs + this.#watchdog(), () => this.#all());
  }

  /** A gateway drains its partitions, one after the other, and ends. */
  leave(id: string): void {
    const one = this.gateways.get(id);
    if (!one || one.isLeaving) return;
    one.isLeaving = true;
    Object.assign(this.#memberOf(id), { owner: undefined, untilMs: 0, atMs: this.time.now, before: undefined });
    const moveNext = () => {
      const next = [...one.held].find(([, { moving }]) => !moving);
      if (next) this.#drain(one, next[0], moveNext);
    };
    moveNext();
    this.#all();
    this.time.after(2 * this.#rules.leaseMs, () => {
      one.isDead = true;
      if (this.gateways.get(id) === one) this.gateways.delete(id);
    });
  }

  /** Gateways that count a partition as their own at present. */
  owners(partition: number): string[] {
    return [...this.gateways.values()]
      .filter(({ held }) => (held.get(partition)?.untilMs ?? 0) > this.time.now)
      .map(({ id }) => id);
  }

  /** Partitions and streams of each gateway. */
  loads(): { partitions: number; streams: number }[] {
    return [...this.gateways.values()].map(({ held }) => ({
      partitions: held.size,
      streams: [...held.keys()].reduce((all, partition) => all + (this.#streams[partition] as number), 0),
    }));
  }

  #memberOf(id: string): Entry {
    const found = this.#members.get(id) ?? { untilMs: 0, atMs: 0 };
    this.#members.set(id, found);
    return found;
  }

  /** The owner of an entry as others see it after the broker's half of a request. */
  #seen(entry: Entry): string | undefined {
    const isLate = this.time.now - entry.atMs < this.#rules.requestMs[0] / 2;
    const { owner, untilMs } = isLate && entry.before ? entry.before : entry;
    return untilMs > this.time.now ? owner : undefined;
  }

  /** Every gateway makes a turn once it has heard of a change. */
  #all(): void {
    this.#latest = undefined;
    for (const one of this.gateways.values()) {
      if (one.isTurning) continue;
      one.isTurning = true;
      this.time.after(this.#half() + this.#rules.requestMs[0] / 2, () => {
        one.isTurning = false;
        this.#turn(one, false);
      });
    }
  }

  /**
   * Takes an entry if nobody has it, or renews one's own. A renewal, which has `refused`, does not take: what
   * was given back meanwhile stays so. `granted` gets the time of the request.
   */
  #hold(one: Gateway, entry: Entry, granted?: (askedMs: number) => void, refused?: () => void): void {
    const askedMs = this.time.now;
    if (one.isCut) return;
    this.requests++;
    this.time.after(this.#half(), () => {
      const { now } = this.time;
      const owner = entry.untilMs > now ? entry.owner : undefined;
      if (owner !== one.id && (owner !== undefined || refused)) return refused?.();
      const before = { owner: entry.owner, untilMs: entry.untilMs };
      Object.assign(entry, { owner: one.id, untilMs: now + this.#rules.leaseMs, atMs: now, before });
      this.told += this.gateways.size;
      this.time.after(this.#half(), () => one.isDead || granted?.(askedMs));
    });
  }

  #turn(one: Gateway, renews: boolean): void {
    if (one.isDead) return;
    const { now } = this.time;
    for (const [partition, { untilMs }] of one.held) {
      if (untilMs <= now) one.held.delete(partition);
      else if (renews) this.#renew(one, partition);
    }
    if (one.isLeaving) return;
    if (renews) this.#hold(one, this.#memberOf(one.id));
    const shares = this.#sharesSeen();
    const ownerOf = (partition: number) => this.#seen(this.#leases[partition] as Entry);
    for (const partition of shares.of.get(one.id) ?? [])
      if (!one.held.has(partition) && ownerOf(partition) === undefined) this.#take(one, partition);
    for (const partition of one.held.keys()) {
      const next = shares.all.get(partition);
      if (next === undefined || next === one.id) continue;
      if (shares.of.get(next)?.find((other) => ownerOf(other) !== next) === partition) this.#drain(one, partition);
    }
  }

  /** Shares of the gateways whose entries are seen. They stay until an entry begins, ends, or may expire. */
  #sharesSeen(): Shares {
    if (this.#latest && this.time.now < this.#latest.untilMs) return this.#latest.shares;
    const seen = [...this.#members].filter(([, entry]) => this.#seen(entry) !== undefined);
    const ids = seen.map(([id]) => id).sort();
    const key = ids.join();
    const all =
      this.#shares.get(key)?.all ??
      sharesOf(
        this.#rules.partitions,
        ids.map((id) => ({ id })),
      );
    const shares = this.#shares.get(key) ?? { all, of: byOwner(all) };
    this.#shares.set(key, shares);
    const lateMs = this.#rules.requestMs[0] / 2;
    const untilMs = seen.reduce((least, [, entry]) => Math.min(least, entry.untilMs), Number.POSITIVE_INFINITY);
    const isSettled = [...this.#members.values()].every(({ atMs }) => this.time.now - atMs >= lateMs);
    this.#latest = { shares, untilMs: isSettled ? untilMs : this.time.now + lateMs };
    return shares;
  }

  #counts = (askedMs: number): number => askedMs + this.#rules.counted * this.#rules.leaseMs;

  #renew(one: Gateway, partition: number): void {
    const lost = () => one.held.delete(partition);
    const granted = (askedMs: number) => {
      const held = one.held.get(partition);
      if (held) held.untilMs = this.#counts(askedMs);
    };
    this.#hold(one, this.#leases[partition] as Entry, granted, lost);
  }

  #take(one: Gateway, partition: number): void {
    const granted = (askedMs: number) => {
      if (one.held.has(partition)) return;
      const owners = this.owners(partition);
      if (owners.length > 0) this.broken.push(`partition ${partition}: ${owners.join()} and ${one.id}`);
      one.held.set(partition, { untilMs: this.#counts(askedMs), moving: false });
      this.#begin(one, partition);
    };
    this.#hold(one, this.#leases[partition] as Entry, granted);
  }

  /** The next owner reads cursor, records and messages since, and then is at the present. */
  #begin(one: Gateway, partition: number): void {
    const orphan = this.#orphans.get(partition);
    if (!orphan) return;
    this.#orphans.delete(partition);
    const { partitionMs, streamMs, messageMs, messagesPerS, recordMs } = this.#costs;
    const [streams, ownedMs] = [this.#streams[partition] as number, this.time.now - orphan.atMs];
    // records are as old as chance has it; the cursor is as old as the oldest of them
    const oldMs = orphan.after === 'crash' ? recordMs * this.#random() : 0;
    const repeated = Math.round((streams * messagesPerS * oldMs) / 1000 / 2);
    const perMs = (streams * messagesPerS) / 1000;
    const waiting = repeated + perMs * ownedMs;
    const startMs = Math.max(this.time.now + partitionMs, one.busyMs) + streams * streamMs;
    // while it catches up, messages go on to arrive
    const caughtMs = (waiting * messageMs) / Math.max(0.05, 1 - perMs * messageMs);
    one.busyMs = startMs + caughtMs;
    const resumedMs = one.busyMs - orphan.atMs;
    this.taken.push({ partition, ownedMs, resumedMs, repeated, after: orphan.after });
  }

  /** Stores everything, gives the lease back, and does what comes `then`. */
  #drain(one: Gateway, partition: number, then?: () => void): void {
    const held = one.held.get(partition);
    if (!held || held.moving) return;
    held.moving = true;
    const begunMs = this.time.now;
    const drainMs = (this.#streams[partition] as number) * this.#costs.messageMs + 2 * this.#half();
    this.time.after(drainMs, () => {
      if (one.isDead || one.held.get(partition) !== held) return;
      one.held.delete(partition);
      this.requests++;
      this.#orphans.set(partition, { atMs: begunMs, after: 'move' });
      this.time.after(this.#half(), () => {
        const entry = this.#leases[partition] as Entry;
        if (entry.owner !== one.id) return;
        Object.assign(entry, { owner: undefined, untilMs: 0, atMs: this.time.now, before: undefined });
        this.#all();
        this.time.after(this.#half(), () => then?.());
      });
    });
  }
}
