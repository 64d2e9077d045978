/**
 * A small broker inside the gateway, for a site without one: aedes, MQTT 3.1.1.
 *
 * In: a port, a password or none.  Out: a broker; retained messages live as long as it does, and gateways and
 * rollouts say theirs again when it is back. Everything is bounded (`brokerLimits`): what a connection may
 * send before it is let in, packets, connections, subscriptions, what is retained, silence. A client that
 * breaks a bound is cut off and logged, which is no fault of the gateway. Sessions end with their connection,
 * and QoS 2 is not spoken, so nothing is kept for a client that is away.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AuthorizePublishHandler, type AuthorizeSubscribeHandler, type Client } from 'aedes';
import { RunletError } from '../../../models/error.ts';
import { guardPackets, type PacketHead, packetTypes } from '../mqtt/gate.ts';
import { type Log, seldom } from '../mqtt/seldom.ts';
import { mostInlineBytes, mostPacketBytes } from './messages.ts';

/** Choices: a site of some hundred gateways, and 64 MiB for all bundles that are on their way. */
export const brokerLimits = {
  connections: 512,
  /** Of them, such that are not let in yet; one more, and the oldest of these makes room. */
  waiting: 64,
  /** From the first byte until the client is let in. */
  connectMs: 5000,
  /** CONNECT with name, password and will; and all that comes before the client is let in. */
  connectBytes: 16 << 10,
  /**
   * A client says how often it is heard at least, in seconds; it is cut off after one and a half times that.
   */
  keepaliveS: 300,
  /** How long a client may read nothing while messages wait for it. */
  drainMs: 15_000,
  topicLength: 256,
  topicLevels: 8,
  /** Of one client at a time, and of one client in a second. */
  subscriptions: 64,
  retainedTopics: 4096,
  retainedBytes: 64 << 20,
};
export type BrokerLimits = typeof brokerLimits;

export interface BrokerOptions {
  port: number;
  host: string;
  password?: string;
  limits?: Partial<BrokerLimits>;
  log?: Log;
}

export interface Broker {
  port: number;
  /** Connections now; clients that were cut off. */
  counts(): { connections: number; waiting: number; cutOff: number; retainedBytes: number };
  close(): Promise<void>;
}

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** What may be published. Retained messages are counted, since they stay. */
function publishRule({ topicLength, retainedTopics, retainedBytes }: BrokerLimits) {
  const retained = new Map<string, number>();
  let total = 0;
  const why = ({ topic, payload, qos, retain }: { topic: string; payload: Buffer | string; qos: number; retain: boolean }) => {
    if (!topic.startsWith('runlet/') || topic.length > topicLength) return 'not a topic of a fleet';
    if (payload.length > mostInlineBytes) return 'too large';
    if (qos > 1) return 'QoS 2';
    if (!retain) return undefined;
    const after = total - (retained.get(topic) ?? 0) + payload.length;
    if (payload.length > 0 && (after > retainedBytes || (!retained.has(topic) && retained.size >= retainedTopics)))
      return 'too much is retained';
    if (payload.length > 0) retained.set(topic, payload.length);
    else retained.delete(topic);
    total = after;
    return undefined;
  };
  const authorize: AuthorizePublishHandler = (_client, packet, done) => {
    const refused = why(packet);
    done(refused === undefined ? null : new Error(refused));
  };
  return { authorize, retainedBytes: () => total };
}

/**
 * What may be subscribed to: so many topics, and so many in a second, since each one brings what is retained.
 */
function subscribeRule({ topicLength, subscriptions }: BrokerLimits): AuthorizeSubscribeHandler {
  const recent = new WeakMap<Client, { sinceMs: number; count: number }>();
  return (client, subscription, done) => {
    const nowMs = performance.now();
    const known = client && recent.get(client);
    const window = known && nowMs - known.sinceMs < 1000 ? known : { sinceMs: nowMs, count: 0 };
    if (client) recent.set(client, window);
    const open = Object.keys((client as unknown as { subscriptions: object }).subscriptions).length;
    if (++window.count > subscriptions || open >= subscriptions) done(new Error('too many subscriptions'));
    else if (subscription.topic.length > topicLength || subscription.topic.startsWith('$')) done(null, null);
    else done(null, subscription);
  };
}

