/**
 * A real gateway behind its door, over sockets: upgrades, requests of other sites, faults, slots,
 * connections.
 *
 * Raw sockets send requests that no client would send. Each is answered or closed, and the process survives.
 */
import { once } from 'node:events';
import { request as ask } from 'node:http';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Connections } from '../../host/gateway/http/connections.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { attachWebSockets } from '../../host/gateway/streams/websocket.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { bundleOf, keys } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const token = 'a-token-of-some-length';
const bearer = `Bearer ${token}`;

/** Opens a gateway in this process. */
async function opened({ maxConnections, requestsPerMinute }: { maxConnections?: number; requestsPerMinute?: number } = {}) {
  const gateway = await Gateway.open(new CrashDisk(), {
    policy: { keys: [keys.publicKey] },
    pool: { threads: 1, budgetMs: 20_000 },
  });
  const first = await bundleOf(1);
  await gateway.receive(first.wasm, first.digest);
  await gateway.try();
  const log = pino({ level: 'silent' });
  const intake = new Intake(gateway);
  const tracker = new Tracker(gateway);
  const { app } = gatewayApp({ gateway, log });
  addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
  app.get('/throws', () => {
    throw new Error('a fault');
  });
  const served = await serve({
    app,
    door: new Door({ token, requestsPerMinute }),
    host: '127.0.0.1',
    port: 0,
    log,
    maxConnections,
  });
  const sockets = attachWebSockets(served, intake, log);
  served.upgrades.set('/upgrade-throws', () => {
    throw new Error('a fault');
  });
  const close = async () => {
    sockets.stop();
    await served.stop();
    tracker.close();
    intake.close();
    await gateway.close();
  };
  return { gateway, served, close };
}

const portOf = ({ url }: Served): number => Number(new URL(url).port);

