/**
 * The door: which requests come in, from whom, and how often; and a real gateway behind it, knocked at over sockets.
 *
 * Names, origins and targets are made by rules, and what is let in is compared with what the rule says. Raw sockets send what no client would: each is answered
 * or ended, the process lives, and its connections are gone again.
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
import { Door, type Visit } from '../../host/gateway/http/door.ts';
import { addressKey, checkToken, protocolsFor, RateLimit } from '../../host/gateway/http/guard.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { attachWebSockets } from '../../host/gateway/streams/websocket.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { bundleOf, keys } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const token = 'a-token-of-some-length';
const bearer = `Bearer ${token}`;
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'in';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const visit = (change: Partial<Visit> = {}, headers: Visit['headers'] = {}): Visit => ({
  method: 'GET',
  target: '/v1/status',
  hosts: 1,
  address: '127.0.0.1',
  secure: false,
  ...change,
  headers: { host: '127.0.0.1:8080', authorization: bearer, ...headers },
});

test('targets: a path with one slash in front, and nothing that a URL would read as a host', () => {
  const door = new Door({ token });
  const enters = (target: string) => codeOf(() => door.admit(visit({ target })));
  for (const target of ['/v1/status', '/v1/board?find=a%20b&stream=//x', '/v1/slots/main', '/v1/ws?slot=main'])
    assert.is(enters(target), 'in', target);
  const wrong = [
    '',
    '*',
    '//',
    '/\\',
    '//v1/status',
    '/\\v1',
    '\\',
    'v1/status',
    'http://127.0.0.1/v1/status',
    '/a b',
    '/ü',
    '/\u0000',
  ];
  for (const target of [...wrong, '/%', '/%zz', '/%ff', `/${'a'.repeat(5000)}`, '127.0.0.1:80'])
    assert.is(enters(target), 'RN814', target);
  // what a URL makes of dots is what is looked at
  assert.is(door.admit(visit({ target: '/healthz/../v1/status' })).url.pathname, '/v1/status');
  assert.is(
    codeOf(() => door.admit(visit({ target: '/healthz/%2e%2e/v1/status' }, { authorization: undefined }))),
    'RN811',
  );
});

test('hosts: addresses, localhost and names that were given; no other name, whatever it is bound to', () => {
  const door = new Door({ token, hostNames: ['Gate.example'] });
  const enters = (host: string | undefined, hosts = 1) => codeOf(() => door.admit(visit({ hosts }, { host })));
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:8080',
    '[::1]:8080',
    '[fe80::1]',
    '192.168.7.5',
    'localhost',
    'LOCALHOST:80',
    'gate.example:9',
  ])
    assert.is(enters(host), 'in', host);
  for (const host of [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'gate.example.evil',
    'xgate.example',
  ])
    assert.is(enters(host), 'RN841', host);
  for (const host of [
    '',
    'user@127.0.0.1',
    '127.0.0.1/x',
    '127.0.0.1 ',
    '127.0.0.1:99999',
    'a b',
    '[::1',
    'localhost,evil.example',
    '\u0000',
  ])
    assert.is.not(enters(host), 'in', host);
  assert.is(enters(undefined, 0), 'RN814');
  assert.is(enters('127.0.0.1', 2), 'RN814');
});

test('origins: the own one alone, and no request that a browser says is another site’s', () => {
  const door = new Door({ token });
  const enters = (headers: Visit['headers'], change: Partial<Visit> = {}) => codeOf(() => door.admit(visit(change, headers)));
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
    assert.is(enters({}, { method }), 'in');
    assert.is(enters({ origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }, { method }), 'in');
    for (const origin of [
      'null',
      '',
      'http://evil.example',
      'http://127.0.0.1:8081',
      'http://127.0.0.1',
      'http://localhost:8080',
      'file://',
      'x',
    ])
      assert.is(enters({ origin }, { method }), 'RN841', `${method} ${origin}`);
    for (const site of ['cross-site', 'same-site', 'CROSS-SITE', '?'])
      assert.is(enters({ 'sec-fetch-site': site }, { method }), 'RN841', `${method} ${site}`);
  }
  // a link may open the page; nothing else, and not by a form
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  assert.is(enters(link, { target: '/' }), 'in');
  assert.is(enters(link, { target: '/', method: 'POST' }), 'RN841');
  assert.is(enters(link), 'RN841');
  assert.is(enters({ ...link, origin: 'null' }, { target: '/' }), 'RN841');
  // over TLS a page of plain HTTP is another one, also on the usual ports
  const own = { host: 'localhost' };
  assert.is(enters({ ...own, origin: 'https://localhost' }, { secure: true }), 'in');
  assert.is(enters({ ...own, origin: 'https://localhost:443' }, { secure: true }), 'in');
  assert.is(enters({ ...own, origin: 'http://localhost' }, { secure: true }), 'RN841');
});

test('tokens: whole and once, everywhere but at the page and the two answers for supervisors', () => {
  const door = new Door({ token, requestsPerMinute: 1e9 });
  const enters = (target: string, authorization: string | undefined) =>
    codeOf(() => door.admit(visit({ target }, { authorization })));
  for (const target of ['/', '/healthz', '/readyz']) assert.is(enters(target, undefined), 'in');
  for (const target of ['/metrics', '/v1/ws', '/v1/status', '/v1', '/nothing', '/healthz/', '/healthz2']) {
    assert.is(enters(target, bearer), 'in');
    for (let length = 0; length < token.length; length++) assert.is(enters(target, `Bearer ${token.slice(0, length)}`), 'RN811');
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      token,
      `Basic ${token}`,
      `${bearer}x`,
      `${bearer} x`,
      `Bearer ${token.toUpperCase()}`,
    ])
      assert.is(enters(target, wrong), 'RN811', wrong);
  }
  const offers = (protocols: string[]) => codeOf(() => checkToken({ 'sec-websocket-protocol': protocols.join(', ') }, token));
  assert.is(offers(protocolsFor(token)), 'in');
  for (let length = 0; length < token.length; length++) assert.is(offers(protocolsFor(token.slice(0, length))), 'RN811');
  // a header counts first, also a wrong one
  const both = { authorization: 'Bearer x', 'sec-websocket-protocol': protocolsFor(token).join() };
  assert.is(
    codeOf(() => checkToken(both, token)),
    'RN811',
  );
});

test('guesses: after so many no other is looked at, on any path; another address is not affected', () => {
  const door = new Door({ token, requestsPerMinute: 20 });
  const guess = (target: string, address: string, authorization = 'Bearer wrong') =>
    codeOf(() => door.admit(visit({ target, address }, { authorization })));
  const paths = ['/metrics', '/v1/ws', '/v1/status'];
  const codes = Array.from({ length: 60 }, (_, i) => guess(paths[i % 3] as string, '192.0.2.1'));
  assert.is(codes.filter((code) => code === 'RN811').length, 20);
  assert.is(codes.filter((code) => code === 'RN812').length, 40);
  assert.is(guess('/v1/status', '192.0.2.1', bearer), 'RN812', 'a right one would tell which it is');
  assert.is(guess('/v1/status', '192.0.2.2', bearer), 'in');
});

test('limits: a bucket fills at its rate, one network of IPv6 has one, and they are bounded in number', () => {
  let now = 0;
  const limit = new RateLimit(60, 2, () => now);
  assert.equal(
    [1, 2, 3].map(() => codeOf(() => limit.take('a'))),
    ['in', 'in', 'RN812'],
  );
  now += 1000;
  assert.equal(
    [1, 2].map(() => codeOf(() => limit.take('a'))),
    ['in', 'RN812'],
  );
  for (let i = 0; i < 5000; i++) limit.take(`x${i}`);
  assert.is(
    codeOf(() => limit.take('a')),
    'in',
    'the oldest is forgotten',
  );
  assert.is(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
  assert.is(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2::9'));
  assert.is.not(addressKey('2001:db8:1:2::9'), addressKey('2001:db8:1:3::9'));
  assert.is(addressKey('fe80::1%eth0'), addressKey('fe80::2'));
});

/** A gateway in this process: whoever ends it ends the test. */
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

