/**
 * Other engines for browsers with Runlet's simd module in one page of headless Chromium, alternately.
 *
 * In: an int8 Graph and windows, or a stateful TensorFlow Lite file and its steps.  Out: for each engine its
 * times and the distance of its outputs from ours, or why it is absent. Everything comes from this machine: a
 * folder of links, served on 127.0.0.1.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { chromium } from 'playwright-core';
import { quantile } from '../../host/statistics.ts';
import { serveFolder } from '../../scripts/web/serve.ts';
import { chromiumPath, flags } from '../browser/page.ts';
import { root } from '../shared.ts';
import type { compare, PageJob, PageSubject } from './chromium-page.ts';

const peers = join(import.meta.dirname, 'peers');
const packages = { litert: '@litertjs/core', tflite: '@tensorflow/tfjs-tflite' };

export interface ChromiumRow {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
  startMs: number;
  /** Largest distance from Runlet's outputs, in steps of the output. */
  steps: number;
}

export interface ChromiumRun {
  rows: ChromiumRow[];
  absent: { name: string; why: string }[];
  engine: string;
}

/** Returns the reason why nothing can run, or undefined. */
export function whyNot(): string | undefined {
  if (!chromiumPath) return 'no Chromium found; install the package chromium, or set CHROMIUM to its path';
  const missing = Object.values(packages).filter((name) => !existsSync(join(peers, 'node_modules', name)));
  return missing.length > 0 ? `not installed: ${missing.join(', ')}: npm run bench:install` : undefined;
}

export const versionOf = (which: keyof typeof packages): string =>
  (JSON.parse(readFileSync(join(peers, 'node_modules', packages[which], 'package.json'), 'utf8')) as { version: string }).version;

async function fill(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  const common = { bundle: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'error' } as const;
  // tfjs-tflite's default entry names a file that is elsewhere in its package
  const tflite = `${packages.tflite}/dist/tf-tflite.fesm.js`;
  const entries = { page: join(root, 'test/bench/chromium-page.ts'), litert: packages.litert, tflite };
  for (const [name, entry] of Object.entries(entries)) {
    const contents = `export * from ${JSON.stringify(entry)};`;
    await esbuild({ ...common, stdin: { contents, resolveDir: peers }, outfile: join(folder, `${name}.js`) });
  }
  for (const name of ['litert', 'tflite'] as const) {
    mkdirSync(join(folder, name));
    const from = join(peers, 'node_modules', packages[name], 'wasm');
    for (const file of readdirSync(from)) symlinkSync(join(from, file), join(folder, name, file));
  }
  // an isolated page has a 5 microsecond clock; its threads are disabled, so each engine has one
  const script = `delete globalThis.SharedArrayBuffer; import { compare } from './page.js'; globalThis.compare = compare;`;
  writeFileSync(
    join(folder, 'index.html'),
    `<!doctype html><meta charset="utf-8"><title>peers</title><link rel="icon" href="data:,"><body><script type="module">${script}</script>`,
  );
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
}

async function inPage(files: Record<string, Uint8Array>, job: PageJob): Promise<{ results: PageSubject[]; engine: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-peers-'));
  await fill(folder, files);
  const served = await serveFolder(folder);
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: flags });
  try {
    const tab = await browser.newPage();
    await tab.goto(served.address);
    await tab.waitForFunction(() => 'compare' in globalThis);
    const results = await tab.evaluate((given) => (globalThis as unknown as { compare: typeof compare }).compare(given), job);
    return { results, engine: `Chromium ${browser.version()}` };
  } finally {
    await browser.close();
    served.close();
    rmSync(folder, { recursive: true });
  }
}

const distance = (a: number[][], b: number[][]): number =>
  Math.max(...a.flatMap((row, i) => row.map((v, j) => Math.abs(v - (b[i]?.[j] ?? Number.NaN)))));

/** Runs all engines. The first is Runlet, with whose outputs the others are compared. */
export async function inChromium(files: Record<string, Uint8Array>, job: PageJob): Promise<ChromiumRun> {
  const { results, engine } = await inPage(files, job);
  const ours = results[0]?.answers ?? [];
  return {
    engine,
    absent: results.flatMap(({ name, failed }) => (failed === undefined ? [] : [{ name, why: failed.split('\n')[0] as string }])),
    rows: results
      .filter(({ failed }) => failed === undefined)
      .map(({ name, samples, startMs, answers }) => ({
        name,
        medianUs: quantile(samples, 0.5),
        p5Us: quantile(samples, 0.05),
        p95Us: quantile(samples, 0.95),
        startMs,
        steps: distance(ours, answers),
      })),
  };
}
