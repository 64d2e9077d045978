/**
 * Books of a cluster: after joins, leaves and crashes, the sum over its gateways is what the devices sent,
 * and what one sequencer for each stream counts. Streams that rest are in it.
 *
 * RUNLET_CLUSTER_BOOKS histories. The broker is in memory.
 */
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addBooks, type Books, balances, noBooks } from '../../host/gateway/cluster/books.ts';
import { Cluster } from '../../host/gateway/cluster/cluster.ts';
import type { Gateway } from '../../host/gateway/gateway.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { Sequencer } from '../../host/gateway/streams/sequencer.ts';
import { writeFrames } from '../../host/gateway/streams/wire.ts';
import { bytesOf, channels, hop, signal } from '../gateway/bundles.ts';
import { type Member, openGateways } from './gateways.ts';
import { MemoryBroker, Site } from './memory-broker.ts';

const numRuns = Number(process.env.RUNLET_CLUSTER_BOOKS ?? 6);
const seed = Number(process.env.RUNLET_SEED ?? Date.now() % 1e6);
console.log(`  RUNLET_SEED=${seed}, ${numRuns} histories`);

const [partitions, leaseMs] = [4, 300];
const rules = { gap: 'hold' as const, gapLimitTicks: 20, reorderTicks: hop, late: 'drop' as const };
const roomy = { ...rules, reorderMs: 1e6, maxLagMs: 1e6, maxWaitingHops: 1e6 };

const gateways = await openGateways(3, { pool: { threads: 1, budgetMs: 60_000 } });

/** Gateways of a site that come, go and crash. */
class Members {
  readonly errors: string[] = [];
  #site: Site;
  #idleMs: number;
  #members = new Map<number, Member>();
  #turns = new Map<number, Promise<void>>();

