/**
 * The cards of the zoo on the page of `npm run web` (zoo.html): every model is there, with the words of its
 * card and the figures of the served module. The catalogue has a pair with a gate.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../assembly/bundle/read.ts';
import type { Catalogue } from '../host/web/protocol.ts';
import { buildWeb } from '../scripts/web/build.ts';
import { root } from './shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-zoo-'));
test.before(async () => void (await buildWeb(folder)));
test.after(() => rmSync(folder, { recursive: true }));

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
  for (const { name, file } of catalogue().models.filter(({ gate }) => !gate)) {
    const wasm = readFileSync(built(file));
    const { macsPerHop, bytes } = readManifest(wasm);
    const figures = [macsPerHop, wasm.length, bytes.memoryBytes].map((n) => n.toLocaleString('en'));
    assert.equal(rows.find((row) => row[0] === name)?.slice(2), figures, name);
  }
  const files = [...cards().querySelectorAll('[src]')].map((element) => element.getAttribute('src') as string);
  for (const file of files) assert.ok(existsSync(built(file)), file);
  const anchors = [...cards().querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute('href')?.slice(1) as string);
  for (const anchor of anchors) assert.ok(cards().getElementById(anchor), anchor);
  assert.ok(files.length >= 6 && anchors.length >= 7);
});

test('in one entry, a model of the page wakes another one', () => {
  const { models } = catalogue();
  const [pair, ...others] = models.filter(({ gate }) => gate);
  assert.equal(others, []);
  assert.is(pair?.file, models.find(({ name }) => name === 'kws')?.file);
  assert.ok(models.some(({ name, gate }) => name === pair?.gate?.by && !gate));
  assert.ok(existsSync(built(pair?.demo?.file ?? '-')));
});

test.run();
