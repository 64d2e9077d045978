/**
 * The sources as JavaScript in dist/, so that `runlet` starts without a TypeScript loader. Runs after `npm ci`; `--types` adds declarations, for packing.
 *
 * In: index.ts, models, quant, assembly, host.  Out: dist/ with the same tree, and beside the code what it reads at run time.
 * Plain JavaScript, and esbuild alone: this runs before anything else does.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Not part of the package: what pages are built from, what runs in a clone only, what asc compiles. */
const leftOut = ['host/web', 'host/demo', 'models/zoo', 'assembly/kernels', 'assembly/host'];
/** Read as they are. */
const asTheyAre = ['assembly/kernels', 'host/bench/core', 'host/fit/coefficients.json', 'docs/errors.md'];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const sources = ['index.ts'];
for (const folder of ['models', 'quant', 'assembly', 'host'])
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) sources.push(`${folder}/${name}`);
const wanted = sources
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !leftOut.some((folder) => path.startsWith(`${folder}/`)));

const importOf = /((?:\bfrom|\bimport\()\s*["'`]\.[^"'`\n]*)\.ts(["'`])/g;
/** Relative imports name the file that is there. */
const compiled = (text) => text.replace(importOf, (_, before, quote) => `${before}.js${quote}`);

let esbuild;
try {
  esbuild = await import('esbuild');
} catch {
  process.stderr.write('dist/ is not made: esbuild is not installed (npm ci, with development dependencies)\n');
  process.exit(0);
}
rmSync(dist, { recursive: true, force: true });
const put = (path, text) => {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  writeFileSync(join(dist, path), text);
};
// the emitter and the kernels share their fields
const typescript = [...wanted.filter((path) => path.endsWith('.ts')), 'assembly/kernels/block.ts'];
const { outputFiles } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: typescript,
  outbase: '.',
  outdir: 'dist',
  format: 'esm',
  target: 'node20',
  write: false,
});
for (const { path, text } of outputFiles) put(path.slice(dist.length + 1), compiled(text));
for (const path of wanted.filter((p) => /\.(mjs|js|css|html|svg)$/.test(p))) put(path, readFileSync(join(root, path)));
for (const folder of asTheyAre) cpSync(join(root, folder), join(dist, folder), { recursive: true });
put('package.json', `${JSON.stringify({ type: 'module', version })}\n`);
if (process.argv.includes('--types')) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { cwd: root, stdio: 'inherit' });
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.d.ts')))
    put(name, compiled(readFileSync(join(dist, name), 'utf8')));
}