  constructor(site: Site, idleMs: number) {
    [this.#site, this.#idleMs] = [site, idleMs];
  }

  get any(): Cluster | undefined {
    return [...this.#members.values()][0]?.cluster;
  }

  /** A process joins and leaves one after the other. */
  #turn(which: number, run: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(which) ?? Promise.resolve()).then(run);
    this.#turns.set(which, turn);
    return turn;
  }

  join = (which: number): Promise<void> => this.#turn(which, () => this.#join(which));
  leave = (which: number): Promise<void> => this.#turn(which, () => this.#leave(which));

  async #join(which: number): Promise<void> {
    if (this.#members.has(which)) return;
    const intake = new Intake(gateways[which] as Gateway, roomy);
    const broker = new MemoryBroker(this.#site, `g${which}`);
    const log = (level: string, about: object, what: string) => {
      if (level === 'error') this.errors.push(`${what}: ${(about as { err?: Error }).err?.message}`);
    };
    const options = { id: broker.id, recordOutputs: 4, recordMs: 40, idleMs: this.#idleMs, log };
    const cluster = new Cluster(broker, intake, options);
    this.#members.set(which, { broker, intake, cluster });
    await cluster.join();
  }

  async #leave(which: number): Promise<void> {
    const { cluster, intake } = this.#members.get(which) ?? {};
    this.#members.delete(which);
    await cluster?.leave();
    intake?.close();
  }

  /** Ends a gateway that tells nobody: the broker no longer answers it. */
  crash(which: number): void {
    const member = this.#members.get(which);
    if (!member) return;
    this.#members.delete(which);
    member.broker.isDead = true;
    // what it waits for never comes
    this.#turns.delete(which);
    member.cluster.end();
    member.intake.close();
  }
}

type History = typeof history extends fc.Arbitrary<infer T> ? T : never;
const history = fc.record({
  idleMs: fc.constantFrom(120, 600_000),
  streams: fc.array(
    fc.array(
      fc.record({
        ticks: fc.integer({ min: 1, max: 2 * hop }),
        fate: fc.constantFrom('sent', 'sent', 'sent', 'lost', 'twice', 'late'),
      }),
      { minLength: 12, maxLength: 60 },
    ),
    { minLength: 5, maxLength: 5 },
  ),
  events: fc.array(
    fc.record({ at: fc.nat(40), which: fc.nat(2), what: fc.constantFrom('join', 'leave', 'crash') }),
    { minLength: 4, maxLength: 8 }, // biome-ignore format: one line
  ),
});

/** The messages of a stream in the order in which they arrive; late ones come four messages later. */
function arrivals(messages: { ticks: number; fate: string }[]): { from: number; ticks: number }[] {
  // the first one is where the stream begins
  const out: { from: number; ticks: number; at: number }[] = [{ from: 0, ticks: hop, at: -1 }];
  let from = hop;
  for (const [i, { ticks, fate }] of messages.entries()) {
    const one = { from, ticks, at: fate === 'late' ? i + 4.5 : i };
    from += ticks;
    if (fate !== 'lost') out.push(one);
    if (fate === 'twice') out.push(one);
  }
  out.sort((a, b) => a.at - b.at);
  // the last ones are in order, so nothing waits
  return [...out, ...[0, 1, 2].map((i) => ({ from: from + i * hop, ticks: hop }))];
}

/** Returns what one sequencer counts, checked with what was sent. */
function wanted(messages: { from: number; ticks: number }[]): Books {
  const tickBytes = channels;
  const sequencer = new Sequencer({ ...rules, tickBytes, zeroTick: new Uint8Array(tickBytes) });
  for (const { from, ticks } of messages) sequencer.push({ from, bytes: new Uint8Array(ticks * tickBytes) });
  const { counts, heldTicks: held } = sequencer;
  const [first, last] = [messages[0], messages.at(-1)] as [{ from: number }, { from: number; ticks: number }];
  assert.is(
    counts.received,
    messages.reduce((sum, { ticks }) => sum + ticks, 0),
  );
  assert.is(counts.delivered + counts.lost, last.from + last.ticks - first.from, 'every number is delivered or lost');
  return { ...counts, held };
}

const seen = { join: 0, leave: 0, crash: 0, resting: 0 };

/** Runs a history. @throws if the sum is not what was sent */
async function scenario({ idleMs, streams, events }: History, run: number): Promise<void> {
  const site = new Site(partitions, leaseMs);
  const members = new Members(site, idleMs);
  try {
    await members.join(run % 3);
    const sending = streams.map(arrivals);
    const want = noBooks();
    for (const one of sending) addBooks(want, wanted(one));
    const going: Promise<void>[] = [];
    for (let at = 0; sending.some((one) => at < one.length); at++) {
      for (const [i, one] of sending.entries()) {
        const { from, ticks } = one[at] ?? { from: 0, ticks: 0 };
        if (ticks > 0) site.send(`k${run}-${i}`, writeFrames({ from, bytes: bytesOf(signal(i, from, ticks)) }));
      }
      for (const { which, what } of events.filter((event) => event.at === at)) {
        seen[what as 'join']++;
        if (what === 'crash') members.crash(which);
        else going.push(members[what as 'join'](which));
      }
      await pause(12);
    }
    // a gateway that crashed while it came or went never answers
    await Promise.race([Promise.all(going), pause(8 * leaseMs)]);
    await members.join(run % 3);
    let status = (members.any as Cluster).status();
    const isDone = () => status.sum.settled && status.sum.books.received === want.received;
    for (let waited = 0; waited < 1000 && !isDone(); waited++) {
      await pause(leaseMs / 6);
      status = (members.any as Cluster).status();
      assert.ok(status.sum.balances, 'in between');
    }
    const about = `run ${run}: ${members.errors.slice(0, 5).join('; ')}`;
    assert.ok(status.sum.settled, `not settled. ${about} ${JSON.stringify(status)}`);
    assert.equal(status.sum.books, want, about);
    assert.ok(balances(want) && status.sum.balances, about);
    assert.equal(status.alarms, [], about);
    seen.resting += streams.length - status.sum.streams;
  } finally {
    for (const which of [0, 1, 2]) members.crash(which);
  }
}

test('the sum over a cluster balances, and is what the devices sent, after joins, leaves and crashes', async () => {
  // a history is not made smaller: most of its time is that of leases
  for (const [run, one] of fc.sample(history, { seed, numRuns }).entries()) await scenario(one, run);
  console.log(`  ${JSON.stringify(seen)}`);
});

test.run();
