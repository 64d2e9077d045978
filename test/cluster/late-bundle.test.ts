/**
 * A gateway without the bundle of a slot takes over its streams: they wait, and once the bundle has come they
 * continue from their records. The broker is in memory.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../../host/gateway/cluster/cluster.ts';
import type { Gateway } from '../../host/gateway/gateway.ts';
import { valuesOf } from '../../host/gateway/hub/values.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import type { Loaded } from '../../host/gateway/worker/pool.ts';
import { bundleOf, bytesOf, expected, hop, signal } from '../gateway/bundles.ts';
import { openGateways } from './gateways.ts';
import { MemoryBroker, Site } from './memory-broker.ts';

const leaseMs = 300;
const [before, after] = await openGateways(2);
const site = new Site(1, leaseMs);
const faults: string[] = [];

function clusterOf(gateway: Gateway, id: string): { cluster: Cluster; intake: Intake } {
  const intake = new Intake(gateway, { maxLagMs: 1e6, maxWaitingHops: 1e6 });
  const log = (level: string, about: object) => {
    if (level === 'error') faults.push((about as { err?: Error }).err?.message ?? '');
  };
  const cluster = new Cluster(new MemoryBroker(site, id), intake, { id, recordOutputs: 4, recordMs: 40, log });
  test.after(() => {
    cluster.end();
    intake.close();
  });
  return { intake, cluster };
}

/** Gives a gateway a bundle in a second slot. */
async function addSlot(gateway: Gateway): Promise<void> {
  const { wasm, digest } = await bundleOf(1);
  await gateway.receive(wasm, digest, 'two');
  assert.is((await gateway.try('two', { enduranceHops: 8, latencyMs: 1e5 })).phase, 'confirmed');
}

const name = 'two=late-0';
const send = (from: number, ticks: number) => site.send(name, writeFrames({ from, bytes: bytesOf(signal(1, from, ticks)) }));

async function storedOf(count: number): Promise<number[][]> {
  const stored = () => site.outputs.get(name) ?? [];
  for (let tries = 0; tries < 200 && stored().length < count; tries++) await pause(leaseMs / 20);
  return stored().map(({ bytes }) => [...readOutput(bytes).values]);
}

test('a stream whose bundle comes later than its partition goes on where its record ends', async () => {
  const [first, second] = [before as Gateway, after as Gateway];
  await addSlot(first);
  const ticks = 12 * hop;
  const want = expected(1, 2 * ticks);
  const half = expected(1, ticks).length;
  const one = clusterOf(first, 'one');
  await one.cluster.join();
  send(0, ticks);
  assert.is((await storedOf(half)).length, half);
  await one.cluster.leave();
  one.intake.close();

  const two = clusterOf(second, 'two');
  await two.cluster.join();
  send(ticks, ticks);
  await pause(2 * leaseMs);
  assert.is((await storedOf(half)).length, half, 'a gateway without the bundle gave an output');
  assert.ok(
    faults.some((text) => text.includes('RN846')),
    `it does not say what it waits for: ${faults}`,
  );
  await addSlot(second);
  const { manifest } = second.find('two').active as Loaded;
  const reals = want.map((raw) => [...(valuesOf(manifest, raw)[0] ?? [])]);
  assert.equal(await storedOf(want.length), reals);
  await two.cluster.leave();
  two.intake.close();
});

test.run();
