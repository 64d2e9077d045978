/**
 * Every internal link of README and of the documentation has a target, checked without building the site:
 * files, headings, the side bar.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addressOf,
  anchorOf,
  generatedFolder,
  isPage,
  navigation,
  routeOf,
  sections,
  targetOf,
} from '../../docs/.vitepress/site.ts';
import { root } from '../shared.ts';
import { allFiles, textOf } from '../sources.ts';
import { prose } from './fences.ts';

const pages = ['README.md', ...allFiles.filter(isPage)];

/** Returns the text of a heading without code marks, emphasis and addresses of links. */
const plain = (heading: string): string => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');

const anchors = new Map<string, Set<string>>();
function anchorsOf(page: string): Set<string> {
  const known = anchors.get(page);
  if (known) return known;
  const found = new Set<string>();
  for (const [, heading] of textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm)) {
    const base = anchorOf(plain(heading as string));
    let anchor = base;
    for (let n = 1; found.has(anchor); n++) anchor = `${base}-${n}`;
    found.add(anchor);
  }
  anchors.set(page, found);
  return found;
}

test('every link leads to an existing file and heading', () => {
  const wrong: string[] = [];
  let links = 0;
  for (const page of pages)
    for (const [, link] of prose(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/i.test(link as string)) continue;
      links++;
      const target = targetOf(page, link as string);
      const [, anchor] = /#(.*)$/.exec(link as string) ?? [];
      if (!existsSync(join(root, target)) || target.startsWith('..')) wrong.push(`${page}: ${link}`);
      else if (anchor && !anchorsOf(target).has(decodeURI(anchor))) wrong.push(`${page}: ${link}: no such heading`);
    }
  assert.equal(wrong, []);
  assert.ok(links > 150, `${links} links`);
});

test('the side bar lists every page of docs/ once, and no other file', () => {
  const listed = sections.flatMap((section) => section.pages.map(({ file }) => file));
  assert.equal(listed.length, new Set(listed).size);
  const missing = [...listed, ...navigation.map(({ file }) => file)].filter(
    (file) => !file.startsWith(`${generatedFolder}/`) && !allFiles.includes(file),
  );
  assert.equal(missing, []);
  const decisions = textOf('docs/adr/index.md');
  const unlisted = allFiles
    .filter((file) => file.startsWith('docs/') && file.endsWith('.md') && file !== 'docs/index.md')
    .filter((file) => !listed.includes(file))
    .filter((file) => !(file.startsWith('docs/adr/') && decisions.includes(`](${file.slice('docs/adr/'.length)})`)));
  assert.equal(unlisted, [], 'docs/.vitepress/site.ts lists pages, docs/adr/index.md decisions');
});

test('every link of the front page leads to a page', () => {
  const addresses = allFiles.filter(isPage).map(addressOf);
  const links = [...textOf('docs/index.md').matchAll(/^ +link: (\S+)$/gm)].map(([, link]) => link as string);
  assert.ok(links.length > 5);
  assert.equal(
    links.filter((link) => !addresses.includes(link)),
    [],
  );
});

test('no two pages have the same address', () => {
  const routes = allFiles.filter(isPage).map(routeOf);
  assert.equal(
    routes.filter((route, i) => routes.indexOf(route) !== i),
    [],
  );
});

test.run();
