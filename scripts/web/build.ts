/**
 * Builds the page: scripts by esbuild, the zoo's bundles and cards, front ends, and the kernels for the
 * page's compiler.
 *
 * In: host/web and the zoo.  Out: a folder of static files for any server, and their list. The same sources
 * give the same bytes.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import { nodeTools } from '../../assembly/emit/compile.ts';
import { producer } from '../../host/command/producer.ts';
import { baseStyle } from '../../host/report/design/page.ts';
import type { Catalogue } from '../../host/web/protocol.ts';
import { root } from '../../test/shared.ts';
import { cardsPage } from './cards.ts';
import { pageScripts } from './scripts.mjs';
import { zooAssets } from './zoo.ts';

const source = join(root, 'host/web');
const plain = ['index.html', 'icon.svg'];

async function serviceWorker(folder: string, files: string[], version: string): Promise<void> {
  await esbuild({
    entryPoints: { 'service-worker': join(source, 'service-worker.ts') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    define: { pageFiles: JSON.stringify(['./', ...files]), pageVersion: JSON.stringify(version) },
  });
}

/** Builds the page. Returns its files, relative to `folder`. */
export async function buildWeb(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const files = [...plain, 'page.css'];
  writeFileSync(join(folder, 'page.css'), `${baseStyle()}${readFileSync(join(source, 'page.css'), 'utf8')}`);
  for (const name of plain) copyFileSync(join(source, name), join(folder, name));
  const { first, later } = await pageScripts({ compiler: true });
  for (const [name, bytes] of [...first, ...later]) writeFileSync(join(folder, name), bytes);
  files.push(...first.keys());
  const put = (name: string, bytes: Uint8Array | string): string => {
    // a browser installs no service worker whose list has a file twice
    if (files.includes(name)) throw new Error(`${name} is put into the page twice`);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
    files.push(name);
    return name;
  };
  const { models, frontEnds, built } = await zooAssets(put);
  const catalogue: Catalogue = {
    version: producer(),
    models,
    frontEnds,
    cards: put('zoo.html', await cardsPage(folder, built, models, put)),
    offline: true,
    compiler: { kernels: put('kernels.json', JSON.stringify(nodeTools.sources())) },
  };
  put('catalogue.json', JSON.stringify(catalogue));
  const hash = createHash('sha256');
  for (const name of [...files, ...later.keys()]) hash.update(name).update(readFileSync(join(folder, name)));
  await serviceWorker(folder, files, hash.digest('hex').slice(0, 16));
  return [...files, ...later.keys(), 'service-worker.js'];
}

/** Returns sizes with gzip: `page` is fetched before the first model runs (without demos), `all` in total. */
export function sizes(folder: string, files: string[]): { page: number; all: number; each: Map<string, number> } {
  const each = new Map(files.map((name) => [name, gzipSync(readFileSync(join(folder, name)), { level: 9 }).length]));
  const meta = new Set(firstFiles(folder));
  const sum = (names: Iterable<string>) => [...names].reduce((total, name) => total + (each.get(name) ?? 0), 0);
  return { page: sum(meta), all: sum(files), each };
}

/** Returns the document, its scripts with their static imports, the style sheet and the catalogue. */
function firstFiles(folder: string): Set<string> {
  const found = new Set(['index.html', 'page.css', 'icon.svg', 'catalogue.json']);
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, part] of text.matchAll(/(?:^|[;}\n])import\s*(?:[^'"();]*?from\s*)?["']\.\/(part-[A-Z0-9]+\.js)["']/g))
      visit(part as string);
  };
  for (const name of ['page.js', 'worker.js']) visit(name);
  return found;
}
