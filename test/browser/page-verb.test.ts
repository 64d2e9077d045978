/**
 * `runlet page` in headless Chromium: recordings of six channels and of one value run at once and are
 * compared with their truth.
 *
 * Skipped if there is no Chromium.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { runCli } from '../host/helpers.ts';
import { startPage } from '../host/page-verb.ts';
import { root } from '../shared.ts';
import { shot } from './accessible.ts';
import { chromiumPath, flags } from './page.ts';
import { openModel } from './web-model.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const folder = mkdtempSync(join(tmpdir(), 'runlet-page-'));
const zoo = (path: string) => join(root, 'models/zoo', path);

let browser: Browser;
test.before(async () => {
  if (chromiumPath) browser = await chromium.launch({ executablePath: chromiumPath, args: flags });
});
test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

interface Seen {
  numbers: string;
  facts: string;
  models: string;
}

/** Builds a model, opens its page and waits for the end of the recording. */
async function answered(name: string, build: string[], args: string[]): Promise<Seen> {
  const made = await runCli(folder, ['build', ...build, '--preset', 'fast', '-o', `${name}.wasm`]);
  assert.is(made.code, 0, made.stderr);
  const served = await startPage(folder, `${name}.wasm`, ...args);
  assert.match(served.address, /^http/, served.stderr());
  // with reduced motion the page runs the whole recording at once
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1200, height: 800 } });
  try {
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(served.address);
    // biome-ignore lint/suspicious/noExplicitAny: the page's own global
    await page.waitForFunction(() => (globalThis as any).runletPage?.ended > 0, undefined, { timeout: 20_000 });
    await shot(page, `page-verb-${name}`);
    const text = (selector: string) => page.$eval(selector, (element) => element.textContent ?? '');
    assert.equal(faults, []);
    assert.ok(await page.isHidden('#error'));
    return { numbers: await text('#numbers'), facts: await text('#facts'), models: await text('#models') };
  } finally {
    await context.close();
    assert.is(await served.interrupt(), 130);
  }
}

only('six channels have names, and answers are scored against the activity', async () => {
  const { numbers, facts, models } = await answered(
    'watch',
    [zoo('har/har-watch.onnx'), '--calib', zoo('har/calib-watch.npy')],
    [zoo('har/demo-watch.csv')],
  );
  assert.match(facts, /ax, ay, az, gx, gy, gz/);
  assert.match(models, /har-watch\s*watch\.wasm/);
  assert.match(numbers, /9\d\.\d %\s*of 353 answers right/);
});

only('one value gives the mean error against the truth', async () => {
  const { numbers } = await answered(
    'pulse',
    [zoo('ppg-hr/ppg-hr.onnx'), '--calib', zoo('ppg-hr/calib.npy'), '--hop', '32'],
    [zoo('ppg-hr/demo.csv'), '--truth', 'bpm_true'],
  );
  const error = Number(/so far\s*([\d.]+).*mean error against the truth/.exec(numbers)?.[1]);
  assert.ok(error > 0 && error < 5, numbers);
});

only("if a model's time axis is unknown, the page asks which dimension it is", async () => {
  const bytes = writeModel({
    nodes: [{ op: 'Conv', name: 'c', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: { x: [1, 1, 49, 43] },
    outputs: ['y'],
    tensors: { w: { dims: [2, 1, 3, 3], floats: new Array<number>(18).fill(0.01) } },
  });
  writeFileSync(join(folder, 'square.onnx'), bytes);
  const served = await startPage(folder, 'watch.wasm');
  const page = await browser.newPage();
  // the page's own model arrives later and must not replace the question
  let arrive = () => {};
  const held = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  try {
    await page.route('**/model.wasm', (route) => held.then(() => route.continue()));
    await Promise.all([page.waitForRequest('**/model.wasm'), page.goto(served.address)]);
    await page.setInputFiles('#file', join(folder, 'square.onnx'));
    const choice = page.locator('#error button:text("Dimension 3 is time")');
    await choice.waitFor();
    const arrived = page.waitForResponse('**/model.wasm');
    arrive();
    await arrived;
    await page.waitForTimeout(500);
    await choice.click();
    // a float model needs a signal next
    await page.waitForSelector('#error small:text("RN782")');
    assert.match((await page.textContent('#error')) ?? '', /Choose a signal/);
  } finally {
    await page.close();
    assert.is(await served.interrupt(), 130);
  }
});

only('if a model leaves its window and a number open, the page asks for both', async () => {
  writeFileSync(join(folder, 'open.onnx'), openModel());
  const served = await startPage(folder, 'watch.wasm');
  const page = await browser.newPage();
  try {
    await page.goto(served.address);
    await page.setInputFiles('#file', join(folder, 'open.onnx'));
    const use = page.locator('#question button:text("Use")');
    await use.waitFor();
    await shot(page, 'page-verb-open');
    await page.fill('#frames', '24');
    await page.fill('#number-0', 'fast');
    await use.click();
    assert.ok(await page.isVisible('#question'), 'a word is no number');
    await page.fill('#number-0', '50');
    await use.click();
    // a float model needs a signal next
    await page.waitForSelector('#error small:text("RN782")');
  } finally {
    await page.close();
    assert.is(await served.interrupt(), 130);
  }
});

test.run();
