/**
 * Draws docs/images/plan.png: the page of `runlet plan models/zoo/ppg-hr/ppg-hr.onnx --hop 50 --html`, with
 * the pointer on a row (`npm run figure`).
 *
 * In: the zoo model.  Out: a picture of the page's figure, light theme, 1180 px wide. It needs Chromium; the
 * environment variable CHROMIUM selects another one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { planPage } from '../host/report/plan-html/page.ts';
import { withShortNames } from '../models/graph/names.ts';
import { readModel } from '../models/read/index.ts';
import { planStream } from '../models/stream/plan.ts';
import { chromiumPath, flags } from '../test/browser/page.ts';
import { root } from '../test/shared.ts';

const graph = withShortNames(await readModel(new Uint8Array(readFileSync(join(root, 'models/zoo/ppg-hr/ppg-hr.onnx')))));
const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 1400 }, colorScheme: 'light', deviceScaleFactor: 1.5 });
  await page.setContent(planPage(planStream(graph, { hop: 50 }), 32));
  const lane = page.locator('[data-layer="8"] svg.window');
  const box = await lane.boundingBox();
  if (!box) throw new Error('the page has no layer 8');
  await page.mouse.move(box.x + 0.62 * box.width, box.y + box.height / 2);
  await page.waitForTimeout(500); // wait until the windows have moved to their start
  const bottom = await page.locator('.legend').boundingBox();
  await page.screenshot({
    path: join(root, 'docs/images/plan.png'),
    clip: { x: 0, y: 0, width: 1180, height: Math.ceil((bottom?.y ?? 0) + (bottom?.height ?? 0) + 24) },
  });
} finally {
  await browser.close();
}