/** Sends bytes as they are. @returns the socket, what it said so far, and its end */
function raw(served: Served, text: string | Uint8Array) {
  const socket: Socket = connect(portOf(served), '127.0.0.1');
  const said = { text: '' };
  socket.on('data', (part) => {
    said.text += part.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(text);
  return { socket, said, ended: once(socket, 'close') };
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

test('upgrades that are refused are answered and closed, and none of them ends anything', async () => {
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
    // a client that keeps its side open, as an attacker would
    const { said, ended } = raw(served, text);
    await ended;
    assert.match(said.text, new RegExp(`^HTTP/1.1 ${status} `), text.split('\r\n')[0]);
  }
  const many = Array.from({ length: 200 }, () => raw(served, upgradeOf('//')));
  await Promise.all(many.map(({ ended }) => ended));
  await within(3000, () => served.connections.size === 0, 'connections are left open');
  assert.is(await statusOf(served, '/healthz'), 200);
  assert.is(served.counts.faults, 1);
  assert.is(served.counts.refused.get('RN814'), 206);
  await close();
});

test('requests: foreign pages change nothing, faults end one request, wrong tokens are slowed down on /metrics and /v1/ws too', async () => {
  const { served, gateway, close } = await opened({ requestsPerMinute: 6 });
  for (const path of ['/v1/slots/main/rollback', '/v1/safe-mode/leave', '/v1/uploads', '/v1/streams/s/frames']) {
    const body = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n`;
    for (const foreign of ['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site', 'Origin: null']) {
      const { said, ended } = raw(served, `${body}${foreign}\r\n\r\n{}`);
      await ended;
      assert.match(said.text, /^HTTP\/1.1 403 [\s\S]*RN841/);
    }
  }
  assert.is(gateway.streams.size + gateway.uploads.size, 0);
  assert.is(await statusOf(served, '/throws'), 500);
  assert.is(await statusOf(served, '/v1/status', { host: 'rebound.example' }), 403);
  const guess = async (path: string) =>
    path === '/v1/ws' ? upgrading() : statusOf(served, path, { authorization: 'Bearer wrong' });
  const upgrading = async () => {
    const { said, ended } = raw(served, upgradeOf('/v1/ws', 'Authorization: Bearer wrong\r\n'));
    await ended;
    return Number(said.text.slice(9, 12));
  };
  assert.is(await guess('/metrics'), 401);
  // one every ten seconds is looked at again
  for (const path of ['/metrics', '/v1/ws', '/v1/status']) {
    const found = new Set<number>();
    for (let i = 0; i < 20; i++) found.add(await guess(path));
    assert.ok(found.has(429), path);
  }
  await close();
});

test('slots: looking one up, sending to it or trying it makes none', async () => {
  const { served, gateway, close } = await opened();
  for (let i = 0; i < 70; i++) {
    assert.is(await statusOf(served, `/v1/slots/name-${i}`), 404);
    const posts = [`/v1/slots/name-${i}/trial`, `/v1/slots/name-${i}/rollback`, `/v1/streams/s-${i}/frames?slot=name-${i}`];
    for (const path of posts) {
      const post = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${bearer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      const { said, ended } = raw(served, post);
      await ended;
      assert.match(said.text, /^HTTP\/1.1 4\d\d /);
    }
    await gateway.uploads.begin(`name-${i}`);
  }
  assert.equal([...gateway.slots.keys()], ['main']);
  const next = await bundleOf(2);
  await gateway.receive(next.wasm, next.digest, 'another');
  assert.equal([...gateway.slots.keys()], ['main', 'another']);
  await close();
});

test('connections: strangers make room for others, who has said the token stays', async () => {
  const { served, close } = await opened({ maxConnections: 8 });
  const kept = raw(served, upgradeOf('/v1/ws', `Authorization: ${bearer}\r\n`));
  await within(5000, () => kept.said.text.includes(' 101 '), 'no handshake');
  const idle = Array.from({ length: 30 }, () => raw(served, 'GET / HTTP/1.1\r\n'));
  await within(5000, () => served.connections.dropped >= 23, 'nobody made room');
  assert.is(await statusOf(served, '/healthz'), 200);
  assert.is(await statusOf(served, '/v1/status'), 200);
  assert.ok(served.connections.size <= 8);
  assert.not.ok(kept.socket.destroyed);
  for (const { socket } of idle) socket.destroy();
  await close();
});

test('connections: where all have said the token the new one is turned away', () => {
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
