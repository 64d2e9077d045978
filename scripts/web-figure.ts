/**
 * Draws docs/images/web.png: the page with har-watch at the end of its demo recording (`npm run figure:web`).
 *
 * In: the built page.  Out: a picture, light theme, 1280 px wide. It needs Chromium; the environment variable
 * CHROMIUM selects another one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { chromiumPath, flags } from '../test/browser/page.ts';
import { root } from '../test/shared.ts';
import { buildWeb } from './web/build.ts';
import { serveFolder } from './web/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-figure-'));
await buildWeb(folder);
const served = await serveFolder(folder);
const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: 'light', deviceScaleFactor: 1.5 });
  await page.goto(served.address);
  // this model shows more than the default one: six channels and several activities
  await page.check('input[name="model"][value="har-watch"]');
  await page.waitForFunction(() => /demo-watch/.test(document.getElementById('source')?.textContent ?? ''));
  await page.click('#all');
  // biome-ignore lint/suspicious/noExplicitAny: the page's own global
  await page.waitForFunction(() => (globalThis as any).runletPage.ended > 0, undefined, { timeout: 120_000 });
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.mouse.move(0, 0);
  await page.waitForTimeout(300);
  const { bottom } = await page.$eval('.under', (element) => element.getBoundingClientRect());
  const clip = { x: 0, y: 0, width: 1280, height: Math.min(860, Math.ceil(bottom) + 16) };
  await page.screenshot({ path: join(root, 'docs/images/web.png'), clip });
} finally {
  await browser.close();
  served.close();
  rmSync(folder, { recursive: true, force: true });
}
