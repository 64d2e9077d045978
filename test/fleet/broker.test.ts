/**
 * The embedded broker over raw sockets: half-open clients, lengths of 256 MiB, floods, and packets that no
 * client sends. Each ends at most its own connection. The broker and other clients continue.
 *
 * RUNLET_FLEET_MESSAGES / 25 connections with changed packets (`npm run soak -- fleet`: 4,000).
 */
import { once } from 'node:events';
import mqtt from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Broker, type BrokerLimits, openBroker } from '../../host/gateway/fleet/broker.ts';
import { maxInlineBytes } from '../../host/gateway/fleet/messages.ts';
import { mutate, randomOf } from '../host/helpers.ts';
import { connectPacket, lengthOf, packet, publishPacket, rawSocket, subscribePacket } from './packets.ts';

const connections = Math.ceil(Number(process.env.RUNLET_FLEET_MESSAGES ?? 10_000) / 25);
const seed = Number(process.env.RUNLET_SEED ?? 20261127);

const until = async (what: string, done: () => boolean, seconds = 60): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    assert.ok(wait < seconds * 100, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

async function withBroker(
  limits: Partial<BrokerLimits>,
  run: (broker: Broker) => Promise<void>,
  password?: string,
): Promise<void> {
  const broker = await openBroker({ port: 0, host: '127.0.0.1', limits, ...(password && { password }) });
  try {
    await run(broker);
  } finally {
    await broker.close();
  }
}

/** Connects a client that the broker admits. */
async function letIn(port: number, id: string) {
  const raw = await rawSocket(port);
  raw.socket.write(connectPacket({ id }));
  await until('CONNACK', () => raw.received().length >= 4);
  assert.equal([...raw.received().subarray(0, 4)], [0x20, 2, 0, 0]);
  return raw;
}

/** Checks that messages still go from one client to another. */
async function works({ port }: Broker): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { keepalive: 30 });
  await client.subscribeAsync('runlet/hall/+/reported', { qos: 1 });
  const came = new Promise((resolve) => client.once('message', (_, payload) => resolve(String(payload))));
  await client.publishAsync('runlet/hall/one/reported', 'here', { qos: 1 });
  assert.is(await came, 'here');
  await client.endAsync();
}

const giant = [0xff, 0xff, 0xff, 0x7f];

test('before it is admitted a client may send CONNECT first, and at most 16 KiB', async () =>
  withBroker({ connectMs: 60_000 }, async (broker) => {
    const body = new Uint8Array(20_000);
    const cases: [string, Uint8Array[]][] = [
      ['a CONNECT of 256 MiB', [Uint8Array.from([0x10, ...giant])]],
      ['a CONNECT of 17,000 bytes', [Uint8Array.from([0x10, ...lengthOf(17_000)])]],
      ['a message of 256 MiB first', [Uint8Array.from([0x30, ...giant])]],
      ['a message first', [publishPacket({ topic: 'runlet/a/b/desired' })]],
      ['a length of five bytes', [Uint8Array.from([0x10, 0xff, 0xff, 0xff, 0xff, 1])]],
      ['much behind CONNECT', [Buffer.concat([connectPacket(), publishPacket({ topic: 'runlet/a', payload: body })])]],
    ];
    for (const [what, parts] of cases) {
      const { socket, ended } = await rawSocket(broker.port);
      for (const part of parts) socket.write(part);
      await Promise.race([
        ended,
        new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: still open`)), 20_000).unref()),
      ]);
    }
    await until('all are gone', () => broker.counts().connections === 0);
    await works(broker);
  }));

test('a half-open client is cut off in time and does not keep others out', async () => {
  await withBroker({ connectMs: 300, waiting: 1000 }, async (broker) => {
    const silent = await Promise.all(Array.from({ length: 20 }, () => rawSocket(broker.port)));
    for (const [i, { socket }] of silent.entries()) socket.write(connectPacket().subarray(0, i % 14));
    await Promise.all(silent.map(({ ended }) => ended));
    await until('all are gone', () => broker.counts().connections === 0);
  });
  await withBroker({ connectMs: 600_000, waiting: 8 }, async (broker) => {
    const silent = await Promise.all(Array.from({ length: 60 }, () => rawSocket(broker.port)));
    await until('the oldest make room', () => broker.counts().connections <= 8);
    await works(broker);
    for (const { socket } of silent) socket.destroy();
  });
});

test('the number of connections is limited', async () =>
  withBroker({ connections: 10 }, async (broker) => {
    const inside = await Promise.all(Array.from({ length: 10 }, (_, i) => letIn(broker.port, `c${i}`)));
    await (await rawSocket(broker.port)).ended;
    assert.is(broker.counts().connections, 10);
    for (const { socket } of inside) socket.destroy();
    await until('they are gone', () => broker.counts().connections === 0);
    await works(broker);
  }));

test('a client with a wrong password, a persistent session or no keep-alive is refused', async () =>
  withBroker(
    {},
    async (broker) => {
      const password = 'a-password-of-some-length';
      const good = await rawSocket(broker.port);
      good.socket.write(connectPacket({ id: 'good', password }));
      await until('CONNACK', () => good.received().length >= 4);
      assert.is(good.received()[3], 0);
      for (const options of [
        { password: 'another' },
        {},
        { password, clean: false },
        { password, keepalive: 0 },
        { password, keepalive: 60_000 },
      ]) {
        const { socket, ended, received } = await rawSocket(broker.port);
        socket.write(connectPacket({ id: 'bad', ...options }));
        await ended;
        assert.is.not(received()[3], 0, JSON.stringify(options));
      }
      assert.is(broker.counts().connections, 1);
    },
    'a-password-of-some-length',
  ));

test('a packet that an admitted client may not send ends its connection', async () =>
  withBroker({ retainedBytes: 100_000, retainedTopics: 20 }, async (broker) => {
    const other = await letIn(broker.port, 'other');
    const topic = 'runlet/hall/one/desired';
    const cases: [string, Uint8Array | Uint8Array[]][] = [
      ['a message of 256 MiB', Uint8Array.from([0x30, ...giant])],
      ['a message above the bound', publishPacket({ topic, payload: new Uint8Array(maxInlineBytes + 1) })],
      ['QoS 2', publishPacket({ topic, qos: 2 })],
      ['another topic', publishPacket({ topic: 'house/lamp' })],
      ['a long topic', publishPacket({ topic: `runlet/${'x'.repeat(300)}` })],
      ['many levels', publishPacket({ topic: `runlet/${'x/'.repeat(90)}` })],
      ['many subscriptions', subscribePacket(...Array.from({ length: 3000 }, (_, i) => `runlet/${i}`))],
      ['many, one by one', Array.from({ length: 200 }, (_, i) => subscribePacket(`runlet/${i}`))],
      [
        'much retained',
        Array.from({ length: 9 }, (_, i) =>
          publishPacket({ topic: `runlet/a/${i}`, payload: new Uint8Array(20_000), retain: true }),
        ),
      ],
      [
        'many retained',
        Array.from({ length: 30 }, (_, i) => publishPacket({ topic: `runlet/b/${i}`, payload: new Uint8Array(9), retain: true })),
      ],
      ['a second CONNECT', connectPacket()],
      ['a type that is none', packet(0xf0, [])],
    ];
    for (const [what, packets] of cases) {
      const { socket, ended } = await letIn(broker.port, 'one');
      for (const part of [packets].flat()) socket.write(part);
      await Promise.race([
        ended,
        new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: still open`)), 20_000).unref()),
      ]);
    }
    assert.ok(broker.counts().retainedBytes <= 100_000);
    assert.ok(broker.counts().cutOff >= cases.length - 1);
    await until('they are gone', () => broker.counts().connections === 1);
    other.socket.destroy();
    await works(broker);
  }));