/** Sends raw bytes. @returns the socket, the text that it received so far, and a promise of its end */
function raw(served: Served, text: string | Uint8Array) {
  const socket: Socket = connect(portOf(served), '127.0.0.1');
  const received = { text: '' };
  socket.on('data', (part) => {
    received.text += part.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(text);
  return { socket, received, ended: once(socket, 'close') };
}
const within = async (ms: number, done: () => boolean, what: string): Promise<void> => {
  for (const from = performance.now(); !done(); ) {
    assert.ok(performance.now() - from < ms, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const statusOf = (served: Served, path: string, headers: Record<string, string> = {}) =>
  new Promise<number>((resolve, reject) => {
    ask(`${served.url}${path}`, { headers: { authorization: bearer, ...headers }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

const upgradeOf = (target: string, more = '') =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`;

test('a refused upgrade is answered and closed, and the process survives', async () => {
  const { served, close } = await opened();
  const cases: [text: string, status: number][] = [
    ...['//', '/\\', '//v1/ws', 'http://', '*', '/%'].map((target): [string, number] => [
      upgradeOf(target, `Authorization: ${bearer}\r\n`),
      400,
    ]),
    [upgradeOf('/v1/ws'), 401],
    [upgradeOf('/v1/ws', `Authorization: ${bearer}\r\nOrigin: http://evil.example\r\n`), 403],
    [upgradeOf('/v1/ws', `Authorization: ${bearer}\r\nOrigin: null\r\n`), 403],
    [upgradeOf('/v1/ws').replace('Host: 127.0.0.1', 'Host: evil.example'), 403],
    [upgradeOf('/v1/status', `Authorization: ${bearer}\r\n`), 404],
    [upgradeOf('/v1/ws', `Authorization: ${bearer}\r\n`).replace('Version: 13', 'Version: 12'), 400],
    [upgradeOf('/upgrade-throws', `Authorization: ${bearer}\r\n`), 500],
  ];
  for (const [text, status] of cases) {
    // a client that keeps its side open, like an attacker
    const { received, ended } = raw(served, text);
    await ended;
    assert.match(received.text, new RegExp(`^HTTP/1.1 ${status} `), text.split('\r\n')[0]);
  }
  const many = Array.from({ length: 200 }, () => raw(served, upgradeOf('//')));
  await Promise.all(many.map(({ ended }) => ended));
  await within(3000, () => served.connections.size === 0, 'connections are left open');
  assert.is(await statusOf(served, '/healthz'), 200);
  assert.is(served.counts.faults, 1);
  assert.is(served.counts.refused.get('RN814'), 206);
  await close();
});

test('pages of other sites change nothing, a fault ends one request only, and wrong tokens are rate-limited on every path', async () => {
  const { served, gateway, close } = await opened({ requestsPerMinute: 6 });
  for (const path of ['/v1/slots/main/rollback', '/v1/safe-mode/leave', '/v1/uploads', '/v1/streams/s/frames']) {
    const body = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n`;
    for (const foreign of ['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site', 'Origin: null']) {
      const { received, ended } = raw(served, `${body}${foreign}\r\n\r\n{}`);
      await ended;
      assert.match(received.text, /^HTTP\/1.1 403 [\s\S]*RN841/);
    }
  }
  assert.is(gateway.streams.size + gateway.uploads.size, 0);
  assert.is(await statusOf(served, '/throws'), 500);
  assert.is(await statusOf(served, '/v1/status', { host: 'rebound.example' }), 403);
  const guess = async (path: string) =>
    path === '/v1/ws' ? upgrading() : statusOf(served, path, { authorization: 'Bearer wrong' });
  const upgrading = async () => {
    const { received, ended } = raw(served, upgradeOf('/v1/ws', 'Authorization: Bearer wrong\r\n'));
    await ended;
    return Number(received.text.slice(9, 12));
  };
  assert.is(await guess('/metrics'), 401);
  // one attempt every ten seconds is checked again
  for (const path of ['/metrics', '/v1/ws', '/v1/status']) {
    const found = new Set<number>();
    for (let i = 0; i < 20; i++) found.add(await guess(path));
    assert.ok(found.has(429), path);
  }
  await close();
});

test('the listener of an event stream is removed when its answer ends, with a body or without', async () => {
  const { served, gateway, close } = await opened();
  const listeners = gateway.events.size;
  for (const path of ['/v1/events', '/v1/streams/s/outputs'])
    for (const methods of [['GET'], ['HEAD'], ['GET', 'GET'], ['GET', 'HEAD', 'GET']]) {
      const text = methods.map((method) => `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer}\r\n\r\n`);
      const asked = Array.from({ length: 20 }, () => raw(served, text.join('')));
      await within(3000, () => asked.every(({ received }) => received.text.startsWith('HTTP/1.1 200')), `${methods} ${path}`);
      if (methods.every((method) => method === 'HEAD'))
        await within(1000, () => gateway.events.size === listeners, `HEAD ${path} leaves listeners`);
      for (const { socket } of asked) socket.destroy();
      await within(3000, () => gateway.events.size === listeners, `${methods} ${path} leaves listeners`);
    }
  await close();
});

test('reading a slot, sending to it or trying it does not create it', async () => {
  const { served, gateway, close } = await opened();
  for (let i = 0; i < 70; i++) {
    assert.is(await statusOf(served, `/v1/slots/name-${i}`), 404);
    const posts = [`/v1/slots/name-${i}/trial`, `/v1/slots/name-${i}/rollback`, `/v1/streams/s-${i}/frames?slot=name-${i}`];
    for (const path of posts) {
      const post = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      const { received, ended } = raw(served, post);
      await ended;
      assert.match(received.text, /^HTTP\/1.1 4\d\d /);
    }
    await gateway.uploads.begin(`name-${i}`);
  }
  assert.equal([...gateway.slots.keys()], ['main']);
  const next = await bundleOf(2);
  await gateway.receive(next.wasm, next.digest, 'another');
  assert.equal([...gateway.slots.keys()], ['main', 'another']);
  await close();
});

test('when connections are full, one without a token is closed and one with the token stays', async () => {
  const { served, close } = await opened({ maxConnections: 8 });
  const kept = raw(served, upgradeOf('/v1/ws', `Authorization: ${bearer}\r\n`));
  await within(5000, () => kept.received.text.includes(' 101 '), 'no handshake');
  const idle = Array.from({ length: 30 }, () => raw(served, 'GET / HTTP/1.1\r\n'));
  await within(5000, () => served.connections.dropped >= 23, 'nobody made room');
  assert.is(await statusOf(served, '/healthz'), 200);
  assert.is(await statusOf(served, '/v1/status'), 200);
  assert.ok(served.connections.size <= 8);
  assert.not.ok(kept.socket.destroyed);
  for (const { socket } of idle) socket.destroy();
  await close();
});

test('if all connections have sent the token, a new one is refused', () => {
  const connections = new Connections(2);
  const sockets = [1, 2, 3].map((remotePort) => {
    const events = new Map<string, () => void>();
    const socket = {
      remoteAddress: '192.0.2.1',
      remotePort,
      destroyed: false,
      on: () => {},
      once: (name: string, run: () => void) => events.set(name, run),
      destroy() {
        this.destroyed = true;
        events.get('close')?.();
      },
    };
    connections.add(socket as unknown as Socket);
    connections.trust(socket);
    return socket;
  });
  assert.equal(
    sockets.map(({ destroyed }) => destroyed),
    [false, false, true],
  );
  sockets[0]?.destroy();
  assert.is(connections.size, 1);
});

test.run();
