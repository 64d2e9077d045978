/**
 * `runlet page kws.wasm vad.wasm --gate` in headless Chromium: the zoo's vad wakes its kws. Outputs, words
 * and counts of work equal those in Node with the gate. The outputs equal those of a kws that never sleeps.
 * The microphone wakes it too. The page shows gate, work, delay and kept bytes.
 *
 * Skipped if there is no Chromium.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GateSummary } from '../../host/session/index.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { runCli } from '../host/helpers.ts';
import { type PageVerb, startPage } from '../host/page-verb.ts';
import { everyView } from '../host/page-views.ts';
import { root } from '../shared.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { entries, type HeardInNode, inNode, samplesOf } from './in-node.ts';
import { chromiumPath, flags } from './page.ts';
import { type Outputs, wavBytes } from './web-page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
const folder = mkdtempSync(join(tmpdir(), 'runlet-page-gate-'));
const condition = 'kws=vad>0.5 for 1s';
const models = ['kws.wasm', 'vad.wasm'];
const rateHz = 16_000;

let browser: Browser;
test.before(async () => {
  if (!chromiumPath) return;
  const speech = await samplesOf(join(root, 'models/zoo/kws/demo.wav'));
  const word = (from: number, to: number) => speech.subarray(from * rateHz, to * rateHz);
  // quiet noise between words, longer than the model's window and context
  const quiet = (seconds: number) => Float32Array.from({ length: seconds * rateHz }, (_, n) => (((n * 7919) % 61) - 30) / 32768);
  const write = (name: string, parts: Float32Array[]) =>
    writeFileSync(join(folder, name), wavBytes(Float32Array.from(parts.flatMap((part) => [...part])), rateHz));
  write('sparse.wav', [quiet(4), word(0, 12), quiet(9), word(16, 28), quiet(9), word(40, 52), quiet(9)]);
  write('late.wav', [quiet(5), word(0, 5)]);
  for (const name of ['kws', 'vad']) {
    const zoo = join(root, 'models/zoo', name);
    const args = [
      'build',
      join(zoo, `${name}.onnx`),
      '--calib',
      join(zoo, 'calib.npy'),
      '--preset',
      'fast',
      '-o',
      `${name}.wasm`,
    ];
    const { code, stderr } = await runCli(folder, args);
    assert.is(code, 0, stderr);
  }
  const fake = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  const microphone = `--use-file-for-fake-audio-capture=${join(folder, 'late.wav')}`;
  browser = await chromium.launch({ executablePath: chromiumPath, args: [...flags, ...fake, microphone] });
});
test.after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Runs the models in Node. */
const nodeRun = (sound: string, gate: string | undefined): Promise<HeardInNode> =>
  inNode(
    models.map((name) => join(folder, name)),
    join(folder, sound),
    gate,
  );

type Found = Outputs & { gate?: GateSummary };
// biome-ignore lint/suspicious/noExplicitAny: the page's own global
const found = (page: Page): Promise<Found> => page.evaluate(() => (globalThis as any).runletPage.outputs());
const text = (page: Page, selector: string): Promise<string> => page.$eval(selector, (element) => element.textContent ?? '');

/** Waits for the end of run `n` of a recording. */
const ended = (page: Page, n: number) =>
  // biome-ignore lint/suspicious/noExplicitAny: the page's own global
  page.waitForFunction((count) => (globalThis as any).runletPage?.ended >= count, n, { timeout: 60_000 });

async function visiting(served: PageVerb, options: BrowserContextOptions, run: (page: Page) => Promise<void>): Promise<void> {
  // with reduced motion the page runs the whole recording at once
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const faults: string[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(served.address);
    await run(page);
    assert.equal(faults, []);
  } finally {
    await context.close();
  }
}

async function serving(args: string[], run: (served: PageVerb) => Promise<void>): Promise<void> {
  const served = await startPage(folder, ...models, ...args, '--gate', condition);
  assert.match(served.address, /^http/, served.stderr());
  try {
    await run(served);
  } finally {
    assert.is(await served.interrupt(), 130);
  }
}

