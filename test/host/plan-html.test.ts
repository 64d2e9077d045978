/**
 * plan --html: the figure shows as many new, left and right rows as the plan computes. The page needs no
 * other file and runs in Chromium.
 *
 * The first part counts in the text. The second runs a headless browser and is skipped if there is none.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planPage } from '../../host/report/plan-html/page.ts';
import { sweepPage } from '../../host/report/plan-html/sweep-page.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { planRows } from '../../models/report/print.ts';
import { sweepHops } from '../../models/report/sweep.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions, StreamPlan } from '../../models/stream/types.ts';
import { chromiumPath, flags } from '../browser/page.ts';
import { root } from '../shared.ts';
import { fAcc, fEeg } from '../stages/paper-networks.ts';
import { checkViews } from './page-views.ts';

const ppg = await readModel(new Uint8Array(readFileSync(join(root, 'models/zoo/ppg-hr/ppg-hr.onnx'))));
const cases: [string, Graph, PlanOptions][] = [
  ['ppg-hr, stream', ppg, { hop: 64 }],
  ['ppg-hr, edge-exact', ppg, { hop: 50 }],
  ['ppg-hr, left edges from the raw window', ppg, { hop: 50, mode: 'edge-exact', budgetRam: 3000 }],
  ['ppg-hr, windowed', ppg, { hop: 50, mode: 'windowed' }],
  ['f_EEG, 64 phases', fEeg(1), { hop: 1 }],
  ['f_EEG, stream with look-ahead', fEeg(1), { hop: 256, mode: 'stream' }],
  ['f_ACC, folded head', fAcc(1), { hop: 160 }],
  ['f_ACC, partial sums', fAcc(1), { hop: 160, mode: 'stream' }],
  ['f_ACC, approximate', fAcc(1), { hop: 160, mode: 'approx' }],
  ['ppg-hr, misaligned', ppg, { hop: 50, mode: 'misaligned' }],
  ['f_ACC, unaligned micro-hops', fAcc(1), { hop: 60, microHop: 20 }],
];

/** Returns the number of rows that a layer computes in a hop, by kind. */
function expected(plan: StreamPlan, i: number): Record<string, number> {
  const node = plan.graph.nodes[i];
  if (!node) return {};
  const stream = plan.tensors.get(node.output)?.stream;
  if (stream) return { new: stream.newRows, left: stream.leftEdge?.computed ?? 0, right: stream.window?.right ?? 0 };
  const trunk = plan.layout ? undefined : plan.tensors.get(node.output);
  if (trunk && plan.mode === 'misaligned') return {}; // the number differs from hop to hop
  if (trunk) return { new: plan.hop / trunk.jump, left: 0, right: 0 };
  return { whole: planRows(plan)[i]?.framesPerHop ?? 0 };
}

for (const [name, graph, options] of cases)
  test(`${name}: the figure has the plan's rows, and the page needs no other file`, () => {
    const plan = planStream(graph, options);
    const html = planPage(plan);
    assert.not.match(html, /(src|href)="(?!data:,")|url\(|@import|https?:\/\/(?!www\.w3\.org)/);
    const { document } = parseHTML(html);
    const layers = [...document.querySelectorAll('.layer[data-layer]')];
    assert.is(layers.length, graph.nodes.length + 1);
    for (const i of graph.nodes.keys()) {
      const paths = [...(layers[i + 1] as Element).querySelectorAll('path[data-kind]')];
      for (const [kind, rows] of Object.entries(expected(plan, i))) {
        const shown = paths.filter((p) => p.getAttribute('data-kind') === kind);
        const sum = shown.reduce((n, p) => n + Number(p.getAttribute('data-rows')), 0);
        assert.is(sum, rows, `${graph.nodes[i]?.name}: ${kind}`);
      }
    }
  });

test('names from a file cannot become markup', () => {
  const graph = fAcc(1);
  const named = {
    ...graph,
    name: '<img src=x>',
    nodes: graph.nodes.map((n) => ({ ...n, name: `</script><b>${n.name}` })),
  } as Graph;
  const html = planPage(planStream(named, { hop: 160 }));
  assert.not.match(html, /<img|<\/script><b>/);
});

if (!chromiumPath) console.log('skipped in part: no Chromium found; install the package chromium, or set CHROMIUM to its path');

(chromiumPath ? test : test.skip)('in Chromium: no error, nothing wider than the page, hops and pointers work', async () => {
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
  try {
    const sweep = sweepPage({ sweep: sweepHops(ppg), over: 'hop', mark: 64, rate: 32 }, 'ppg-hr', 'a note');
    await checkViews('plan', planPage(planStream(ppg, { hop: 50 }), 32));
    await checkViews('sweep', sweep);
    for (const [name, html] of [['plan', planPage(planStream(ppg, { hop: 50 }), 32)] as const, ['sweep', sweep] as const])
      for (const width of [1400, 390]) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: width === 390 ? 'dark' : 'light' });
        const problems: string[] = [];
        page.on('console', (message) => problems.push(message.text()));
        page.on('pageerror', (error) => problems.push(String(error)));
        page.on('request', (request) => problems.push(request.url()));
        await page.setContent(html);
        const textAt = async (selector: string) => (await page.locator(selector).textContent()) ?? '';
        const point = async (selector: string, share: number) => {
          const lane = page.locator(selector);
          const box = await lane.boundingBox();
          await lane.hover({ position: { x: share * (box?.width ?? 0), y: 5 }, force: true });
        };
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} at ${width}`);
        if (name === 'plan') {
          const where = () => textAt('#where');
          const before = await where();
          await page.locator('#on').click();
          assert.match(await where(), /^window n = 3: frames 150 to 405; .* 12\.69 s$/);
          assert.is.not(await where(), before);
          assert.is(
            await page
              .locator('[data-layer="5"] .dots i.on')
              .evaluate((dot) => [...(dot.parentNode as Element).children].indexOf(dot)),
            1,
          );
          await point('[data-layer="7"] svg.window', 0.6);
          assert.is(await page.locator('.cone rect').count(), 8, 'the row and what it depends on in seven layers');
          assert.match(await textAt('.tip'), /^node_conv1d_5, row \d+ of window 3: reads input frames \d+ to \d+$/);
          await page.locator('.figure').focus();
          await page.keyboard.press('Escape');
          assert.ok(await page.locator('.tip').isHidden());
          for (const key of ['ArrowDown', 'ArrowUp', 'ArrowLeft']) await page.keyboard.press(key);
          assert.match(await textAt('.tip'), /, row \d+ of window 3: reads input frames \d+ to \d+$/);
        } else {
          await point(`svg.sweep.${width === 390 ? 'slim' : 'wide'}`, 0.5);
          assert.match(await textAt('.tip'), /^hop \d+, edge-exact.*MACs per hop/);
          await page.locator(`svg.sweep.${width === 390 ? 'slim' : 'wide'}`).focus();
          await page.keyboard.press('Home');
          await page.keyboard.press('ArrowRight');
          assert.match(await textAt('.tip'), /^hop 2, /);
        }
        assert.equal(problems, []);
        await page.close();
      }
  } finally {
    await browser.close();
  }
});

test.run();
