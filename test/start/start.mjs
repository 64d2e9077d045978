/**
 * Starts a test file from the compiled tree (hooks.mjs). Stack traces show lines of the sources.
 *
 * In: RUNLET_TEST_TREE, the folder that test/run.ts has compiled. Without it tsx compiles.
 */
import { readFileSync } from 'node:fs';
import { register, SourceMap, syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import threads from 'node:worker_threads';
import './usage.mjs';

const root = new URL('../../', import.meta.url).href;
const tree = process.env.RUNLET_TEST_TREE;

/** Source maps that a stack trace has needed; most test files need none. */
const maps = new Map();
function mapOf(url) {
  if (!maps.has(url)) {
    try {
      const path = `${tree}/${decodeURIComponent(url.slice(root.length)).replace(/\.ts$/, '.js')}.map`;
      maps.set(url, new SourceMap(JSON.parse(readFileSync(path, 'utf8'))));
    } catch {
      maps.set(url, undefined);
    }
  }
  return maps.get(url);
}

/** Returns a line of a stack trace. */
function lineOf(site) {
  const url = site.getFileName() ?? '';
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  const entry = url.startsWith(root) && url.endsWith('.ts') ? mapOf(url)?.findEntry(line - 1, column - 1) : undefined;
  const text = `    at ${site}`;
  if (entry?.originalLine === undefined) return text;
  return text.replace(`:${line}:${column}`, `:${entry.originalLine + 1}:${entry.originalColumn + 1}`);
}

/**
 * Starts a gateway's threads from its package (scripts/prepare.mjs, run by test/run.ts). From the sources
 * each thread would start tsx.
 */
function startFromPackage() {
  const [source, compiled] = ['', 'dist/host/gateway/'].map((part) => new URL(`host/gateway/${part}worker/start.mjs`, root));
  threads.Worker = new Proxy(threads.Worker, {
    construct: (target, [url, options], newTarget) =>
      Reflect.construct(target, [url instanceof URL && url.href === source.href ? compiled : url, options], newTarget),
  });
  syncBuiltinESMExports();
}

if (tree) {
  startFromPackage();
  register('./hooks.mjs', import.meta.url, { data: { root, tree } });
  Error.prepareStackTrace = (error, sites) => [Error.prototype.toString.call(error), ...sites.map(lineOf)].join('\n');
} else {
  const { register: withTsx } = await import('tsx/esm/api');
  withTsx();
}
