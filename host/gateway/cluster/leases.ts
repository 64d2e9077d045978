/**
 * Leases: which partitions this gateway runs at present. A partition has one lease, and so one gateway.
 *
 * In: a broker.  Out: `gained` and `lost` partitions; `drain` before a planned move.
 * Rules: a gateway renews its leases three times in `leaseMs`. It counts a lease as its own only until
 * `leaseMs` after it asked for the latest renewal that was granted, by its own clock; the broker counts from
 * the moment when it granted it, which is later. So two gateways never hold a partition at once, as long as
 * their clocks run equally fast within a tenth. Who runs what follows from shares.ts; a gateway that should
 * not have a partition drains it and gives its lease back. An expired lease is taken by whom it belongs to.
 * Errors: RN923.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RunletError } from '../../../models/error.ts';
import { type Broker, Conflict } from './broker.ts';
import { type Member, sharesOf } from './shares.ts';

/** A partition that this gateway holds. */
export interface Lease {
  readonly partition: number;
  /** True while nobody else can hold it. */
  valid(): boolean;
}

export interface LeaseEvents {
  gained(lease: Lease): void;
  /** The lease is over, or about to be: nothing of this partition may be sent any more. */
  lost(partition: number): void;
  /** Resolves once everything of a partition is stored; its lease is given back then, or after a time. */
  drain(partition: number): Promise<void>;
  fault(error: unknown): void;
  /** What the other gateways are told of this one. */
  about(): object;
}

interface Held {
  revision: number;
  untilMs: number;
  moving?: Promise<void>;
  renewal?: Promise<void>;
}

/** A lease of any gateway, or a gateway, as it was last seen. */
interface Seen {
  value: string;
  atMs: number;
}

/** Part of `leaseMs` for which a lease counts; the rest is for clocks that run differently. A choice. */
const counted = 0.9;
/** Leases after which partitions are given back without a drain. A choice. */
const drainLeases = 2;
const now = (): number => performance.now();

export class Leases {
  readonly id: string;
  /** Largest number of partitions that this gateway takes; less while it is behind. */
  most?: number;
  #broker: Broker;
  #events: LeaseEvents;
  #held = new Map<number, Held>();
  #leases = new Map<number, Seen>();
  #members = new Map<string, Seen>();
  /** Revision of this gateway's entry. */
  #member = 0;
  #fresh = 0;
  /** Partitions that the shares give to this gateway; when the broker last answered. */
  #share: number[] = [];
  #answeredMs = Number.NEGATIVE_INFINITY;
  #stops: (() => void)[] = [];
  #turn?: Promise<void>;
  #again = false;
  #ended = false;

  constructor(broker: Broker, id: string, events: LeaseEvents) {
    [this.#broker, this.id, this.#events] = [broker, id, events];
  }

  get #beatMs(): number {
    return this.#broker.leaseMs / 3;
  }

