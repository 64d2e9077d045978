/**
 * The zoo on the page of `npm run web`. Its cards (zoo.html) show every model, what the cards say, and the
 * figures of the served modules. Its vad wakes its kws: outputs with the gate equal those without it, words
 * equal those of both models in Node without a gate, and the page shows the saved work.
 *
 * Without Chromium only the files are checked.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import type { GateSummary } from '../../host/session/index.ts';
import type { Catalogue } from '../../host/web/protocol.ts';
import { buildWeb } from '../../scripts/web/build.ts';
import { everyView } from '../host/page-views.ts';
import { root } from '../shared.ts';
import { axeFindings, shot, stickingOut } from './accessible.ts';
import { entries, inNode } from './in-node.ts';
import { chromiumPath } from './page.ts';
import { sound, type Visit, WebPage, wavBytes } from './web-page.ts';

if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');
const only = chromiumPath ? test : test.skip;
let web: WebPage | undefined;
let folder = '';

test.before(async () => {
  web = chromiumPath ? await WebPage.open(wavBytes(sound(1, 48000), 48000)) : undefined;
  folder = web ? join(web.folder, 'web') : mkdtempSync(join(tmpdir(), 'runlet-zoo-'));
  if (!web) await buildWeb(folder);
});
test.after(async () => {
  await web?.close();
  rmSync(folder, { recursive: true, force: true });
});

const built = (name: string): string => join(folder, name);
const cards = (): Document => parseHTML(readFileSync(built('zoo.html'), 'utf8')).document;
const catalogue = (): Catalogue => JSON.parse(readFileSync(built('catalogue.json'), 'utf8')) as Catalogue;
const plain = (text: string): string => text.replace(/[`*]/g, '').replace(/\s+/g, ' ').trim();

const zoo = join(root, 'models/zoo');
const zooFolders = readdirSync(zoo, { withFileTypes: true }).flatMap(({ name }) =>
  existsSync(join(zoo, name, 'card.md')) || existsSync(join(zoo, name, 'README.md')) ? [name] : [],
);

/** Text of the section of a folder of the zoo. */
function sectionOf(name: string): string {
  const section = cards().getElementById(name);
  assert.ok(section, `there is no section ${name}`);
  return plain(section?.textContent ?? '');
}

test('every model and study of the zoo is on the page, with a link that plays it', () => {
  const { models } = catalogue();
  const links = [...cards().querySelectorAll('.play a')].map((link) => link.getAttribute('href'));
  for (const name of zooFolders) {
    sectionOf(name);
    for (const file of readdirSync(join(zoo, name)).filter((file) => file.endsWith('.onnx'))) {
      const model = file.replace('.onnx', '');
      assert.ok(models.some((entry) => entry.name === model), `${file} is not in the catalogue`); // biome-ignore format: one line
      assert.ok(links.includes(`./#${model}`), `nothing plays ${file}`);
    }
  }
  assert.ok(zooFolders.length >= 6 && links.length === models.length, `${links}`);
});

/** Cells of the first table below a heading. @param heading text of the line; undefined: the title */
function cellsBelow(card: string, heading?: string): string[] {
  const text = heading ? card.slice(card.indexOf(`\n## ${heading}\n`) + 1) : card;
  const [lines = ''] = /(^\|.*\n)+/m.exec(text) ?? [];
  return lines
    .split('\n')
    .filter((line) => !/^\|[-|]+$/.test(line))
    .flatMap((line) => line.split('|').slice(1, -1))
    .map(plain)
    .filter(Boolean);
}

test('the page says what the cards say: purpose, data, licences, attribution, accuracy', () => {
  for (const name of zooFolders.filter((folder) => existsSync(join(zoo, folder, 'card.md')))) {
    const card = readFileSync(join(zoo, name, 'card.md'), 'utf8');
    const text = sectionOf(name);
    const [title = '', about = ''] = card.split('\n\n').map(plain);
    const cells = [...cellsBelow(card, 'Training data'), ...cellsBelow(card, 'Accuracy')];
    assert.ok(cells.length > 12, `${name}: ${cells.length} cells`);
    for (const part of [title.replace('# ', ''), about, ...cells]) assert.ok(text.includes(part), `${name}: ${part}`);
    const facts = cellsBelow(card);
    const licence = facts[facts.indexOf('Licence of weights and code') + 1] as string;
    assert.ok(text.includes(`Licence of the weights and the code: ${licence}.`), `${name}: ${licence}`);
  }
});

test('work and bytes on the page are those of the served modules, and every address leads to a file', () => {
  const rows = [...cards().querySelectorAll('main > .scroll tbody tr')].map((row) =>
    [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? ''),
  );
  for (const { name, file, gate } of catalogue().models.filter(({ gate }) => !gate)) {
    const wasm = readFileSync(built(file));
    const { macsPerHop, bytes } = readManifest(wasm);
    const figures = [macsPerHop, wasm.length, bytes.memoryBytes].map((n) => n.toLocaleString('en'));
    assert.equal(rows.find((row) => row[0] === name)?.slice(2), figures, name);
    assert.not.ok(gate);
  }
  const files = [...cards().querySelectorAll('[src]')].map((element) => element.getAttribute('src') as string);
  for (const file of files) assert.ok(existsSync(built(file)), file);
  const anchors = [...cards().querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute('href')?.slice(1) as string);
  for (const anchor of anchors) assert.ok(cards().getElementById(anchor), anchor);
  assert.ok(files.length >= 6 && anchors.length >= 7);
});

async function visiting(options: Parameters<WebPage['visit']>[0], run: (visit: Visit) => Promise<void>): Promise<void> {
  const visit = await (web as WebPage).visit(options);
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

only('vad wakes kws: the same outputs while it is awake, the same words, less work', () =>
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
    const ungated = await inNode([built('models/kws.wasm'), built('models/vad.wasm')], recording, undefined);
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
