/**
 * Checks of every page: axe-core has no finding (with all its rules), and nothing sticks out of the window.
 *
 * In: an open page.  Out: findings as text, none if the page is right; a screenshot in the folder
 * RUNLET_SHOTS, if it is set.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  id: string;
  help: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

export async function axeFindings(page: Page): Promise<string[]> {
  // evaluated, not fetched, so a page's script policy does not prevent it
  await page.evaluate(axe);
  // biome-ignore lint/suspicious/noExplicitAny: axe's own global
  const found = await page.evaluate(async () => (await (globalThis as any).axe.run()).violations as Finding[]);
  return found.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.slice(0, 4).map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary?.split('\n')[1]?.trim()})`).join('; ')}`, // biome-ignore format: one line
  );
}

/**
 * Returns elements that reach over a side of the window, and a page that is wider than it. Elements in
 * scrolling containers are allowed.
 */
export const stickingOut = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const wide = document.documentElement.scrollWidth;
    const found = wide > innerWidth ? [`the page: ${wide} of ${innerWidth} pixels`] : [];
    for (const element of document.querySelectorAll('body *')) {
      if (element.closest('svg') && element.tagName !== 'svg') continue;
      const scrolls = element.parentElement?.closest('.scroll, .rows');
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.height === 0 || scrolls) continue;
      const name = `${element.tagName.toLowerCase()}${element.id && `#${element.id}`}.${element.getAttribute('class') ?? ''}`;
      if (box.right > innerWidth + 0.5 || box.left < -0.5) found.push(`${name}: ${box.left} to ${box.right}`);
    }
    return found.slice(0, 12);
  });

/** Saves a screenshot if RUNLET_SHOTS is set. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env.RUNLET_SHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
