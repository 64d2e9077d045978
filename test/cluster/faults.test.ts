/**
 * Two gateways of a cluster, one of which fails at an operation of the broker: an error, a lost answer, a
 * late answer, a crash, at every operation; and at random pairs of them. Every output is stored once, in
 * order, with the bytes of a run without interruption. No gateway stores one after its successor did.
 *
 * RUNLET_CLUSTER_FAULTS random pairs (`npm run soak -- cluster-faults`: 5,000).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../../host/gateway/cluster/cluster.ts';
import { sharesOf } from '../../host/gateway/cluster/shares.ts';
import type { Gateway } from '../../host/gateway/gateway.ts';
import { valuesOf } from '../../host/gateway/hub/values.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import type { Loaded } from '../../host/gateway/worker/pool.ts';
import { maxOf } from '../../models/lists.ts';
import { bytesOf, expected, signal } from '../gateway/bundles.ts';
import { randomOf } from '../host/helpers.ts';
import { type Member, openGateways } from './gateways.ts';
import { type Fault, MemoryBroker, Site } from './memory-broker.ts';

const pairs = Number(process.env.RUNLET_CLUSTER_FAULTS ?? 100);
const seed = Number(process.env.RUNLET_SEED ?? 20261202);
console.log(`  seed ${seed}, ${pairs} pairs of faults`);

const faults: Fault[] = ['fails', 'unanswered', 'crash', 'crash after', 'late'];
const [partitions, leaseMs, streams, ticks, messageTicks] = [2, 300, 3, 48, 3];
/** Scenarios at a time. */
const atOnce = 24;

const gateways = await openGateways(2);

let scenarios = 0;
/** Operations of a run without a fault, which the first test counts. */
let operations = 0;

/** Runs two gateways at a site, and starts those that crash again. @returns their errors, and an end. */
function gatewaysOf(site: Site): { errors: string[]; end(): void } {
  const members: Member[] = [];
  const errors: string[] = [];
  let isOver = false;
  const start = async (which: number): Promise<void> => {
    if (isOver) return;
    const intake = new Intake(gateways[which] as Gateway, { maxLagMs: 1e6, maxWaitingHops: 1e6 });
    const id = `g${which}`;
    const log = (level: string, about: object, what: string) => {
      const { err } = about as { err?: Error };
      if (level === 'error') errors.push(`${what}: ${err?.message}`);
    };
    const broker = new MemoryBroker(site, id);
    const cluster = new Cluster(broker, intake, { id, recordOutputs: 4, recordMs: 60, log });
    members[which] = { broker, intake, cluster };
    // a gateway that cannot join is started again, as a service is
    const hasJoined = await cluster.join().then(
      () => true,
      () => false,
    );
    if (hasJoined || broker.isDead) return;
    intake.close();
    await start(which);
  };
  site.crashed = (broker) => {
    const which = members.findIndex((one) => one?.broker === broker);
    const { cluster, intake } = members[which] as Member;
    // a process that has ended sends and keeps nothing: the broker no longer answers it
    cluster.end();
    intake.close();
    setTimeout(() => void start(which), 20);
  };
  void start(0);
  void start(1);
  const end = () => {
    isOver = true;
    for (const { broker } of members) broker.isDead = true;
    for (const { cluster, intake } of members) {
      cluster.end();
      intake.close();
    }
  };
  return { errors, end };
}

