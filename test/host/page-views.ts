/**
 * What every report page must hold to in Chromium: nothing wider than the page, no text of a drawing cut, nothing fetched, a light and a dark form.
 *
 * In: a page and the views to open it in.  Out: assertions.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { chromiumPath, flags } from '../browser/page.ts';

export type View = readonly [width: number, colorScheme: 'light' | 'dark'];

export async function checkViews(html: string, views: readonly View[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-page-'));
  const file = join(folder, 'page.html');
  writeFileSync(file, html);
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
  try {
    const colours = new Set<string>();
    for (const [width, colorScheme] of views) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const requests: string[] = [];
      page.on('request', (r) => requests.push(r.url()));
      await page.goto(`file://${file}`);
      const found = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        colour: getComputedStyle(document.body).backgroundColor,
        cut: [...document.querySelectorAll('svg text')]
          .filter((t) => {
            const [own, outer] = [t.getBoundingClientRect(), (t.closest('svg') as SVGElement).getBoundingClientRect()];
            return own.width > 0 && (own.right > outer.right + 0.5 || own.left < outer.left - 0.5);
          })
          .map((t) => t.textContent),
      }));
      assert.ok(found.wide <= width, `${found.wide} of ${width} pixels`);
      assert.equal(found.cut, [], `${width} pixels`);
      assert.ok(requests.every((url) => /^(file|data):/.test(url)));
      colours.add(found.colour);
      await page.close();
    }
    assert.is(colours.size, 2);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}
