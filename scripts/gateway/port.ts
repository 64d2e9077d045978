/**
 * Ports of this machine, for servers that a test or a benchmark starts.
 *
 * Out: a free port, which nothing holds, so its server should start soon; a promise that a server listens.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once a server accepts at a port, or greets (`data`). @throws after about ten seconds */
export async function listens(port: number, sign: 'connect' | 'data', what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const signed = once(socket, sign).then(
      () => true,
      () => false,
    );
    const isOpen = await Promise.race([signed, once(socket, 'close').then(() => false)]);
    socket.destroy();
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`${what} does not listen`);
}