only('a gated chain gives the outputs, words and counts of Node, and the outputs of a model that never slept', () =>
  serving(['sparse.wav'], (served) =>
    visiting(served, {}, async (page) => {
      await ended(page, 1);
      const [gated, alone] = [await nodeRun('sparse.wav', condition), await nodeRun('sparse.wav', undefined)];
      const seen = await found(page);
      assert.equal(entries(seen), [...(gated.outputs[0] ?? [])]);
      for (const [timeMs, values] of entries(seen)) assert.equal(values, alone.outputs[0]?.get(timeMs), `${timeMs} ms`);
      const { length } = seen.times;
      const { size = 0 } = alone.outputs[0] ?? {};
      assert.ok(length > 100 && length < 0.9 * size, `${length} of ${size}`);
      // the computing time differs, all else is counted
      assert.equal({ ...seen.gate, catchUpMs: 0 }, { ...gated.summary, catchUpMs: 0 });
      assert.ok((seen.gate?.opened ?? 0) >= 3 && (seen.gate?.skipped ?? 0) > 0.2);
      const heard = await page.$$eval('#heard-list b', (list) => list.map((b) => b.textContent));
      assert.equal(heard.reverse(), gated.heard);
      assert.ok(heard.length > 0);
      // the gate's model alone, which is the second entry of the list
      await page.check('input[name="model"][value="vad"]');
      await page.waitForSelector('#gate-numbers', { state: 'hidden' });
      assert.ok(await page.isHidden('canvas[data-lane="gate"]'));
      await page.click('#all');
      await ended(page, 2);
      assert.equal(entries(await found(page)), [...(alone.outputs[1] ?? [])]);
      console.log(`  ${length} of ${size} outputs, 0 differ; work ${gated.summary?.macs} of ${gated.summary?.awakeMacs}`);
    }),
  ),
);

only('the page shows gate, saved work, delay and kept bytes, on a desktop and a phone, light and dark', () =>
  serving(['sparse.wav'], async (served) => {
    const { summary } = await nodeRun('sparse.wav', condition);
    const { opened, macs, gateMacs, awakeMacs, keptFrames } = summary as GateSummary;
    for (const [width, colorScheme] of everyView)
      await visiting(served, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
        await ended(page, 1);
        const shown = await text(page, '#gate-numbers');
        assert.match(shown, new RegExp(`gateclosedvad>0\\.5 for 1000 ms; opened ${opened} times`));
        const saved = Number(/work saved([\d.]+) %/.exec(shown)?.[1]);
        assert.ok(Math.abs(saved - 100 * (1 - (macs + gateMacs) / awakeMacs)) <= 0.5, shown);
        assert.match(shown, /wake-up delay[\d.]+ ms.*up to 20 ms late; [\d.]+ hops to catch up take [\d.]+ ms/);
        assert.match(shown, new RegExp(`kept frames${((40 * keptFrames) / 1024).toFixed(1)} KB${keptFrames} frames`));
        assert.match(await text(page, '#facts'), /runs whilevad>0\.5 for 1000 msvad: 13,088 multiply-adds every 20 ms/);
        assert.match(await text(page, '#numbers'), /nowasleepthe gate is closed/);
        const coloured = await page.$eval('canvas[data-lane="gate"]', (canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const context = (canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
          const { data } = context.getImageData(0, height - 3, width, 1);
          return Array.from({ length: width }, (_, i) => Number(data[4 * i + 3] === 255)).reduce((sum, n) => sum + n, 0) / width;
        });
        assert.ok(coloured > 0.2 && coloured < 0.8, `the gate is drawn open for ${coloured} of the width`);
        await shot(page, `page-gate-${colorScheme}-${width}`);
        assert.equal(await stickingOut(page), [], `${width} pixels`);
        assert.equal(await axeFindings(page), [], `${colorScheme}, ${width} pixels`);
      });
  }),
);

only('another recording counts anew, an open gate is shown, and rows are refused', () =>
  serving(['sparse.wav'], (served) =>
    visiting(served, {}, async (page) => {
      await ended(page, 1);
      await page.setInputFiles('#file', join(folder, 'late.wav'));
      await page.waitForFunction(() => /late\.wav/.test(document.getElementById('source')?.textContent ?? ''));
      await page.click('#all');
      await ended(page, 2);
      assert.match(await text(page, '#gate-numbers'), /gateopenvad/);
      assert.not.match(await text(page, '#numbers'), /asleep/);
      const { summary } = await nodeRun('late.wav', condition);
      assert.equal({ ...(await found(page)).gate, catchUpMs: 0 }, { ...summary, catchUpMs: 0 });
      writeFileSync(join(folder, 'rows.npy'), writeNpy([10, 40], new Float32Array(400)));
      await page.setInputFiles('#file', join(folder, 'rows.npy'));
      await page.waitForSelector('#error small:text("RN785")');
      assert.match(await text(page, '#error'), /cannot open a gate/);
    }),
  ),
);

only('the microphone wakes the model', () =>
  serving([], (served) =>
    visiting(served, {}, async (page) => {
      await page.click('#microphone');
      await page.waitForFunction(() => /gateopen/.test(document.getElementById('gate-numbers')?.textContent ?? ''), undefined, {
        timeout: 30_000,
      });
      await page.waitForFunction(() => !/asleep|nothing/.test(document.getElementById('numbers')?.textContent ?? ''));
      await page.click('#microphone');
      const { times, gate } = await found(page);
      assert.ok(times.length > 0 && (gate?.opened ?? 0) > 0 && (gate?.macs ?? 0) > 0);
    }),
  ),
);

test.run();
