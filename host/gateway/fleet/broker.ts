/**
 * Broker: a small MQTT 3.1.1 broker (aedes) inside the gateway, for a site without one.
 *
 * In: a port, a password or none.  Out: a broker.  Errors: RN851.
 * Rule: retained messages are lost when the broker ends; gateways and rollouts publish theirs again when they
 * reconnect. Everything has a limit (`brokerLimits`): bytes before the login, packets, connections,
 * subscriptions, retained messages, silence. A client that exceeds a limit is disconnected, which is logged
 * and is not a fault. Sessions end with their connection, and QoS 2 is refused, so nothing is stored for a
 * client without a connection.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AuthorizePublishHandler, type AuthorizeSubscribeHandler, type Client } from 'aedes';
import { RunletError } from '../../../models/error.ts';
import { guardPackets, type PacketHead, packetTypes } from '../mqtt/gate.ts';
import { type Log, seldom } from '../mqtt/seldom.ts';
import { maxInlineBytes, maxPacketBytes } from './messages.ts';

/** Limits. Choices, for a site of some hundred gateways, and 64 MiB for all bundles in transfer. */
export const brokerLimits = {
  connections: 512,
  /** Number of connections before their login. For a further one, the oldest of these is closed. */
  waiting: 64,
  /** Time until the login, in milliseconds. */
  connectMs: 5000,
  /** Bytes until the login, which are those of CONNECT with name, password and will. */
  connectBytes: 16 << 10,
  /** Longest keep-alive of a client, in seconds. A client is disconnected after 1.5 times its keep-alive. */
  keepaliveS: 300,
  /** Time that a client may read nothing while messages wait for it, in milliseconds. */
  drainMs: 15_000,
  topicLength: 256,
  topicLevels: 8,
  /** Number of subscriptions of one client at a time, and per second. */
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
  /** Returns numbers of open connections, connections before login, disconnected clients, retained bytes. */
  counts(): { connections: number; waiting: number; cutOff: number; retainedBytes: number };
  close(): Promise<void>;
}

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Returns the check of published messages, and a counter of retained bytes. */
function publishRule({ topicLength, retainedTopics, retainedBytes }: BrokerLimits) {
  const retained = new Map<string, number>();
  let total = 0;
  const why = ({ topic, payload, qos, retain }: { topic: string; payload: Buffer | string; qos: number; retain: boolean }) => {
    if (!topic.startsWith('runlet/') || topic.length > topicLength) return 'not a topic of a fleet';
    if (payload.length > maxInlineBytes) return 'too large';
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

/** Returns the check of subscriptions. Their rate is limited because each one sends retained messages. */
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

/** Limits the sockets: their number, the time until their login, and the bytes that they send. */
function doorOf(limits: BrokerLimits) {
  const sockets = new Set<Socket>();
  /** Sockets before their login, oldest first. */
  const waiting = new Map<Socket, NodeJS.Timeout>();
  /** Removes a socket from `waiting`, after its login or its end. */
  const leave = (socket: Socket) => {
    clearTimeout(waiting.get(socket));
    waiting.delete(socket);
  };
  const rule = (socket: Socket) => {
    let before = 0;
    return ({ type, bytes }: PacketHead): string | undefined => {
      if (!waiting.has(socket)) return bytes > maxPacketBytes ? `a packet of ${bytes} bytes` : undefined;
      if (before === 0 && type !== packetTypes.connect) return 'its first packet is not CONNECT';
      before += bytes + 2;
      return before > limits.connectBytes ? `${before} bytes before its login` : undefined;
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

/** Starts a broker. @throws RN851 if the port is in use */
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
  const passwordHash = password === undefined ? undefined : sha256(password);
  broker.preConnect = (_client, { clean, clientId }, done) => {
    const why =
      clean === false ? 'a session that outlives its connection' : clientId.length > limits.topicLength && 'a long name';
    done(why ? new Error(why) : null, !why);
  };
  broker.authenticate = (_client, _name, given, done) =>
    done(null, !passwordHash || timingSafeEqual(sha256(given ?? ''), passwordHash));
  broker.authorizePublish = publishing.authorize;
  broker.authorizeSubscribe = subscribeRule(limits);
  let cutOff = 0;
  const logSeldom = seldom(log);
  const cut = (why: string) => {
    cutOff++;
    logSeldom({ why, cutOff }, 'a client was disconnected');
  };
  broker.on('client', ({ conn }) => leave(conn as Socket));
  broker.on('clientError', (_client, { message }) => cut(message));
  broker.on('connectionError', (_client, { message }) => cut(message));
  // errors of the broker's store; without a listener they would end the process
  (broker as unknown as NodeJS.EventEmitter).on('error', (err: unknown) => logSeldom({ err }, 'fault'));
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
          tryThis: 'use another --broker PORT',
        }),
      ),
    );
    server.listen(port, host, () => {
      // a later error of the listening socket, such as too many open files, must not end the gateway
      server.on('error', () => {});
      resolve();
    });
  });
}
