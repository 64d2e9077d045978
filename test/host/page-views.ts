/**
 * Checks of every report page in Chromium: nothing is wider than the page, no text of a drawing is cut,
 * nothing is fetched, there is a light and a dark form, and axe-core has no finding.
 *
 * In: a page and the views to open it in.  Out: assertions.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { axeFindings, shot, stickingOut } from '../browser/accessible.ts';
import { chromiumPath, flags } from '../browser/page.ts';

export type View = readonly [width: number, colorScheme: 'light' | 'dark'];

/** A desktop and a phone, light and dark. */
export const everyView: readonly View[] = [
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
];

/** Opens a page in each view and checks it. @param name of the pictures */
export async function checkViews(name: string, html: string, views: readonly View[] = everyView): Promise<void> {
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
        colour: getComputedStyle(document.body).backgroundColor,
        cut: [...document.querySelectorAll('svg text')]
          .filter((t) => {
            const [own, outer] = [t.getBoundingClientRect(), (t.closest('svg') as SVGElement).getBoundingClientRect()];
            return own.width > 0 && (own.right > outer.right + 0.5 || own.left < outer.left - 0.5);
          })
          .map((t) => t.textContent),
      }));
      await shot(page, `${name}-${colorScheme}-${width}`);
      assert.equal(await stickingOut(page), [], `${name}, ${width} pixels`);
      assert.equal(await axeFindings(page), [], `${name}, ${colorScheme}, ${width} pixels`);
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
