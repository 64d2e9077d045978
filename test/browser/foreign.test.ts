/**
 * A page of another site in headless Chromium, and one whose name was rebound to the gateway's address (DNS
 * rebinding): neither reads nor changes anything.
 *
 * The gateway has no token, so only its door protects it. Every endpoint is tried with fetch (with and
 * without CORS), forms, images, scripts, WebSocket, EventSource and sendBeacon. The test compares the
 * requests that passed the door, what the page could read, and the gateway's state. As a control, the
 * gateway's own page makes the same attempts successfully.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { type Browser, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { type Served, serve } from '../../host/gateway/http/serve.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { attachWebSockets } from '../../host/gateway/streams/websocket.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { bundleOf, bytesOf, keys, signal } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { chromiumPath, flags } from './page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const rebound = 'rebound.example';
let gateway: Gateway;
let served: Served;
let elsewhere: Server;
let browser: Browser;
let close = async () => {};
/** Requests that passed the door. */
let passed: string[] = [];

test.before(async () => {
  if (!chromiumPath) return;
  gateway = await Gateway.open(new CrashDisk(), { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
  for (const sequence of [1, 2]) {
    const { wasm, digest } = await bundleOf(sequence);
    await gateway.receive(wasm, digest);
    assert.is((await gateway.try()).phase, 'confirmed');
  }
  const log = pino({ level: 'silent' });
  const intake = new Intake(gateway);
  const tracker = new Tracker(gateway);
  const { app } = gatewayApp({ gateway, log });
  addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
  served = await serve({ app, door: new Door(), host: '127.0.0.1', port: 0, log });
  const sockets = attachWebSockets(served, intake, log);
  const open = served.upgrades.get('/v1/ws');
  served.upgrades.set('/v1/ws', (request, socket, head, url) => {
    passed.push('UPGRADE /v1/ws');
    open?.(request, socket, head, url);
  });
  // after the door, before the app
  served.server.prependListener('request', (request, response) =>
    response.once('finish', () => response.statusCode !== 403 && passed.push(`${request.method} ${request.url}`)),
  );
  elsewhere = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>elsewhere</title><iframe name="form"></iframe>');
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [...flags, `--host-resolver-rules=MAP *.example 127.0.0.1`],
  });
  close = async () => {
    await browser.close();
    elsewhere.close();
    sockets.stop();
    await served.stop();
    tracker.close();
    intake.close();
    await gateway.close();
  };
});
test.after(() => close());

const paths = (): [method: string, path: string][] => [
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['GET', '/v1/board'],
  ['GET', '/v1/status'],
  ['GET', '/v1/streams'],
  ['GET', '/v1/slots/main'],
  ['GET', '/v1/events'],
  ['GET', '/v1/streams/s/outputs'],
  ['POST', '/v1/streams/s/frames'],
  ['POST', '/v1/uploads'],
  ['POST', '/v1/safe-mode/leave'],
  ['POST', '/v1/slots/main/trial'],
  ['POST', '/v1/slots/main/confirm'],
  ['PUT', '/v1/uploads/x?digest=sha256:0'],
  ['PATCH', '/v1/uploads/x'],
  ['DELETE', '/v1/streams/s'],
  ['DELETE', '/v1/uploads/x'],
  ['OPTIONS', '/v1/status'],
  ['POST', '/v1/slots/main/rollback'],
];

/** In the page: makes an attempt that ends within two seconds in any case. */
declare const within: (run: (done: () => void) => void) => Promise<void>;

/** Runs in the page. Defines `within` for the two functions below. */
function define(): void {
  const within = (run: (done: () => void) => void) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, 2000);
      run(resolve);
    });
  Object.assign(globalThis, { within });
}

/** Runs in the page. @returns answers that could be read, and elements that loaded */
async function requests([base, endpoints, body]: [string, [string, string][], number[]]): Promise<string[]> {
  const read: string[] = [];
  const element = (name: 'img' | 'script' | 'iframe', path: string) =>
    within((done) => {
      const node = document.createElement(name);
      node.onload = () => {
        if (name !== 'iframe') read.push(`${name} ${path}`);
        done();
      };
      node.onerror = done as () => void;
      node.src = base + path;
      document.body.append(node);
    });
  const fetched = (method: string, path: string, mode: RequestMode) =>
    within((done) => {
      const init = { method, mode, body: method === 'GET' ? undefined : Uint8Array.from(body), headers: {} };
      fetch(base + path, init)
        .then(async (response) => {
          if (response.ok) read.push(`${mode} ${method} ${path}`);
          await response.body?.cancel();
        })
        .catch(() => {})
        .finally(done);
    });
  const form = (method: string, path: string, enctype: string) =>
    within((done) => {
      const node = document.createElement('form');
      Object.assign(node, { method, action: base + path, target: 'form', enctype });
      const field = document.createElement('input');
      Object.assign(field, { name: '{"outputs":1,"x":"', value: '"}' });
      node.append(field);
      document.body.append(node);
      node.submit();
      setTimeout(done, 150);
    });
  for (const [method, path] of endpoints) {
    await fetched(method, path, 'cors');
    if (['GET', 'POST'].includes(method)) await fetched(method, path, 'no-cors');
    if (method === 'GET') await Promise.all([element('img', path), element('script', path), element('iframe', path)]);
    if (method === 'POST') await form('POST', path, 'text/plain');
    if (method === 'POST') navigator.sendBeacon(base + path, new Blob([Uint8Array.from(body)]));
  }
  return read;
}

