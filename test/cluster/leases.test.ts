/**
 * Leases of gateways that nothing disturbs: they ask the broker for renewals alone, three in `leaseMs`, and
 * hold every partition once. One that joins is given one partition after the other.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Leases } from '../../host/gateway/cluster/leases.ts';
import { codeOf } from '../host/helpers.ts';
import { MemoryBroker, Site } from './memory-broker.ts';

const [partitions, leaseMs, leases] = [8, 300, 8];

/** Leases of a gateway. What it tells of itself changes with each renewal, and is no news. */
function leasesOf(site: Site, id: string, faults: unknown[], drain = async () => {}): Leases {
  const events = {
    gained: () => {},
    lost: () => {},
    drain,
    fault: (error: unknown) => faults.push(error),
    about: () => ({ atMs: performance.now() }),
  };
  return new Leases(new MemoryBroker(site, id), id, events);
}

test('gateways at rest renew what they have, and do no more', async () => {
  const site = new Site(partitions, leaseMs);
  const faults: unknown[] = [];
  const members = ['a', 'b', 'c'].map((id) => leasesOf(site, id, faults));
  for (const one of members) await one.start();
  const held = () => members.flatMap((one) => one.held).sort((a, b) => a - b);
  for (let tries = 0; tries < 40 && held().length < partitions; tries++) await pause(leaseMs / 4);
  // a gateway is given one partition after the other, at least three in a lease, until each has its share
  await pause((partitions / 3 + 1) * leaseMs);
  const before = site.operations;
  await pause(leases * leaseMs);
  const operations = site.operations - before;
  for (const one of members) one.end();
  assert.equal(faults, []);
  assert.equal(
    held(),
    Array.from({ length: partitions }, (_, i) => i),
  );
  // three turns in a lease, and one at each end of the time
  const most = (3 * leases + 2) * (partitions + members.length);
  assert.ok(operations <= most, `${operations} operations; ${most} are enough`);
});

test('a gateway that joins is given one partition after the other', async () => {
  // on a busy machine, short leases expire, and partitions move back and forth
  const slowMs = 5 * leaseMs;
  const site = new Site(partitions, slowMs);
  const faults: unknown[] = [];
  let [drains, most] = [0, 0];
  const drain = async () => {
    most = Math.max(most, ++drains);
    await pause(slowMs / 20);
    drains--;
  };
  const members = ['a', 'b'].map((id) => leasesOf(site, id, faults, drain));
  for (const one of members) await one.start();
  const isShared = () => members.every(({ held, duty }) => held.length > 0 && `${held}` === `${duty.share}`);
  for (let tries = 0; tries < 80 && !isShared(); tries++) await pause(slowMs / 4);
  assert.ok(isShared(), JSON.stringify(members.map(({ held, duty }) => [held, duty.share])));
  most = 0;
  const guest = leasesOf(site, 'c', faults);
  await guest.start();
  const share = () => guest.duty.share.length;
  for (let tries = 0; tries < 40 && (share() === 0 || guest.held.length < share()); tries++) await pause(slowMs / 4);
  for (const one of [...members, guest]) one.end();
  assert.equal(faults, []);
  assert.is(guest.held.length, share());
  assert.ok(share() > 1, 'it was to have one partition alone');
  assert.is(most, 1);
});

test('a name that another gateway has is refused; that of a run that crashed is not', async () => {
  const site = new Site(partitions, leaseMs);
  const faults: unknown[] = [];
  const [first, second, later] = [0, 1, 2].map(() => leasesOf(site, 'a', faults)) as [Leases, Leases, Leases];
  await first.start();
  assert.is(await codeOf(() => second.start()), 'RN923');
  assert.is(first.held.length, partitions);
  assert.equal(second.held, []);
  first.end();
  await later.start();
  for (let tries = 0; tries < 40 && later.held.length < partitions; tries++) await pause(leaseMs / 4);
  assert.is(later.held.length, partitions);
  later.end();
  assert.equal(faults, []);
});

test.run();