/** Runs a scenario. @returns the number of operations @throws if an output is lost, repeated or different */
async function scenario(chosen: [operation: number, fault: Fault][], text: string): Promise<number> {
  const number = scenarios++;
  const site = new Site(partitions, leaseMs);
  site.faults = new Map(chosen);
  const { errors, end } = gatewaysOf(site);
  const names = Array.from({ length: streams }, (_, i) => `x${number}-${i}`);
  for (let at = 0; at < ticks; at += messageTicks) {
    for (const [i, name] of names.entries())
      site.send(name, writeFrames({ from: at, bytes: bytesOf(signal(i, at, messageTicks)) }));
    await pause(8);
  }
  const want = names.map((_, i) => expected(i, ticks));
  const isDone = () => names.every((name, i) => (site.outputs.get(name)?.length ?? 0) >= (want[i] as Int8Array[]).length);
  for (let waited = 0; !isDone() && waited < 200; waited++) await pause(leaseMs / 10);
  const operations = site.operations;
  end();
  const about = `${text} ${JSON.stringify(chosen)}; ${errors.slice(0, 5).join('; ')}`;
  assert.equal(site.broken, [], about);
  for (const [i, name] of names.entries()) {
    const got = (site.outputs.get(name) ?? []).map(({ bytes, sequence }) => ({
      sequence,
      values: [...readOutput(bytes).values],
    }));
    const { manifest } = (gateways[0] as Gateway).find('main').active as Loaded;
    const reals = (want[i] as Int8Array[]).map((raw, sequence) => ({
      sequence,
      values: [...(valuesOf(manifest, raw)[0] ?? [])],
    }));
    assert.is(got.length, reals.length, `${name}: outputs. ${about}`);
    assert.equal(
      got.map(({ sequence }) => sequence),
      reals.map(({ sequence }) => sequence),
      `${name}: numbers. ${about}`,
    );
    assert.equal(
      got.map(({ values }) => values),
      reals.map(({ values }) => values),
      `${name}: values. ${about}`,
    );
  }
  return operations;
}

async function all(list: [number, Fault][][], text: string): Promise<void> {
  const next = list.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const chosen of next) await scenario(chosen, text);
    }),
  );
}

test('without a fault; then a fault at every operation', async () => {
  operations = await scenario([], 'no fault');
  // CI takes every n-th operation, another one each day
  const step = Math.max(1, Math.round((operations * faults.length) / pairs));
  const every = Array.from({ length: operations }, (_, k) => faults.map((fault): [number, Fault][] => [[k, fault]])).flat();
  await all(
    every.filter((_, i) => i % step === seed % step),
    'one fault',
  );
  console.log(`  ${operations} operations, ${Math.ceil(every.length / step)} faults`);
});

test('two faults at random operations', async () => {
  const random = randomOf(seed);
  // a run with a fault has more operations than one without
  const one = (): [number, Fault] => [random(2 * operations), faults[random(faults.length)] as Fault];
  await all(
    Array.from({ length: pairs }, () => [one(), one()]),
    'two faults',
  );
});

test('shares: all partitions, none with more than its room, and few move when a gateway goes', () => {
  const random = randomOf(seed);
  for (let run = 0; run < 200; run++) {
    const count = 1 + random(64);
    const members = Array.from({ length: 1 + random(9) }, (_, i) => ({ id: `g${i}${run}` }));
    const shares = sharesOf(count, members);
    assert.is(shares.size, count);
    const room = Math.ceil((1.25 * count) / members.length);
    const loads = members.map(({ id }) => [...shares.values()].filter((one) => one === id).length);
    assert.ok(maxOf(loads) <= room, `${loads} of ${room}`);
    assert.equal([...sharesOf(count, [...members].reverse())], [...shares], 'the order of the gateways counts');
    if (members.length === 1) continue;
    const gone = members[0] as { id: string };
    const after = sharesOf(count, members.slice(1));
    const moved = [...shares].filter(([partition, id]) => id !== gone.id && after.get(partition) !== id).length;
    // with more room for each, a partition moves only if an earlier one had taken its place
    assert.ok(moved <= count / 2, `${moved} of ${count} moved between gateways that stay`);
  }
  assert.is(sharesOf(4, []).size, 0);
  const busy = sharesOf(8, [{ id: 'a', most: 1 }, { id: 'b' }]);
  assert.ok([...busy.values()].filter((id) => id === 'a').length <= 4, 'a gateway that is behind takes more than its room');
});

test.run();