/** Runs in the page. @returns EventSources and WebSockets that opened */
async function connections([base, body]: [string, number[]]): Promise<string[]> {
  const read: string[] = [];
  for (const path of ['/v1/events', '/v1/streams/s/outputs'])
    await within((done) => {
      const source = new EventSource(base + path);
      source.onopen = () => {
        read.push(`EventSource ${path}`);
        done();
      };
      source.onerror = () => {
        source.close();
        done();
      };
    });
  for (const path of ['/v1/ws', '//v1/ws', '//', '/v1/ws?outputs=all'])
    for (const protocols of [[], ['runlet.v1']])
      await within((done) => {
        let socket: WebSocket;
        try {
          socket = new WebSocket(base.replace('http', 'ws') + path, protocols);
        } catch {
          return done();
        }
        socket.onopen = () => {
          read.push(`WebSocket ${path}`);
          socket.send(Uint8Array.from(body));
          done();
        };
        socket.onerror = () => done();
      });
  return read;
}

const state = () => {
  const { active, previous, staged, floor } = gateway.store.slot('main');
  return [
    active?.version,
    previous?.version,
    staged,
    floor,
    gateway.uploads.size,
    [...gateway.streams.keys()],
    [...gateway.slots.keys()],
  ];
};
/** Makes every attempt. @returns what the page could read */
async function try_(page: Page, base: string): Promise<string[]> {
  await page.evaluate('globalThis.__name = (named) => named'); // esbuild's code for function names calls it
  await page.evaluate(define);
  const body = [...bytesOf(signal(0, 0, 4))];
  const read = await page.evaluate(requests, [base, paths(), body] as Parameters<typeof requests>[0]);
  return [...read, ...(await page.evaluate(connections, [base, body] as Parameters<typeof connections>[0]))];
}

only('a page of another origin reads and changes nothing, whatever it tries', async () => {
  const before = JSON.stringify(state());
  const port = (elsewhere.address() as AddressInfo).port;
  for (const site of [`http://evil.example:${port}`, `http://127.0.0.1:${port}`, `http://localhost:${port}`]) {
    passed = [];
    const page = await browser.newPage();
    await page.goto(site);
    const read = await try_(page, served.url);
    assert.equal(read, [], site);
    assert.equal(passed, [], site);
    assert.is(JSON.stringify(state()), before, site);
    await page.close();
  }
  assert.is(served.counts.faults, 0);
});

only("a page whose name was rebound to the gateway's address reads and changes nothing", async () => {
  const before = JSON.stringify(state());
  passed = [];
  const page = await browser.newPage();
  const base = `http://${rebound}:${new URL(served.url).port}`;
  const answer = await page.goto(base);
  // the refusal's page has the origin of a rebound page
  assert.is(answer?.status(), 403);
  assert.is(await page.evaluate(() => location.origin), base);
  const read = await try_(page, base);
  assert.equal(read, []);
  assert.equal(passed, []);
  assert.is(JSON.stringify(state()), before);
  await page.close();
});

only("the gateway's own page can do all of it, so the attempts above are valid", async () => {
  passed = [];
  const page = await browser.newPage();
  assert.is((await page.goto(served.url))?.status(), 200);
  const read = await try_(page, served.url);
  for (const wanted of [
    'cors GET /v1/status',
    'cors POST /v1/slots/main/rollback',
    'EventSource /v1/events',
    'WebSocket /v1/ws',
    'cors GET /metrics',
  ])
    assert.ok(read.includes(wanted), `${wanted}: ${read.join(', ')}`);
  assert.ok(passed.includes('POST /v1/uploads'));
  assert.is(gateway.store.slot('main').active?.version, '1.1.0', 'rolled back');
  await page.close();
});

test.run();
