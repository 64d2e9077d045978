/**
 * A small broker inside the gateway, for a site without one: aedes, MQTT 3.1.1.
 *
 * In: a port, a password or none.  Out: a broker; retained messages live as long as it does, and gateways and rollouts say theirs again when it is back.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { RunletError } from '../../../models/error.ts';
import { mostInlineBytes } from './messages.ts';

export interface Broker {
  port: number;
  close(): Promise<void>;
}

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** @throws RN851 the port is taken */
export async function openBroker({ port, host, password }: { port: number; host: string; password?: string }): Promise<Broker> {
  const broker = await Aedes.createBroker({ concurrency: 1000, queueLimit: 1000, maxTopicLevels: 8 });
  if (password) {
    const wanted = sha256(password);
    broker.authenticate = (_client, _name, said, done) => done(null, timingSafeEqual(sha256(said ?? ''), wanted));
  }
  broker.authorizePublish = (_client, { topic, payload }, done) => {
    const tooLarge = payload.length > mostInlineBytes;
    if (topic.startsWith('runlet/') && !tooLarge) done(null);
    else done(new Error(tooLarge ? 'too large' : 'not a topic of a fleet'));
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  // a client that breaks the protocol is cut off, and no fault of the gateway
  broker.on('clientError', () => {});
  broker.on('connectionError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new RunletError('RN851', {
          what: 'the broker cannot listen',
          where: `${host}:${port}`,
          why: error.message,
          tryThis: 'another --broker PORT',
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await closed;
    },
  };
}
