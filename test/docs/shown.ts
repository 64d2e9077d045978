/**
 * Reads the text that a page shows in headless Chromium.
 *
 * In: an address, and a function that checks whether the text is complete.  Out: the text of the page;
 * undefined if there is no Chromium.
 */
import { chromium } from 'playwright-core';
import { chromiumPath } from '../browser/page.ts';

const limitMs = 60_000;

/** @param isComplete true if the text has everything. After a minute the text is returned in any case. */
export async function shownAt(address: string, isComplete: (text: string) => boolean): Promise<string | undefined> {
  if (!chromiumPath) {
    console.log(`  not run, no Chromium: ${address}`);
    return undefined;
  }
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    const until = Date.now() + limitMs;
    // the server may still be starting
    while (!(await page.goto(address).catch(() => undefined)) && Date.now() < until) await page.waitForTimeout(200);
    let text = '';
    for (; Date.now() < until; await page.waitForTimeout(200)) {
      // biome-ignore lint/performance/useDomNodeTextContent: the visible text, without scripts
      text = await page.locator('body').innerText();
      if (isComplete(text) || problems.length > 0) break;
    }
    return [text, ...problems].join('\n');
  } finally {
    await browser.close();
  }
}
