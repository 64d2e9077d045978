/**
 * Connects the load test to a gateway: MQTT, WebSocket, or HTTP with server-sent events.
 *
 * In: addresses, the number of connections that share the streams.  Out: `send`, and a callback for outputs.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'node:http';
import WebSocket from 'ws';
import { mqttTopics, noDelay } from '../../host/gateway/streams/mqtt.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import { gatewayId } from './processes.ts';

export const transports = ['mqtt', 'ws', 'http'] as const;
export type Transport = (typeof transports)[number];

export interface TransportOptions {
  url: string;
  broker?: string;
  connections: number;
}

export interface Link {
  send(stream: number, from: number, ticks: Float32Array): void;
  onOutput(listener: (stream: number, tick: number) => void): void;
  stop(): Promise<void>;
}

const nameOf = (stream: number): string => `s${stream}`;
const numberOf = (name: string): number => Number(name.slice(1));
const bytesOf = (ticks: Float32Array): Uint8Array => new Uint8Array(ticks.buffer, ticks.byteOffset, ticks.byteLength);

async function overMqtt({ broker, connections }: TransportOptions): Promise<Link> {
  const { default: mqtt } = await import('mqtt');
  const topics = mqttTopics(gatewayId);
  const open = async () => {
    const client = await mqtt.connectAsync(broker as string, { reconnectPeriod: 0 });
    noDelay(client);
    return client;
  };
  const clients = await Promise.all(Array.from({ length: connections }, open));
  const reader = await open();
  await reader.subscribeAsync(topics.frames('+').replace(/frames$/, 'outputs'), { qos: 0 });
  return {
    send: (stream, from, ticks) => {
      const message = writeFrames({ from, timestampMs: Date.now(), bytes: bytesOf(ticks) });
      clients[stream % connections]?.publish(topics.frames(nameOf(stream)), Buffer.from(message.buffer), { qos: 0 });
    },
    onOutput: (listener) => {
      reader.on('message', (topic, payload) => listener(numberOf(topic.split('/').at(-2) ?? ''), readOutput(payload).tick));
    },
    stop: async () => {
      await Promise.all([...clients, reader].map((client) => client.endAsync()));
    },
  };
}

async function overWebSocket({ url, connections }: TransportOptions): Promise<Link> {
  const address = `${url.replace(/^http/, 'ws')}/v1/ws`;
  const open = () =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      socket.once('open', () => resolve(socket)).once('error', reject);
    });
  const sockets = await Promise.all(Array.from({ length: connections }, open));
  return {
    send: (stream, from, ticks) => {
      const message = writeFrames({ stream: nameOf(stream), from, timestampMs: Date.now(), bytes: bytesOf(ticks) });
      sockets[stream % connections]?.send(message);
    },
    onOutput: (listener) => {
      for (const socket of sockets)
        socket.on('message', (data: Buffer, binary) => {
          if (!binary) throw new Error(data.toString());
          const { stream, tick } = readOutput(data);
          listener(numberOf(stream), tick);
        });
    },
    stop: async () => {
      for (const socket of sockets) socket.close();
    },
  };
}

/**
 * Sends each message as a request. A stream's next request waits for the answer to the previous one. Outputs
 * come by server-sent events.
 */
async function overHttp({ url, connections }: TransportOptions): Promise<Link> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const waiting = new Map<number, { from: number; body: Buffer }[]>();
  let listen = (_stream: number, _tick: number): void => {};
  const watched = new Set<number>();
  const quit = new AbortController();
  setMaxListeners(0, quit.signal);
  const watch = (stream: number): void => {
    watched.add(stream);
    request(`${url}/v1/streams/${nameOf(stream)}/outputs`, { signal: quit.signal }, (answer) => {
      let rest = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        const events = (rest + text).split('\n\n');
        rest = events.pop() as string;
        for (const event of events) {
          const frame = /"frame":(\d+)/.exec(event)?.[1];
          if (frame) listen(stream, Number(frame) - 1);
        }
      });
      answer.on('error', () => {}); // aborted at the end
    })
      .on('error', () => {})
      .end();
  };
  const next = (stream: number): void => {
    const [first] = waiting.get(stream) ?? [];
    if (!first) return;
    const path = `${url}/v1/streams/${nameOf(stream)}/frames?from=${first.from}`;
    const sent = request(path, { agent, method: 'POST', headers: { 'Content-Length': first.body.length } }, (answer) => {
      answer.resume().on('end', () => {
        // 429: the gateway asks to wait
        if (answer.statusCode === 429) return setTimeout(() => next(stream), 20);
        if (answer.statusCode !== 202) throw new Error(`status ${answer.statusCode}`);
        waiting.get(stream)?.shift();
        next(stream);
      });
    });
    // the gateway may close an idle socket; sending again is safe, because `from` identifies the frames
    sent.on('error', () => quit.signal.aborted || setTimeout(() => next(stream), 20));
    sent.end(first.body);
  };
  return {
    send: (stream, from, ticks) => {
      if (!watched.has(stream)) watch(stream);
      const queue = waiting.get(stream) ?? [];
      waiting.set(stream, queue);
      if (queue.push({ from, body: Buffer.from(bytesOf(ticks)) }) === 1) next(stream);
    },
    onOutput: (listener) => {
      listen = listener;
    },
    stop: async () => {
      quit.abort();
      agent.destroy();
    },
  };
}

export const openTransport = (name: Transport, options: TransportOptions): Promise<Link> =>
  ({ mqtt: overMqtt, ws: overWebSocket, http: overHttp })[name](options);