/** Sockets: how many, how long they may wait, and what they may send. */
function doorOf(limits: BrokerLimits) {
  const sockets = new Set<Socket>();
  /** Not let in yet, the oldest first. */
  const waiting = new Map<Socket, NodeJS.Timeout>();
  /** It was let in, or it is gone. */
  const leave = (socket: Socket) => {
    clearTimeout(waiting.get(socket));
    waiting.delete(socket);
  };
  const rule = (socket: Socket) => {
    let before = 0;
    return ({ type, bytes }: PacketHead): string | undefined => {
      if (!waiting.has(socket)) return bytes > mostPacketBytes ? `a packet of ${bytes} bytes` : undefined;
      if (before === 0 && type !== packetTypes.connect) return 'its first packet is no CONNECT';
      before += bytes + 2;
      return before > limits.connectBytes ? `${before} bytes before it is let in` : undefined;
    };
  };
  const enter = (socket: Socket) => {
    const [oldest] = waiting.size >= limits.waiting ? waiting.keys() : [];
    if (oldest) {
      leave(oldest);
      oldest.destroy();
    }
    sockets.add(socket);
    waiting.set(
      socket,
      setTimeout(() => socket.destroy(), limits.connectMs),
    );
    socket.on('close', () => {
      leave(socket);
      sockets.delete(socket);
    });
    socket.setNoDelay(true);
    guardPackets(socket, 'the broker', rule(socket));
  };
  return { sockets, waiting, leave, enter };
}

/** @throws RN851 the port is taken */
export async function openBroker({ port, host, password, limits: given, log = () => {} }: BrokerOptions): Promise<Broker> {
  const limits = { ...brokerLimits, ...given };
  const { sockets, waiting, leave, enter } = doorOf(limits);
  const publishing = publishRule(limits);
  const broker = await Aedes.createBroker({
    concurrency: 1000,
    queueLimit: 42,
    connectTimeout: limits.connectMs,
    drainTimeout: limits.drainMs,
    keepaliveLimit: limits.keepaliveS,
    maxTopicLevels: limits.topicLevels,
  });
  const wanted = password === undefined ? undefined : sha256(password);
  broker.preConnect = (_client, { clean, clientId }, done) => {
    const why =
      clean === false ? 'a session that outlives its connection' : clientId.length > limits.topicLength && 'a long name';
    done(why ? new Error(why) : null, !why);
  };
  broker.authenticate = (_client, _name, said, done) => done(null, !wanted || timingSafeEqual(sha256(said ?? ''), wanted));
  broker.authorizePublish = publishing.authorize;
  broker.authorizeSubscribe = subscribeRule(limits);
  let cutOff = 0;
  const say = seldom(log);
  const cut = (why: string) => {
    cutOff++;
    say({ why, cutOff }, 'a client was cut off');
  };
  broker.on('client', ({ conn }) => leave(conn as Socket));
  broker.on('clientError', (_client, { message }) => cut(message));
  broker.on('connectionError', (_client, { message }) => cut(message));
  // of its own store; without a listener it would end the process
  (broker as unknown as NodeJS.EventEmitter).on('error', (err: unknown) => say({ err }, 'fault'));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    enter(socket);
    broker.handle(socket);
  });
  server.maxConnections = limits.connections;
  await listening(server, port, host);
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ connections: sockets.size, waiting: waiting.size, cutOff, retainedBytes: publishing.retainedBytes() }),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await closed;
    },
  };
}

function listening(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(
        new RunletError('RN851', {
          what: 'the broker cannot listen',
          where: `${host}:${port}`,
          why: message,
          tryThis: 'another --broker PORT',
        }),
      ),
    );
    server.listen(port, host, () => {
      // what a listening socket meets later, too many files for one, ends no gateway
      server.on('error', () => {});
      resolve();
    });
  });
}
