/**
 * Watch: what is wrong in a cluster for longer than a hand-over takes, as one of its gateways sees it.
 *
 * In: leases, three times in the time of a lease; partitions that have failed.  Out: whether the gateway
 * holds what it should, and partitions that nobody runs.
 * Rule: a partition may be without owner for one lease and a part, as after a crash. A gateway may hold
 * nothing for two leases, because the owner before may need that time to drain. A partition that has failed
 * counts as failed until another gateway has it, or it has run here for two leases.
 */

/** Why a gateway is not ready. */
export type Fault = 'cut off' | 'holds nothing' | 'partition failed';

export interface Health {
  ready: boolean;
  faults: Fault[];
  /** Number of partitions that it holds, and that it should hold. */
  held: number;
  share: number;
}

/** State of the leases at a time. */
export interface Seen {
  id: string;
  held: readonly number[];
  /** Partitions that the shares give to this gateway. */
  share: readonly number[];
  owners: readonly { partition: number; id: string }[];
  /** Time since the latest answer of the broker, in milliseconds. */
  silentMs: number;
}

/** Leases after which a partition without owner is reported, and a gateway is not ready. Choices. */
const [unownedLeases, patientLeases] = [1.5, 2];

export class Watch {
  #partitions: number;
  #leaseMs: number;
  #now: () => number;
  #seen?: Seen;
  /** Times since which partitions have no owner, and at which partitions failed. */
  #unowned = new Map<number, number>();
  #failed = new Map<number, number>();
  #emptyMs?: number;

  constructor(partitions: number, leaseMs: number, now: () => number = () => performance.now()) {
    [this.#partitions, this.#leaseMs, this.#now] = [partitions, leaseMs, now];
  }

  failed(partition: number): void {
    this.#failed.set(partition, this.#now());
  }

  see(seen: Seen): void {
    this.#seen = seen;
    const now = this.#now();
    const [held, owned] = [new Set(seen.held), new Map(seen.owners.map(({ partition, id }) => [partition, id]))];
    for (let partition = 0; partition < this.#partitions; partition++)
      if (held.has(partition) || owned.has(partition)) this.#unowned.delete(partition);
      else if (!this.#unowned.has(partition)) this.#unowned.set(partition, now);
    for (const [partition, atMs] of this.#failed) {
      const elsewhere = !held.has(partition) && (owned.get(partition) ?? seen.id) !== seen.id;
      const runs = held.has(partition) && now - atMs > patientLeases * this.#leaseMs;
      if (elsewhere || runs) this.#failed.delete(partition);
    }
    const isEmpty = seen.share.length > 0 && !seen.share.some((one) => held.has(one));
    this.#emptyMs = isEmpty ? (this.#emptyMs ?? now) : undefined;
  }

  /** Partitions that have failed, and partitions that have had no owner for a time. */
  get failing(): number[] {
    return [...this.#failed.keys()].sort((a, b) => a - b);
  }

  get unowned(): number[] {
    const since = this.#now() - unownedLeases * this.#leaseMs;
    return [...this.#unowned].filter(([, atMs]) => atMs <= since).map(([partition]) => partition);
  }

  get health(): Health {
    const { held = [], share = [], silentMs = Number.POSITIVE_INFINITY } = this.#seen ?? {};
    const faults: Fault[] = [];
    if (silentMs > this.#leaseMs) faults.push('cut off');
    if (this.#emptyMs !== undefined && this.#now() - this.#emptyMs > patientLeases * this.#leaseMs) faults.push('holds nothing');
    if (this.#failed.size > 0) faults.push('partition failed');
    return { ready: faults.length === 0, faults, held: held.length, share: share.length };
  }
}
