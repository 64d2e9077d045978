/**
 * Ways from a load test to gateways: through NATS to a cluster; by WebSocket, or by MQTT through a broker, to
 * gateways without one.
 *
 * In: messages of streams, by name and index.  Out: outputs, by name, to a listener. A message has the same
 * bytes in both ways, except that the stream's name is in the subject for NATS.
 */
import { connect } from '@nats-io/transport-node';
import WebSocket from 'ws';
import { mqttTopics, noDelay } from '../../host/gateway/streams/mqtt.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import type { ClusterPlace, Member } from './member.ts';
import type { Kind } from './prepare.ts';

/** A stream of a load test: its kind, its name in its slot, and its index among all streams. */
export interface LoadStream {
  kind: Kind;
  name: string;
  index: number;
}

export interface Link {
  send(stream: LoadStream, from: number, ticks: Float32Array): void;
  /** Calls `listener` with the name in its slot, and the last tick of an output. */
  onOutput(listener: (name: string, tick: number) => void): void;
  stop(): Promise<void>;
}

const bytesOf = (ticks: Float32Array): Uint8Array => new Uint8Array(ticks.buffer, ticks.byteOffset, ticks.byteLength);

/** One connection sends all frames, and reads all outputs. */
export async function overNats({ nats: servers, site, partitions }: Omit<ClusterPlace, 'leaseMs'>): Promise<Link> {
  const nats = await connect({ servers, maxReconnectAttempts: -1 });
  return {
    send: ({ kind: { slot }, name, index }, from, ticks) => {
      const full = slot === 'main' ? name : `${slot}=${name}`;
      const message = writeFrames({ from, timestampMs: Date.now(), bytes: bytesOf(ticks) });
      nats.publish(`runlet.${site}.frames.${index % partitions}.${full}`, message);
    },
    onOutput: (listener) => {
      nats.subscribe(`runlet.${site}.outputs.>`, {
        callback: (error, { subject, data }) => {
          if (error) throw error;
          listener(subject.slice(1 + subject.lastIndexOf('.')).replace(/^.*=/, ''), readOutput(data).tick);
        },
      });
    },
    stop: () => nats.close(),
  };
}

/** One socket for each gateway and slot. Streams go round the gateways. */
export async function overSockets(members: readonly Member[], kinds: readonly Kind[]): Promise<Link> {
  const open = (url: string, slot: string) =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws?slot=${slot}`, { perMessageDeflate: false });
      socket.once('open', () => resolve(socket)).once('error', reject);
    });
  const sockets = await Promise.all(
    members.map(
      async ({ url }) => new Map(await Promise.all(kinds.map(async ({ slot }) => [slot, await open(url, slot)] as const))),
    ),
  );
  return {
    send: ({ kind: { slot }, name, index }, from, ticks) => {
      const message = writeFrames({ stream: name, from, timestampMs: Date.now(), bytes: bytesOf(ticks) });
      sockets[index % sockets.length]?.get(slot)?.send(message);
    },
    onOutput: (listener) => {
      for (const socket of sockets.flatMap((one) => [...one.values()]))
        socket.on('message', (data: Buffer, binary) => {
          if (!binary) throw new Error(data.toString());
          const { stream, tick } = readOutput(data);
          listener(stream, tick);
        });
    },
    stop: async () => {
      for (const socket of sockets.flatMap((one) => [...one.values()])) socket.close();
    },
  };
}

/** One client sends all frames, and one reads all outputs, with QoS 1. Streams go round the gateways. */
export async function overMqtt(broker: string, members: readonly Member[]): Promise<Link> {
  const { default: mqtt } = await import('mqtt');
  const open = async () => {
    const client = await mqtt.connectAsync(broker, { reconnectPeriod: 0 });
    noDelay(client);
    return client;
  };
  const [sender, reader] = await Promise.all([open(), open()]);
  await reader.subscribeAsync(['runlet/+/streams/+/outputs', 'runlet/+/slots/+/streams/+/outputs'], { qos: 1 });
  return {
    send: ({ kind: { slot }, name, index }, from, ticks) => {
      const { buffer } = writeFrames({ from, timestampMs: Date.now(), bytes: bytesOf(ticks) });
      const { id } = members[index % members.length] as Member;
      sender.publish(mqttTopics(id).frames(name, slot), Buffer.from(buffer), { qos: 1 });
    },
    onOutput: (listener) => {
      reader.on('message', (topic, payload) => listener(topic.split('/').at(-2) ?? '', readOutput(payload).tick));
    },
    stop: async () => {
      await Promise.all([sender, reader].map((client) => client.endAsync()));
    },
  };
}
