/**
 * Cluster: makes a gateway one of several that share the streams of a site.
 *
 * In: a broker, a gateway with its intake.  Out: its partitions run while it holds their leases; `status`.
 * Rule: a gateway without a bundle takes no partition. One that stays behind takes one partition less than it
 * has, so one moves to another gateway.
 */
import type { Gateway } from '../gateway.ts';
import type { Intake } from '../streams/intake.ts';
import { addBooks, noBooks } from './books.ts';
import { type Broker, Conflict } from './broker.ts';
import { Leases } from './leases.ts';
import { alarmsOf, memberOf, sumOf } from './overview.ts';
import { defaultPartition, type Owners, Partition, type PartitionOptions } from './partition.ts';
import { maxVersions, readSummary, type Summary, shortText } from './summary.ts';
import { type Health, Watch } from './watch.ts';

export interface ClusterOptions extends Partial<PartitionOptions> {
  /** Name of this gateway, unique in its site. */
  id: string;
  log(level: 'info' | 'warn' | 'error', about: object, text: string): void;
}

/** State of a cluster as one of its gateways sees it. */
export type ClusterStatus = ReturnType<Cluster['status']>;

/**
 * Beats, three in `leaseMs`, after which a gateway that is behind gives a partition away, and after which one
 * that is not takes all again. Choices.
 */
const [behindBeats, calmBeats] = [9, 90];

export class Cluster {
  readonly leases: Leases;
  #broker: Broker;
  #intake: Intake;
  #options: ClusterOptions;
  #partitions = new Map<number, Partition>();
  #owners: Owners = new Map();
  #stops: (() => void)[] = [];
  #moves = { taken: 0, left: 0, failed: 0 };
  /** Beats in a row that this gateway has been behind; negative: that it has not been. */
  #behind = 0;
  #watch: Watch;

  constructor(broker: Broker, intake: Intake, options: ClusterOptions) {
    [this.#broker, this.#intake, this.#options] = [broker, intake, options];
    const { log, id } = options;
    const fault = (error: unknown) => log('error', { err: error }, 'fault');
    this.#watch = new Watch(broker.partitions, broker.leaseMs);
    this.leases = new Leases(broker, id, {
      gained: (lease) => {
        const { partition: number } = lease;
        log('info', { partition: number }, 'takes a partition');
        this.#moves.taken++;
        const failed = (error: unknown) => {
          this.#moves.failed++;
          this.#watch.failed(number);
          const text = error instanceof Conflict ? 'another gateway writes to this partition' : 'a partition has failed';
          log('error', { partition: number, err: error }, text);
          this.leases.giveBack(number).catch(fault);
        };
        const all = { ...defaultPartition, ...options };
        this.#partitions.set(number, new Partition(lease, broker, this.#intake, all, { fault, failed }, this.#owners));
      },
      lost: (number) => {
        log('info', { partition: number }, 'leaves a partition');
        this.#moves.left++;
        this.#drop(number);
      },
      drain: async (number) => this.#partitions.get(number)?.drain(),
      fault,
      about: () => this.#summary(),
    });
    const beat = setInterval(() => {
      this.#weigh();
      this.#look();
    }, broker.leaseMs / 3).unref();
    this.#stops.push(
      () => clearInterval(beat),
      this.#gateway.events.on('output', (output) => this.#owners.get(output.stream)?.output(output)),
    );
  }

  /** Takes part from here on. @throws what the broker does; the cluster has ended then */
  async join(): Promise<void> {
    this.#weigh();
    try {
      await this.leases.start();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  get #gateway(): Gateway {
    return this.#intake.gateway;
  }

  /** Decides how many partitions this gateway takes. */
  #weigh(): void {
    const { leases } = this;
    if (![...this.#gateway.slots.values()].some(({ active }) => active)) {
      leases.most = 0;
      return;
    }
    const isBehind = this.#gateway.lagMs > this.#intake.options.maxLagMs / 2;
    this.#behind = isBehind ? Math.max(0, this.#behind) + 1 : Math.min(0, this.#behind) - 1;
    if (leases.most === 0 || this.#behind <= -calmBeats) leases.most = undefined;
    if (this.#behind < behindBeats) return;
    this.#behind = 0;
    leases.most = Math.max(1, leases.held.length - 1);
    this.#options.log('warn', { most: leases.most }, 'is behind, and takes fewer partitions');
  }

  #look(): void {
    const { id, held, view, duty } = this.leases;
    this.#watch.see({ id, held, owners: view.owners, ...duty });
  }

  /** What the other gateways are told of this one. */
  #summary(): Omit<Summary, 'most'> {
    const books = noBooks();
    const held: Summary['held'] = [];
    let refused = 0;
    for (const one of this.#partitions.values()) {
      const { books: its, isComplete } = one.books;
      addBooks(books, its);
      held.push([one.number, one.streams, one.lag, isComplete ? 1 : 0]);
      refused += one.refused;
    }
    const versions = [...this.#gateway.slots].flatMap(([slot, { state }]): Summary['versions'] => {
      if (!state.active) return [];
      const { name, version, digest } = state.active;
      return [[slot, shortText(name), shortText(version), digest.slice(0, 12)]];
    });
    const { failing } = this.#watch;
    return { held, versions: versions.slice(0, maxVersions), moves: { ...this.#moves }, failed: failing, refused, books };
  }

  /** Whether this gateway holds what it should. */
  health(): Health {
    this.#look();
    return this.#watch.health;
  }

  /** Returns the state of the cluster, with the sum of what all gateways report. */
  status() {
    const { leases } = this;
    const [mine, { told, view }] = [this.#summary(), leases];
    const held = [...this.#partitions.values()].map(({ number, streams, lag, refused }) => ({ number, streams, lag, refused }));
    const members = view.members.map(({ id, most }) =>
      memberOf(id, most, id === leases.id ? mine : readSummary(told.get(id) ?? '')),
    );
    const health = this.health();
    const sum = sumOf(this.#broker.partitions, members);
    const alarms = alarmsOf(members, sum, this.#watch.unowned);
    return {
      ...{ id: leases.id, partitions: this.#broker.partitions, members, owners: view.owners },
      ...{ held, moves: mine.moves, health, sum, alarms },
    };
  }

  #drop(partition: number): void {
    this.#partitions.get(partition)?.stop();
    this.#partitions.delete(partition);
  }

  /** Ends without a word to the others: the leases expire. */
  end(): void {
    this.leases.end();
    for (const partition of this.#partitions.keys()) this.#drop(partition);
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Moves all partitions to the other gateways, and ends. */
  async leave(): Promise<void> {
    await this.leases.stop();
    this.end();
    await this.#broker.close();
  }
}
