/**
 * The gateway's page in headless Chromium, light and dark, wide and on a phone: the running bundles, losses,
 * a swap, a trial, the banner of unsigned development mode, the token. It requests nothing from elsewhere,
 * and its Content-Security-Policy reports no fault. /metrics is checked number by number.
 */
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { protocolsFor } from '../../host/gateway/http/guard.ts';
import type { Served } from '../../host/gateway/http/serve.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { attachWebSockets } from '../../host/gateway/streams/websocket.ts';
import { readOutput, writeFrames } from '../../host/gateway/streams/wire.ts';
import { bundleOf, bytesOf, expected, keys, signal } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { chromiumPath } from './page.ts';
import { servePage } from './served-page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const token = 'a-token-of-some-length';
let gateway: Gateway;
let intake: Intake;
let served: Served;
let browser: Browser | undefined;
let close = async () => {};

test.before(async () => {
  gateway = await Gateway.open(new CrashDisk(), {
    policy: { keys: [keys.publicKey], insecureUnsigned: true },
    pool: { threads: 1, budgetMs: 20_000 },
  });
  const first = await bundleOf(1);
  await gateway.receive(first.wasm, first.digest);
  await gateway.try();
  intake = new Intake(gateway, { reorderTicks: 0, maxWaitingHops: 1000, maxLagMs: 60_000 });
  const all = await servePage({ gateway, intake, wires: { lines: [] } }, new Door({ token }));
  ({ served, browser } = all);
  const sockets = attachWebSockets(served, intake);
  close = async () => {
    sockets.stop();
    await all.close();
  };
});
test.after(() => close());

const send = (stream: string, from: number, ticks: number) =>
  intake.take({ stream, from, bytes: bytesOf(signal(1, from, ticks)) });
const drained = async () => {
  for (let wait = 0; [...gateway.streams.values()].some(({ waiting }) => waiting > 3); wait++) {
    if (wait > 1000) throw new Error('frames still wait');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

async function visit(colorScheme: 'light' | 'dark', width: number): Promise<{ page: Page; faults: string[] }> {
  const page = await (browser as Browser).newPage({ colorScheme, viewport: { width, height: 900 } });
  const faults: string[] = [];
  page.on(
    'console',
    (message) => message.type() === 'error' && !/status of 401/.test(message.text()) && faults.push(message.text()),
  );
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => new URL(request.url()).host !== new URL(served.url).host && !request.url().startsWith('data:') && faults.push(request.url())); // biome-ignore format: one line
  await page.goto(served.url);
  await page.waitForSelector('#ask:not([hidden])');
  await page.fill('#token', token);
  await page.click('#ask button');
  await page.waitForSelector('#slots article');
  return { page, faults };
}

/** Returns the number of pixels of a canvas that were drawn on. */
const drawn = (page: Page, id: string) =>
  page.evaluate((where) => {
    const canvas = document.querySelector(`#${where} canvas`) as HTMLCanvasElement;
    const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
  }, id);

only('the page shows streams, losses, a swap and a refused bundle, in light and dark and on a phone', async () => {
  for (const stream of ['pump-1', 'pump-2', 'pump-10']) {
    for (let at = 0; at < 400; at += 8) if (stream !== 'pump-2' || at !== 80) send(stream, at, 8);
  }
  await drained();
  const next = await bundleOf(2);
  await gateway.receive(next.wasm, next.digest);
  const trial = gateway.try('main', { outputs: 2 });
  for (let at = 400; at < 600; at += 8) {
    for (const stream of ['pump-1', 'pump-2', 'pump-10']) send(stream, at, 8);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await trial;
  for (const stream of ['pump-1', 'pump-2', 'pump-10']) send(stream, 600, 40);
  await drained();
  const waits = await bundleOf(3);
  await gateway.receive(waits.wasm, waits.digest);
  const passed = gateway.try('main', { confirm: false, outputs: 1, seconds: 1 });
  send('pump-1', 640, 40);
  assert.is((await passed).phase, 'passed');
  await gateway.receive(next.wasm, 'f'.repeat(64)).catch(() => {});
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const) {
    // biome-ignore format: one line
    const { page, faults } = await visit(scheme, width);
    await page.waitForSelector('#plot canvas');
    const text = (selector: string) => page.$eval(selector, (node) => node.textContent ?? '');
    assert.match(await text('#insecure'), 'Unsigned development mode');
    assert.ok(await page.isHidden('#safe'));
    assert.ok(await page.isHidden('#cluster'), 'a gateway without a cluster shows none');
    assert.match(
      await text('#slots'),
      /1\.2\.0[\s\S]*no signature was verified[\s\S]*previous: .* 1\.1\.0[\s\S]*passed, not confirmed: .* 1\.3\.0/,
    );
    const rows = await page.$$eval('#streams tbody tr', (all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent)),
    );
    assert.equal(rows.map(([name, , , lost]) => [name, lost]), [['pump-1', '0'], ['pump-2', '8'], ['pump-10', '0']]); // biome-ignore format: one line
    const count = (name: string) => page.$$eval('#counts tr', (all, wanted) => all.find((row) => row.textContent?.startsWith(wanted))?.lastElementChild?.textContent, name); // biome-ignore format: one line
    const { received, lost } = intake.counts();
    assert.is(await count('received'), received.toLocaleString('en'));
    assert.is(await count('lost'), `${lost}`);
    assert.is(lost, 8);
    assert.match(await text('#notes'), 'RN810');
    assert.match(await text('#notes'), /bundle main: (swapped|confirmed)[\s\S]*stream pump-.*opened/);
    assert.is((await page.$$('.channel')).length, 6);
    assert.ok((await drawn(page, 'plot')) > 500 && (await drawn(page, 'latency')) > 500);
    assert.equal(await stickingOut(page), [], `${width} wide`);
    assert.equal(await axeFindings(page), [], `${scheme}, ${width} wide`);
    assert.not.match(await text('#slots'), /[0-9a-f]{8}/, 'versions, and no hashes');
    // the newest output by keys: time of its stream, value, and the version that gave it
    await page.focus('#plot');
    await page.keyboard.press('End');
    assert.match(await text('#reading'), /^[\d:.,]+: .+, by \S+ 1\.2\.0$/);
    await page.keyboard.press('Home');
    assert.match(await text('#reading'), /, by \S+ 1\.1\.0$/);
    await page.fill('#find', '-2');
    await page.waitForFunction(() => document.querySelectorAll('#streams tbody tr').length === 1);
    await page.click('#streams button');
    await page.waitForFunction(() => document.getElementById('name')?.textContent === 'pump-2');
    assert.equal(faults, []);
    await shot(page, `gateway-${scheme}-${width}`);
    await page.close();
  }
});

