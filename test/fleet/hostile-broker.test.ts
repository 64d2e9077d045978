/**
 * A hostile broker: its packets end at most its own connection. A message of 32 MiB or more is cut off at its
 * header and the client reconnects. Exceptions of handlers are counted, and wrong topics reach no stream.
 *
 * RUNLET_FLEET_MESSAGES / 100 connections with changed packets per client (`npm run soak -- fleet`: 1,000).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttLink } from '../../host/gateway/fleet/mqtt-link.ts';
import type { GatewayEvents } from '../../host/gateway/hub/events.ts';
import { Events } from '../../host/gateway/hub/events.ts';
import { packetGate } from '../../host/gateway/mqtt/gate.ts';
import { seldom } from '../../host/gateway/mqtt/seldom.ts';
import type { Intake, TakeOptions } from '../../host/gateway/streams/intake.ts';
import { connectMqtt } from '../../host/gateway/streams/mqtt.ts';
import { writeFrames } from '../../host/gateway/streams/wire.ts';
import { mutate, randomOf } from '../host/helpers.ts';
import { connack, connackRefused, lengthOf, packet, publishPacket } from './packets.ts';

const rounds = Math.ceil(Number(process.env.RUNLET_FLEET_MESSAGES ?? 10_000) / 100);
const seed = Number(process.env.RUNLET_SEED ?? 20261128);
const log = pino({ level: 'silent' });

const until = async (what: string, done: () => boolean, seconds = 60): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    assert.ok(wait < seconds * 100, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** Starts a broker of MQTT 3.1.1 that admits everybody and then calls `inside`. */
async function brokerOf(inside: (socket: Socket, connection: number) => void) {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (first) => {
      // the version follows the name
      if (first.includes(Buffer.from([...Buffer.from('MQTT'), 5]))) {
        socket.end(connackRefused);
        return;
      }
      socket.write(connack);
      // every subscription is granted
      socket.on('data', (bytes) => {
        if (bytes[0] === 0x82) socket.write(packet(0x90, [bytes[2] as number, bytes[3] as number, 0, 0]));
      });
      setTimeout(() => socket.destroyed || inside(socket, count++), 20);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Returns an intake that records its messages. */
function intakeOf(take: (message: TakeOptions) => void = () => {}) {
  const events = new Events<GatewayEvents>();
  const taken: TakeOptions[] = [];
  const intake = {
    gateway: { events, streams: new Map() },
    countsOf: () => ({}),
    decorate: (output: object) => output,
    take: (message: TakeOptions) => {
      take(message);
      taken.push(message);
      return true;
    },
  } as unknown as Intake;
  return { intake, taken, events };
}

/** Sends as much of a body as the other side accepts. */
function flood(socket: Socket, length: number): void {
  socket.write(Uint8Array.from([0x30, ...lengthOf(length), 0, 8]));
  socket.write('runlet/x');
  const part = Buffer.alloc(1 << 16);
  const more = () => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', more);
  more();
}

const frames = writeFrames({ from: 0, bytes: new Uint8Array(6) });

test('a message of 32 MiB to a wire of frames is not kept, and the wire reconnects', async () => {
  const took: number[] = [];
  const broker = await brokerOf((socket, connection) => {
    if (connection >= 3) socket.write(publishPacket({ topic: 'runlet/g1/streams/wrist/frames', payload: frames }));
    else {
      socket.on('close', () => took.push(socket.bytesWritten - socket.writableLength));
      flood(socket, 32 << 20);
    }
  });
  const { intake, taken } = intakeOf();
  const wire = await connectMqtt(intake, { url: broker.url, id: 'g1', qos: 0 }, log);
  await until('frames come after that', () => taken.length > 0);
  assert.is(taken[0]?.stream, 'wrist');
  assert.is(took.length, 3);
  // bytes in the buffers of both sockets
  for (const bytes of took) assert.ok(bytes < 16 << 20, `${bytes} bytes were taken`);
  await wire.stop();
  await broker.close();
});

test('a bundle of 32 MiB to a fleet’s link is not kept, and the link reconnects', async () => {
  const broker = await brokerOf((socket, connection) => {
    if (connection >= 2) socket.write(publishPacket({ topic: 'runlet/hall/one/desired', payload: new Uint8Array(9) }));
    else if (connection === 1) socket.write(publishPacket({ topic: 'runlet/hall/one/desired', qos: 2 }));
    else flood(socket, 32 << 20);
  });
  const reasons: string[] = [];
  const link = new MqttLink({ url: broker.url, clientId: 'x', log: (why) => reasons.push(why) });
  const sizes: number[] = [];
  link.listen((_, payload) => sizes.push(payload.length));
  await until('a message comes after that', () => sizes.length > 0);
  assert.equal(sizes, [9]);
  assert.match(reasons.join(), /RN878/);
  await link.close();
  await broker.close();
});

test('a release, and a message without its identifier, end their connection alone', async () => {
  const wrong = [packet(0x62, [0, 1]), packet(0x62, []), packet(0x32, [0, 1, 0x61]), packet(0x34, [0, 1, 0x61])];
  const broker = await brokerOf((socket, connection) => {
    socket.write(wrong[connection] ?? publishPacket({ topic: 'runlet/hall/one/desired', payload: new Uint8Array(9) }));
  });
  const reasons: string[] = [];
  const link = new MqttLink({ url: broker.url, clientId: 'x', log: (why) => reasons.push(why) });
  const sizes: number[] = [];
  link.listen((_, payload) => sizes.push(payload.length));
  await until('a message comes after that', () => sizes.length > 0);
  assert.match(reasons.join(), /RN878/);
  await link.close();
  await broker.close();
});

test('an exception of a handler is counted, and the next message is handled', async () => {
  const topics = ['runlet/g1/streams/a/frames', 'runlet/g1/streams/b/frames'];
  const broker = await brokerOf((socket) => {
    for (const topic of topics) socket.write(publishPacket({ topic, payload: frames }));
  });
  const { intake, taken, events } = intakeOf(({ stream }) => {
    if (stream === 'a') throw new TypeError('a fault');
  });
  const wire = await connectMqtt(intake, { url: broker.url, id: 'g1', qos: 0 }, log);
  await until('the second comes', () => taken.length > 0);
  assert.equal([taken[0]?.stream, wire.counts.faults], ['b', 1]);
  events.emit('output', { stream: 'b' } as never);
  assert.is(wire.counts.faults, 2, 'an output that is none');
  await wire.stop();

  const reasons: string[] = [];
  const seen: string[] = [];
  const link = new MqttLink({
    url: broker.url,
    clientId: 'x',
    log: (why) => reasons.push(why),
    connected: () => {
      throw new TypeError('a fault');
    },
  });
  link.listen((topic) => {
    throw new TypeError(topic);
  });
  link.listen((topic) => seen.push(topic));
  await until('both come', () => seen.length === 2);
  assert.match(reasons.join(), /fault/);
  await link.close();
  await broker.close();
});

test('a topic that names no stream reaches none and is counted', async () => {
  const bad = [
    'streams/a/b/frames',
    'streams//frames',
    `streams/${'x'.repeat(65)}/frames`,
    'streams/../frames',
    'streams/-a/frames',
  ];
  bad.push('slots/s/frames', 'slots/a b/streams/c/frames', 'slots/s/streams/a\u001b[31m/frames', 'streams/constructor/outputs');
  const broker = await brokerOf((socket) => {
    for (const topic of bad) socket.write(publishPacket({ topic: `runlet/g1/${topic}`, payload: frames }));
    socket.write(publishPacket({ topic: 'runlet/g1/streams/kept/frames', payload: frames, retain: true }));
    socket.write(publishPacket({ topic: 'runlet/g1/streams/short/frames', payload: new Uint8Array(3) }));
    socket.write(publishPacket({ topic: 'runlet/g1/slots/s1/streams/good/frames', payload: frames }));
  });
  const { intake, taken } = intakeOf();
  const wire = await connectMqtt(intake, { url: broker.url, id: 'g1', qos: 0 }, log);
  await until('the good one comes', () => taken.length > 0);
  assert.equal(
    taken.map(({ slot, stream }) => `${slot}/${stream}`),
    ['s1/good'],
  );
  assert.is(wire.counts.refused, bad.length + 1);
  await wire.stop();
  await broker.close();
});

test('outputs that the broker does not acknowledge are bounded, and the rest is dropped and counted', async () => {
  const broker = await brokerOf(() => {});
  const { intake, events } = intakeOf();
  const wire = await connectMqtt(intake, { url: broker.url, id: 'g1', qos: 1 }, log);
  const output = { stream: 'a', sequence: 0, tick: 0, digest: '0'.repeat(64), filled: 0, values: Float32Array.of(1) };
  for (let i = 0; i < 10_000; i++) events.emit('output', output as never);
  assert.ok(wire.counts.outputsDropped >= 5000, `${wire.counts.outputsDropped} dropped`);
  assert.is(wire.counts.faults, 0);
  await wire.stop();
  await broker.close();
});

test(`${rounds} connections with changed packets do not stop the clients`, async () => {
  const random = randomOf(seed);
  const good = [
    publishPacket({ topic: 'runlet/g1/streams/a/frames', payload: frames }),
    publishPacket({ topic: 'runlet/hall/one/desired', payload: new Uint8Array(40), qos: 1 }),
    connack,
    packet(0x40, [0, 1]),
    packet(0x50, [0, 1]),
    packet(0x62, [0, 1]),
    packet(0x70, [0, 1]),
    packet(0x90, [0, 1, 0]),
    packet(0xb0, [0, 1]),
    packet(0xd0, []),
    packet(0xe0, []),
    packet(0xf0, [0]),
  ];
  const broker = await brokerOf((socket) => {
    for (let k = random(6); k >= 0; k--) {
      const next = good[random(good.length)] as Uint8Array;
      socket.write(random(3) ? mutate(next, random) : next);
    }
    setTimeout(() => socket.destroy(), 5);
  });
  const { intake } = intakeOf(() => {
    if (random(3) === 0) throw new TypeError('a fault');
  });
  // many clients at once, since each waits before it reconnects
  const links = Array.from({ length: 12 }, (_, i) => new MqttLink({ url: broker.url, clientId: `l${i}` }));
  const wires = await Promise.all(
    Array.from({ length: 12 }, (_, i) => connectMqtt(intake, { url: broker.url, id: 'g1', qos: i % 2 ? 1 : 0 }, log)),
  );
  await until('the connections', () => broker.connections() >= 2 * rounds, 600);
  for (const one of [...links.map((link) => link.close()), ...wires.map((wire) => wire.stop())]) await one;
  await broker.close();
});

test('the gate finds packets however the bytes are split', () => {
  const random = randomOf(seed);
  for (let round = 0; round < 200; round++) {
    const sizes = Array.from({ length: 1 + random(6) }, () => random([3, 200, 20_000][random(3)] as number));
    const all = Buffer.concat(sizes.map((n) => packet(0x30, new Uint8Array(n))));
    const seen: number[] = [];
    const maxBytes = random(20_000);
    const take = packetGate(({ bytes }) => {
      seen.push(bytes);
      return bytes > maxBytes ? 'too large' : undefined;
    });
    let why: string | undefined;
    for (let at = 0; at < all.length && why === undefined; ) {
      const step = 1 + random(random(2) ? 4 : 9000);
      why = take(all.subarray(at, at + step));
      at += step;
    }
    const bad = sizes.findIndex((n) => n > maxBytes);
    assert.equal(seen, bad < 0 ? sizes : sizes.slice(0, bad + 1));
    assert.is(why, bad < 0 ? undefined : 'too large');
  }
});

test('the log of a flood is short and says how many lines it left out', () => {
  const lines: object[] = [];
  const say = seldom((about) => lines.push(about), 60_000);
  for (let i = 0; i < 1000; i++) say({ i }, 'refused');
  assert.equal(lines, [{ i: 0 }]);
  const each = seldom((about) => lines.push(about), 0);
  each({ i: 1 }, '');
  each({ i: 2 }, '');
  assert.equal(lines.slice(1), [{ i: 1 }, { i: 2 }]);
});

const program = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(existsSync);
if (program)
  test('mosquitto enforces the limit: messages of 2 MiB are dropped, and smaller ones arrive', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const child: ChildProcess = spawn(program, ['-p', `${port}`], { stdio: 'ignore' });
    try {
      const url = `mqtt://127.0.0.1:${port}`;
      const connect = async (tries: number): Promise<MqttClient> =>
        mqtt.connectAsync(url).catch(async (error: unknown) => {
          if (tries === 0) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
          return connect(tries - 1);
        });
      const sender = await connect(200);
      const topic = 'runlet/g1/streams/wrist/frames';
      const large = Buffer.from(writeFrames({ from: 0, bytes: new Uint8Array(2 << 20) }));
      await sender.publishAsync(topic, large, { qos: 1, retain: true });
      const { intake, taken } = intakeOf();
      const wire = await connectMqtt(intake, { url, id: 'g1', qos: 1 }, log);
      await sender.publishAsync(topic, large, { qos: 1 });
      await until('frames come', () => {
        sender.publish(topic, Buffer.from(frames));
        return taken.length > 0;
      });
      assert.ok(taken.every(({ bytes }) => bytes.length === 6));
      assert.is(wire.counts.connected, true);
      await wire.stop();
      await sender.endAsync();
    } finally {
      child.kill('SIGKILL');
    }
  });

test.run();
