/**
 * A cluster of real gateways with a real nats-server: gateways are killed, come and go, the server is killed,
 * and one gateway is cut off. Every output of every stream is stored once, with the bytes of a run without
 * interruption.
 *
 * RUNLET_CLUSTER_SECONDS of signal at its rate, RUNLET_CLUSTER_STREAMS streams of ppg-hr and har, and as many
 * faults as time allows: a kill every 9 s, the server every 100 s, a visitor every 48 s; the cut takes
 * a quarter of the time (`npm run soak -- cluster`: 1,200 s, 300 streams).
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClusterStatus } from '../../host/gateway/cluster/cluster.ts';
import type { Health } from '../../host/gateway/cluster/watch.ts';
import { differenceOf, storedOutputs, uninterrupted } from '../../scripts/cluster/audit.ts';
import { Device } from '../../scripts/cluster/devices.ts';
import { Member } from '../../scripts/cluster/member.ts';
import { NatsServer, natsProgram, noNats } from '../../scripts/cluster/nats-server.ts';
import { type Kind, prepare } from '../../scripts/cluster/prepare.ts';
import { randomOf } from '../host/helpers.ts';

const seconds = Number(process.env.RUNLET_CLUSTER_SECONDS ?? 24);
const streams = Number(process.env.RUNLET_CLUSTER_STREAMS ?? 12);
const seed = Number(process.env.RUNLET_SEED ?? 20261202);
const random = randomOf(seed);
const [site, partitions, leaseMs] = ['lab', 16, 2000];
const folder = mkdtempSync(join(tmpdir(), 'runlet-cluster-'));
const started: Member[] = [];
const member = (id: string, nats: string): Member => {
  const one = new Member(id, folder, { nats, site, partitions, leaseMs });
  started.push(one);
  return one;
};
test.after(async () => {
  for (const one of started) await one.end('SIGKILL');
  rmSync(folder, { recursive: true });
});

type Line = Awaited<ReturnType<typeof cutable>>;

/** A way to the server that can be cut. */
async function cutable(port: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    const to = connectTcp(port, '127.0.0.1');
    for (const one of [socket, to]) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => sockets.delete(one));
    }
    // a cut line swallows bytes: nobody is told
    socket.on('data', (part) => isCut || to.write(part)).on('close', () => to.destroy());
    to.on('data', (part) => isCut || socket.write(part)).on('close', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Disturbs a cluster for its time. @returns how often, by what */
async function disturb(server: NatsServer, line: Line, members: readonly Member[]) {
  const guest = member('guest', server.url);
  const count = { kills: 0, restarts: 0, joins: 0, leaves: 0, cutMs: 0 };
  const begunMs = performance.now();
  const isOver = () => performance.now() - begunMs > 1000 * seconds;
  const every = async (s: number, run: () => Promise<void>) => {
    for (await pause(500 * s * (0.5 + random(1000) / 1000)); !isOver(); await pause(1000 * s * (0.5 + random(1000) / 1000)))
      await run();
  };
  const kill = async () => {
    // the third one is cut off, and does not also die
    const one = members[random(2)] as Member;
    await one.end('SIGKILL');
    count.kills++;
    await one.start();
  };
  const restart = async () => {
    await server.kill();
    await pause(300 + random(700));
    await server.start();
    count.restarts++;
  };
  const visit = async () => {
    await guest.start();
    count.joins++;
    await pause(2 * leaseMs);
    assert.is(await guest.end('SIGTERM'), 0, guest.errors);
    count.leaves++;
  };
  const cutOff = async () => {
    await pause(250 * seconds);
    // the server may just have been away
    for (let tries = 0; tries < 20 && (await (members[2] as Member).held()).length === 0; tries++) await pause(leaseMs / 4);
    const before = await (members[2] as Member).held();
    line.cut();
    const cutMs = Math.max(3 * leaseMs, 250 * seconds);
    await pause(1.5 * leaseMs);
    assert.equal(await (members[2] as Member).held(), [], 'a gateway that is cut off still holds partitions');
    assert.match(await healthOf(members[2] as Member), /^503 cut off/);
    await pause(cutMs - 1.5 * leaseMs);
    line.mend();
    count.cutMs += cutMs;
    assert.ok(before.length > 0, 'it held nothing before it was cut off');
  };
  await Promise.all([every(9, kill), every(Math.min(100, seconds), restart), every(Math.min(48, seconds), visit), cutOff()]);
  return count;
}

/** Waits until no further output comes, or long enough. @returns the number of outputs, and what is wrong. */
async function settled(nats: NatsConnection, devices: readonly Device[]): Promise<{ wrong: string[]; last: number }> {
  let last = -1;
  const { streams } = await jetstreamManager(nats);
  for (let still = 0, tries = 0; still < 3 * leaseMs && tries < 300; tries++) {
    const { state } = await streams.info(`RUNLET_${site}_OUTPUTS`);
    still = state.messages === last ? still + leaseMs / 2 : 0;
    last = state.messages;
    await pause(leaseMs / 2);
  }
  const outputs = await storedOutputs(nats, site);
  const wrong: string[] = [];
  for (const { name, kind, frames, sent } of devices) {
    const [want, got] = [await uninterrupted(kind.wasm, frames(0, sent)), outputs.get(name) ?? []];
    const found = differenceOf(name, want, got);
    if (found) wrong.push(JSON.stringify(found));
    if (got.length > want.length) wrong.push(`${name}: ${got.length} outputs, ${want.length} are wanted`);
  }
  return { wrong, last };
}

/** Returns the answer to a request; undefined if there is none. */
const answered = (one: Member, path: string) => fetch(`${one.url}${path}`).catch(() => undefined);

/** Status of /readyz, and what is wrong. */
async function healthOf(one: Member): Promise<string> {
  const found = await answered(one, '/readyz');
  return found ? `${found.status} ${((await found.json()) as { cluster: Health }).cluster.faults.join()}` : 'no answer';
}

/** Waits until each gateway counts what the devices sent, over the whole cluster, and is ready. */
async function balanced(members: readonly Member[], ticks: number): Promise<void> {
  for (const one of members) {
    let [sum, health]: [ClusterStatus['sum'] | undefined, string] = [undefined, ''];
    const isDone = () => sum?.settled && sum.balances && sum.books.received === ticks && health === '200 ';
    for (let tries = 0; tries < 240 && !isDone(); tries++) {
      await pause(leaseMs / 8);
      const found = await answered(one, '/v1/cluster');
      if (found?.ok) ({ sum } = (await found.json()) as ClusterStatus);
      health = await healthOf(one);
    }
    assert.ok(isDone(), `${one.id}: ${ticks} ticks were sent, ${JSON.stringify(sum)}; ${health}; ${one.errors}`);
  }
}

async function scenario(): Promise<void> {
  const kinds = await prepare(folder);
  const server = await NatsServer.begin();
  const line = await cutable(server.port);
  const members = [member('a', server.url), member('b', server.url), member('c', line.url)];
  await Promise.all(members.map((one) => one.start()));
  const nats = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const devices = Array.from({ length: streams }, (_, i) => new Device(kinds[i % 2] as Kind, i, site, partitions));
  const quit = new AbortController();
  const sending = devices.map(async (one, i) => {
    await pause((1000 * i) / streams);
    await one.run(jetstream(nats), quit.signal);
  });
  const count = await disturb(server, line, members);
  quit.abort();
  await Promise.all(sending);
  const wanted = devices.map((one) => one.sent).reduce((a, b) => a + b, 0);
  const { wrong, last } = await settled(nats, devices);
  console.log(`  ${streams} streams, ${wanted} ticks, ${last} outputs; ${JSON.stringify(count)}`);
  assert.equal(wrong, [], members.map(({ errors }) => errors).join('\n'));
  // one that was just started takes its share from the others
  const every = JSON.stringify(Array.from({ length: partitions }, (_, i) => i));
  let held = '';
  for (let tries = 0; tries < 60 && held !== every; tries++) {
    await pause(leaseMs / 4);
    held = JSON.stringify((await Promise.all(members.map((one) => one.held()))).flat().sort((a, b) => a - b));
  }
  assert.is(held, every);
  await balanced(members, wanted);
  assert.ok(count.kills > 0 && count.restarts > 0 && count.joins > 0, JSON.stringify(count));
  for (const one of members) assert.is(await one.end('SIGTERM'), 0, one.errors);
  await nats.close();
  line.close();
  await server.end();
}

console.log(`  seed ${seed}, ${seconds} s`);
if (natsProgram) test('every output once and with the right bytes, whatever is killed, cut off, or comes and goes', scenario);
else console.log(noNats);

test.run();