test('a retained message can be removed, and makes room for others', async () =>
  withBroker({ retainedTopics: 2 }, async (broker) => {
    const client = await letIn(broker.port, 'one');
    const retain = (topic: string, bytes: number) =>
      client.socket.write(publishPacket({ topic, payload: new Uint8Array(bytes), retain: true }));
    for (let i = 0; i < 50; i++) {
      retain(`runlet/hall/bundles/${i}`, 1000);
      retain(`runlet/hall/bundles/${i}`, 500);
      retain(`runlet/hall/bundles/${i}`, 0);
    }
    retain('runlet/hall/last', 7);
    await until('all came', () => broker.counts().retainedBytes === 7);
    assert.is(broker.counts().cutOff, 0);
    client.socket.destroy();
  }));

test('a client that does not read is cut off, and the others get their messages', async () =>
  withBroker({ drainMs: 500 }, async (broker) => {
    const slow = await letIn(broker.port, 'slow');
    slow.socket.write(subscribePacket('runlet/#'));
    await until('SUBACK', () => slow.received().length > 4);
    slow.socket.pause();
    const sender = await letIn(broker.port, 'sender');
    const message = publishPacket({ topic: 'runlet/hall/bundles/x', payload: new Uint8Array(200_000) });
    const closed = once(slow.socket, 'close');
    for (let i = 0; i < 100; i++) sender.socket.write(message);
    await until('it is cut off', () => broker.counts().connections < 2 || broker.counts().cutOff > 0);
    slow.socket.resume();
    await closed;
    sender.socket.destroy();
    await works(broker);
  }));

test(`${connections} connections with changed packets do not stop the broker`, async () =>
  withBroker({ connectMs: 2000 }, async (broker) => {
    const random = randomOf(seed);
    const topic = 'runlet/hall/one/desired';
    const inside = [
      publishPacket({ topic, payload: new Uint8Array(50) }),
      publishPacket({ topic, payload: new Uint8Array(50), qos: 1, retain: true }),
      publishPacket({ topic, qos: 2 }),
      subscribePacket('runlet/+/one/#', '#', '$SYS/#'),
      packet(0xa2, [0, 1, 0, 1, 35]),
      packet(0x40, [0, 1]),
      packet(0x50, [0, 1]),
      packet(0x62, [0, 1]),
      packet(0xc0, []),
      packet(0xe0, []),
    ];
    const will = { topic, payload: new Uint8Array(20) };
    const one = async (i: number) => {
      const { socket, ended } = await rawSocket(broker.port);
      const first = connectPacket({ id: `f${i % 7}`, ...(random(2) && { will }) });
      socket.write(random(4) === 0 ? mutate(first, random) : first);
      for (let k = random(12); k > 0; k--) {
        const next = inside[random(inside.length)] as Uint8Array;
        socket.write(random(2) ? mutate(next, random) : next);
      }
      socket.end();
      setTimeout(() => socket.destroy(), 3000).unref();
      await ended;
    };
    for (let i = 0; i < connections; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => one(i + k)));
    await until('they are gone', () => broker.counts().connections === 0);
    await works(broker);
  }));

test.run();
