/**
 * Loads a source of the tree as test/start/tree.ts has compiled it; other files are loaded as usual,
 * TypeScript through esbuild.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

let root = '';
let tree = '';

export function initialize(data) {
  ({ root, tree } = data);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const compiled = url.startsWith(root) ? `${tree}/${decodeURIComponent(url.slice(root.length)).replace(/\.ts$/, '.js')}` : '';
  if (existsSync(compiled)) return { format: 'module', shortCircuit: true, source: readFileSync(compiled) };
  const { transform } = await import('esbuild');
  const options = { loader: 'ts', format: 'esm', target: 'node20' };
  return {
    format: 'module',
    shortCircuit: true,
    source: (await transform(readFileSync(fileURLToPath(url), 'utf8'), options)).code,
  };
}