  get held(): number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  /** What each other gateway tells of itself. */
  get told(): Map<string, string> {
    return new Map(
      [...this.#members].filter(([id, seen]) => id !== this.id && this.#isFresh(seen)).map(([id, { value }]) => [id, value]),
    );
  }

  /** Partitions that this gateway should run; the time without an answer of the broker, in milliseconds. */
  get duty(): { share: number[]; silentMs: number } {
    return { share: this.#share, silentMs: now() - this.#answeredMs };
  }

  /** Gateways and leases as this gateway sees them. */
  get view() {
    const owners = [...this.#leases]
      .filter(([, seen]) => this.#isFresh(seen))
      .map(([partition, { value }]) => ({ partition, id: value }));
    return { members: this.#alive(), owners: owners.sort((a, b) => a.partition - b.partition) };
  }

  /** Takes part from here on. @throws RN923 */
  async start(): Promise<void> {
    await this.#enter();
    this.#stops.push(await this.#broker.watch((key, value) => this.#see(key, value)));
    const beat = setInterval(() => this.#run(), this.#beatMs).unref();
    const watchdog = setInterval(() => this.#expire(), Math.max(10, this.#broker.leaseMs / 50)).unref();
    this.#stops.push(
      () => clearInterval(beat),
      () => clearInterval(watchdog),
    );
    await this.#run();
  }

  /** Takes this gateway's entry. That of an earlier run expires in one lease; one that stays is renewed. */
  async #enter(): Promise<void> {
    const { leaseMs } = this.#broker;
    for (const untilMs = now() + 2 * leaseMs; now() < untilMs; await pause(leaseMs / 10))
      try {
        this.#member = await this.#broker.hold(`member.${this.id}`, this.#entry, 0);
        return;
      } catch (error) {
        if (error instanceof Conflict) continue;
        this.#events.fault(error);
        return;
      }
    throw new RunletError('RN923', {
      what: 'another gateway of this cluster has the same name',
      where: `gateway ${this.id}`,
      why: 'its entry in the bucket of leases is renewed by somebody else',
      tryThis: 'give each gateway a name of its own: --gateway-id NAME',
    });
  }

  /** What the others are told of this gateway. */
  get #entry(): string {
    return JSON.stringify({ ...this.#events.about(), most: this.most });
  }

  /** Drains all partitions and gives them back. The others are told first, and take each one at once. */
  async stop(): Promise<void> {
    this.#ended = true;
    for (const stop of this.#stops.splice(0, 1)) stop();
    await this.#turn;
    if (this.#member > 0) await this.#broker.release(`member.${this.id}`, this.#member).catch(() => {});
    const late = this.#patience();
    for (const partition of this.held) await this.#move(partition, late);
    this.end();
  }

  /** Ends at once. */
  end(): void {
    this.#ended = true;
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Gives a partition back that has failed. Its lease is taken anew, here or elsewhere. */
  async giveBack(partition: number): Promise<void> {
    const held = this.#held.get(partition);
    if (!held) return;
    this.#lose(partition);
    // a renewal that is under way changes the revision
    await held.renewal?.catch(() => {});
    await this.#broker.release(`partition.${partition}`, held.revision);
  }

  #see(key: string, value: string | undefined): void {
    const [kind, name = ''] = [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)];
    const place: Map<string | number, Seen> = kind === 'member' ? this.#members : this.#leases;
    const at = kind === 'member' ? name : Number(name);
    const before = place.get(at);
    if (value === undefined) place.delete(at);
    else place.set(at, { value, atMs: now() });
    // A partition that was given back, or a gateway that came, changed or went, concerns everybody at once. A
    // renewal does not: a turn renews too, so gateways that answered renewals with turns would never rest.
    const isNew = !before || mostOf(before.value).most !== mostOf(value ?? '').most || !this.#isFresh(before);
    if (value === undefined || (kind === 'member' && name !== this.id && isNew)) this.#soon();
  }

  #soon(): void {
    if (!this.#ended) void this.#run();
  }

  /** Who has a lease, as it was last seen. */
  #ownerOf(partition: number): string | undefined {
    const seen = this.#leases.get(partition);
    return seen && this.#isFresh(seen) ? seen.value : undefined;
  }

  #isFresh = ({ atMs }: Seen): boolean => now() - atMs < this.#broker.leaseMs;

  #alive(): Member[] {
    const others = [...this.#members].filter(([id, seen]) => id !== this.id && this.#isFresh(seen));
    const mine: Member = { id: this.id, ...(this.most !== undefined && { most: this.most }) };
    return [mine, ...others.map(([id, { value }]) => ({ id, ...mostOf(value) }))].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Runs a turn; asked for meanwhile, another one follows. */
  #run(): Promise<void> {
    if (this.#turn) {
      this.#again = true;
      return this.#turn;
    }
    this.#turn = this.#turns().finally(() => {
      this.#turn = undefined;
    });
    return this.#turn;
  }

  async #turns(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#renewAll();
        await this.#settle();
      } catch (error) {
        this.#events.fault(error);
      }
    } while (this.#again && !this.#ended);
  }

  async #renewAll(): Promise<void> {
    const value = this.#entry;
    const askedMs = now();
    const member = async () => {
      // it has left, and only its last partitions are renewed
      if (this.#ended) return;
      this.#member = await this.#broker.hold(`member.${this.id}`, value, this.#member).catch((error) => {
        if (!(error instanceof Conflict)) throw error;
        // it has expired, or it belongs to an earlier run of this gateway, and will expire
        return 0;
      });
      this.#answeredMs = askedMs;
    };
    const leases = [...this.#held].map(([partition, held]) => {
      held.renewal = this.#renew(partition, held);
      return held.renewal;
    });
    const failed = (await Promise.allSettled([member(), ...leases])).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #renew(partition: number, held: Held): Promise<void> {
    const askedMs = now();
    try {
      held.revision = await this.#broker.hold(`partition.${partition}`, this.id, held.revision);
      // what has expired is over, also if its renewal arrives before the watchdog runs
      if (now() < held.untilMs) held.untilMs = askedMs + counted * this.#broker.leaseMs;
      else {
        this.#lose(partition);
        await this.#broker.release(`partition.${partition}`, held.revision);
      }
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      this.#lose(partition);
    }
  }

  /** Ends what has expired: own leases at once; those of others, and gateways, make a turn. */
  #expire(): void {
    for (const [partition, { untilMs }] of this.#held) if (now() >= untilMs) this.#lose(partition);
    const fresh = [...this.#leases.values(), ...this.#members.values()].filter(this.#isFresh).length;
    if (fresh < this.#fresh) this.#soon();
    this.#fresh = fresh;
  }

  #lose(partition: number): void {
    if (!this.#held.delete(partition)) return;
    this.#events.lost(partition);
  }

  /**
   * Takes what this gateway should run. Moves away what it should not. The next owner may have just started,
   * and streams wait until all that it takes have begun; so it gets the first partition that it lacks, and
   * the next one once it holds that.
   */
  async #settle(): Promise<void> {
    if (this.#ended) return;
    const shares = sharesOf(this.#broker.partitions, this.#alive());
    this.#share = [...shares].filter(([, id]) => id === this.id).map(([partition]) => partition);
    const isServed = new Set<string>();
    for (const [partition, id] of shares) {
      const owner = this.#ownerOf(partition);
      if (id === this.id) {
        if (owner === undefined && !this.#held.has(partition)) await this.#take(partition);
      } else if (owner !== id && !isServed.has(id)) {
        isServed.add(id);
        void this.#move(partition);
      }
    }
  }

  async #take(partition: number): Promise<void> {
    const askedMs = now();
    try {
      const revision = await this.#broker.hold(`partition.${partition}`, this.id, 0);
      const held = { revision, untilMs: askedMs + counted * this.#broker.leaseMs };
      this.#held.set(partition, held);
      this.#events.gained({ partition, valid: () => this.#held.get(partition) === held && now() < held.untilMs });
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      // somebody has it, or has just given it back: asked again after a beat, if there is no news
      this.#leases.set(partition, { value: '', atMs: now() - this.#broker.leaseMs + this.#beatMs });
    }
  }

  /** Drains a partition and gives its lease back; without the drain if that takes longer than `late`. */
  #move(partition: number, late?: Promise<unknown>): Promise<void> {
    const held = this.#held.get(partition);
    if (!held) return Promise.resolve();
    held.moving ??= (async () => {
      try {
        await Promise.race([this.#events.drain(partition), late ?? this.#patience()]);
        if (this.#held.get(partition) === held) await this.giveBack(partition);
      } catch (error) {
        // the lease expires by itself
        this.#lose(partition);
        if (!(error instanceof Conflict)) this.#events.fault(error);
      }
    })();
    return held.moving;
  }

  /** A partition whose module hangs moves after this time like one after a crash. */
  #patience = (): Promise<void> => pause(drainLeases * this.#broker.leaseMs, undefined, { ref: false });
}

/** Reads what a gateway says of itself. It comes from outside. */
function mostOf(value: string): { most?: number } {
  try {
    const { most } = JSON.parse(value) as { most?: unknown };
    return typeof most === 'number' && Number.isInteger(most) && most >= 0 ? { most } : {};
  } catch {
    return {};
  }
}
