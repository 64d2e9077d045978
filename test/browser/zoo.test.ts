/**
 * The zoo on the page of `npm run web`, in headless Chromium. Its cards (zoo.html) are read and lead to the
 * models. Its vad-small wakes its kws: outputs with the gate equal those without it, words equal those of
 * both models in Node without a gate, and the page shows the saved work.
 *
 * Skipped if there is no Chromium.
 */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { GateSummary } from '../../host/session/index.ts';
import { everyView } from '../host/page-views.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { entries, inNode } from './in-node.ts';
import { chromiumPath } from './page.ts';
import { sound, type Visit, WebPage, wavBytes } from './web-page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
let web: WebPage;
test.before(async () => {
  if (chromiumPath) web = await WebPage.open(wavBytes(sound(1, 48000), 48000));
});
test.after(async () => {
  await web?.close();
});

const built = (name: string): string => join(web.folder, 'web', name);

async function visiting(options: Parameters<WebPage['visit']>[0], run: (visit: Visit) => Promise<void>): Promise<void> {
  const visit = await web.visit(options);
  await run(visit);
  assert.equal(visit.faults, []);
  await visit.context.close();
}

only('the cards, on a desktop and a phone, light and dark; a link plays its model', async () => {
  for (const [width, colorScheme] of everyView)
    await visiting({ colorScheme, viewport: { width, height: 900 } }, async ({ page }) => {
      await page.click('.cards a');
      await page.waitForSelector('#har');
      for (const image of await page.$$('img')) await image.scrollIntoViewIfNeeded();
      await shot(page, `zoo-cards-${colorScheme}-${width}`);
      assert.equal(await stickingOut(page), [], `${width} pixels`);
      assert.equal(await axeFindings(page), [], `${colorScheme}, ${width} pixels`);
      await page.click('.play a[href="./#har-phone"]');
      // biome-ignore lint/suspicious/noExplicitAny: the page's own global
      await page.waitForFunction(() => (globalThis as any).runletPage?.model === 'har-phone');
      await page.waitForFunction(() => /demo-phone\.csv, /.test(document.getElementById('source')?.textContent ?? ''));
    });
});

only('vad-small wakes kws: the same outputs while it is awake, the same words, less work', () =>
  visiting({}, async (visit) => {
    const recording = built('demos/kws-pauses.wav');
    await visit.choose('kws-vad', /demo-pauses\.wav, /);
    const gated = (await visit.runAtOnce()) as Awaited<ReturnType<typeof visit.runAtOnce>> & { gate: GateSummary };
    const words = (await visit.page.$$eval('#heard-list b', (list) => list.map((b) => b.textContent))).reverse();
    const shown = await visit.text('#gate-numbers');
    await visit.choose('kws', /demo\.wav, /);
    await visit.drop(recording);
    await visit.source(/kws-pauses\.wav, /);
    const alone = new Map(entries(await visit.runAtOnce()));
    for (const [timeMs, values] of entries(gated)) assert.equal(values, alone.get(timeMs), `${timeMs} ms`);
    const { length } = gated.times;
    assert.ok(length > 100 && length < 0.9 * alone.size, `${length} of ${alone.size} outputs`);
    const ungated = await inNode([built('models/kws.wasm'), built('models/vad-small.wasm')], recording, undefined);
    assert.equal(words, ungated.heard);
    assert.ok(words.length > 0);
    const { opened, macs, gateMacs, awakeMacs } = gated.gate;
    const saved = 1 - (macs + gateMacs) / awakeMacs;
    assert.ok(opened > 1 && saved > 0.1, `${opened} times open, ${saved} saved`);
    const text = Number(/work saved([\d.]+) %/.exec(shown)?.[1]);
    assert.ok(Math.abs(text - 100 * saved) <= 0.5, shown);
    console.log(
      `  ${length} of ${alone.size} outputs, 0 differ; ${words.length} words; ${(100 * saved).toFixed(1)} % of the work saved`,
    );
  }),
);

only('the page shows the gated pair, on a desktop and a phone, light and dark', async () => {
  for (const [width, colorScheme] of everyView)
    await visiting({ colorScheme, viewport: { width, height: 900 } }, async (visit) => {
      await visit.choose('kws-vad', /demo-pauses\.wav, /);
      await visit.runAtOnce();
      await shot(visit.page, `zoo-gate-${colorScheme}-${width}`);
      assert.equal(await stickingOut(visit.page), [], `${width} pixels`);
      assert.equal(await axeFindings(visit.page), [], `${colorScheme}, ${width} pixels`);
    });
});

test.run();