only('/metrics has the counts, and requires the token', async () => {
  assert.is((await fetch(`${served.url}/metrics`)).status, 401);
  const text = await (await fetch(`${served.url}/metrics`, { headers: { Authorization: `Bearer ${token}` } })).text();
  const value = (line: string) => Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
  const outputs = [...gateway.streams.values()].reduce((sum, { sequence }) => sum + sequence, 0);
  const { received, delivered, lost, filled } = intake.counts();
  assert.is(value('runlet_outputs_total{slot="main"}'), outputs);
  assert.is(value('runlet_output_latency_seconds_count{slot="main"}'), outputs);
  assert.is(value('runlet_streams{slot="main"}'), 3);
  for (const [what, count] of Object.entries({ received, delivered, lost, filled }))
    assert.is(value(`runlet_ticks_total{what="${what}"}`), count, what);
  assert.is(value('runlet_refused_total{code="RN810"}'), 1);
  assert.is(value('runlet_insecure_unsigned'), 1);
  const name = gateway.find('main').active?.manifest.inputs.at(0)?.name;
  // the frames are int8, so -128 and 127 count as saturated
  const given = [...gateway.streams.values()].length * 640 + 40;
  assert.ok(value(`runlet_input_saturated_total{slot="main",channel="${name} 0"}`) < given / 20);
  assert.is(value(`runlet_input_range{slot="main",channel="${name} 0",what="least"}`), -128);
});

only('the gateway’s page gets frames and outputs over a WebSocket and events by fetch, with no token in an address', async () => {
  const { page, faults } = await visit('light', 800);
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  page.on('websocket', (socket) => addresses.push(socket.url()));
  const frames = Array.from({ length: 10 }, (_, n) => [...writeFrames({ stream: 'browser', from: 8 * n, bytes: bytesOf(signal(2, 8 * n, 8)) })]); // biome-ignore format: one line
  const want = expected(2, 80);
  const run = (protocols: string[]) =>
    page.evaluate(
      ([offered, messages, count]) =>
        new Promise<{ protocol: string; closed?: number; outputs: number[][] }>((resolve) => {
          const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/ws`, offered);
          socket.binaryType = 'arraybuffer';
          const outputs: number[][] = [];
          socket.onopen = () => {
            for (const message of messages) socket.send(Uint8Array.from(message));
          };
          socket.onmessage = ({ data }) => {
            outputs.push([...new Uint8Array(data)]);
            if (outputs.length < count) return;
            resolve({ protocol: socket.protocol, outputs });
            socket.close();
          };
          socket.onclose = ({ code }) => resolve({ protocol: socket.protocol, closed: code, outputs });
        }),
      [protocols, frames, want.length] as const,
    );
  const found = await run(protocolsFor(token));
  assert.equal([found.protocol, found.closed], ['runlet.v1', undefined]);
  const outputs = found.outputs.map((bytes) => readOutput(Uint8Array.from(bytes)));
  assert.equal(outputs.map(({ values }) => [...values]), want.map((raw) => [...raw].map((q) => 0.5 * q))); // biome-ignore format: one line
  for (const protocols of [[], ['runlet.v1'], protocolsFor('another-token-of-some-length')]) {
    const refused = await run(protocols);
    assert.equal([refused.protocol, refused.closed, refused.outputs], ['', 1006, []]);
  }
  // EventSource cannot send a token, fetch can
  const read = await page.evaluate(async (bearer) => {
    const headers = { Authorization: `Bearer ${bearer}`, 'Last-Event-ID': '10' };
    const response = await fetch('/v1/streams/browser/outputs', { headers });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!/^id: 12$/m.test(text)) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    return text;
  }, token);
  assert.equal(read.match(/^id: 1[12]$/gm), ['id: 11', 'id: 12']);
  // the page keeps the token for its tab only
  assert.is(await page.evaluate(() => sessionStorage.length + localStorage.length), 1);
  await page.reload();
  await page.waitForSelector('#slots article');
  assert.ok(await page.isHidden('#ask'));
  await page.evaluate(() => sessionStorage.setItem('runlet-token', 'another-one-of-some-length'));
  await page.reload();
  await page.waitForSelector('#ask:not([hidden])');
  assert.is(await page.evaluate(() => sessionStorage.length), 0, 'one that is wrong is forgotten');
  assert.ok(addresses.length > 5 && addresses.every((address) => !address.includes(token)), addresses.join());
  assert.equal(faults.filter((text) => !/WebSocket connection/.test(text)), []); // biome-ignore format: one line
  await page.close();
});

test.run();
