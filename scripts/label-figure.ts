/**
 * Draws docs/images/label.png: the gateway's page /label with windows of har-watch's demo recording
 * (`npm run figure:label`). Two answers were given before, one by each of two annotators.
 *
 * In: the zoo's model and recording.  Out: a picture, light theme, 1280 px wide. It needs Chromium; the
 * environment variable CHROMIUM selects another one.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { chromium } from 'playwright-core';
import { newKeyPair } from '../assembly/bundle/keys.ts';
import { signBundle } from '../assembly/bundle/sign.ts';
import { zooBundle } from '../host/gateway/demo.ts';
import { Gateway } from '../host/gateway/gateway.ts';
import { gatewayApp } from '../host/gateway/http/app.ts';
import { Door } from '../host/gateway/http/door.ts';
import { serve } from '../host/gateway/http/serve.ts';
import { addPage } from '../host/gateway/page/page.ts';
import { nodeDisk } from '../host/gateway/store/disk.ts';
import { defaultIntake, Intake } from '../host/gateway/streams/intake.ts';
import { Tracker } from '../host/gateway/watch/tracker.ts';
import { openSource } from '../host/sources/index.ts';
import { chromiumPath, flags } from '../test/browser/page.ts';
import { root } from '../test/shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-figure-'));
const pair = await newKeyPair();
const { wasm } = await zooBundle({ model: 'har/har-watch.onnx', calib: 'har/calib-watch.npy', hop: 64, quantHop: 64, version: '1.0.0', sequence: 1 }); // biome-ignore format: one line
const bundle = await signBundle(wasm, pair);
const gateway = await Gateway.open(nodeDisk(folder), { policy: { keys: [pair.publicKey] } });
await gateway.receive(bundle, createHash('sha256').update(bundle).digest('hex'));
await gateway.try();
await gateway.collection.turnOn('main', { random: { share: 0.2, seed: 7 }, maxBytes: 1 << 26, keepDays: 30 });

const recording = join(root, 'models/zoo/har/demo-watch.csv');
const names = gateway.find('main').active?.manifest.columns;
const source = await openSource(recording, { frameElements: 6, columns: names });
let next = 0;
for await (const chunk of source.frames) next = gateway.push('watch-1', new Uint8Array(Float32Array.from(chunk).buffer), { from: next }); // biome-ignore format: one line
const { windows } = gateway.collection.slot('main');
while ((gateway.streams.get('watch-1')?.waiting ?? 0) > 64) await new Promise((resolve) => setTimeout(resolve, 50));
await gateway.collection.slot('main').settled();

const { app, uploads } = gatewayApp({ gateway, log: pino({ level: 'silent' }) });
const intake = new Intake(gateway, defaultIntake);
const tracker = new Tracker(gateway);
addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
const served = await serve({ app, door: new Door(), host: '127.0.0.1', port: 0 });
const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', deviceScaleFactor: 1.5 });
  await page.goto(`${served.url}/label`);
  for (const annotator of ['Ben', 'Anna']) {
    await page.fill('#name', annotator);
    await page.press('#name', 'Enter');
    const ready = () => page.waitForSelector('#work:not([hidden])[aria-busy="false"]');
    await ready();
    await page.waitForTimeout(2500);
    await page.keyboard.press('1');
    await page.waitForSelector('#last-part:not([hidden])');
    await ready();
    if (annotator === 'Ben') await page.click('#rename');
  }
  await page.waitForSelector('#agreement');
  await page.mouse.move(0, 0);
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(root, 'docs/images/label.png') });
  process.stdout.write(`${windows.count} windows; the picture is docs/images/label.png\n`);
} finally {
  await browser.close();
  await served.stop();
  await uploads.close();
  tracker.close();
  await intake.close();
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
}
