/**
 * The sources as JavaScript in dist/, so that `runlet` starts without a TypeScript loader. Runs after `npm ci`, and before packing, then with declarations of types.
 *
 * In: index.ts, models, quant, assembly, host.  Out: dist/ with the same tree, and beside the code what it reads at run time.
 * `npx runlet` in a clone may run this while another `runlet` starts: files that are as they should be are left alone, and at no time is one missing.
 * Plain JavaScript, and esbuild alone: this runs before anything else does.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Not part of the package: what pages are built from, what runs in a clone only, what asc compiles. */
const leftOut = ['host/web', 'host/demo', 'models/zoo', 'assembly/kernels', 'assembly/host'];
/** Read as they are. */
const asTheyAre = [
  'asconfig.json',
  'asconfig.mjs',
  'assembly/kernels',
  'host/bench/core',
  'host/fit/coefficients.json',
  'docs/errors.md',
];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const under = (folder, path) => relative(folder, path).replaceAll('\\', '/');
/** Every file of a folder; a file is its own. */
const filesOf = (path) =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

const sources = ['models', 'quant', 'assembly', 'host'].flatMap((folder) =>
  filesOf(join(root, folder)).map((file) => under(root, file)),
);
const wanted = ['index.ts', ...sources].filter((path) => !leftOut.some((folder) => path.startsWith(`${folder}/`)));

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
/** The file's place in dist/ and its bytes. */
const files = new Map();
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
for (const { path, text } of outputFiles) files.set(under(dist, path), Buffer.from(compiled(text)));
for (const path of wanted.filter((p) => /\.(mjs|js|css|html|svg)$/.test(p))) files.set(path, readFileSync(join(root, path)));
for (const path of asTheyAre) for (const file of filesOf(join(root, path))) files.set(under(root, file), readFileSync(file));
if (['pack', 'publish'].includes(process.env.npm_command)) {
  const types = mkdtempSync(join(tmpdir(), 'runlet-types-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json', '--outDir', types], { cwd: root, stdio: 'inherit' });
    for (const file of filesOf(types)) files.set(under(types, file), Buffer.from(compiled(readFileSync(file, 'utf8'))));
  } finally {
    rmSync(types, { recursive: true });
  }
}

files.set('package.json', Buffer.from(`${JSON.stringify({ type: 'module', version })}\n`));

for (const [path, bytes] of files) {
  const place = join(dist, path);
  if (existsSync(place) && readFileSync(place).equals(bytes)) continue;
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, bytes);
}
for (const file of filesOf(dist)) if (!files.has(under(dist, file))) rmSync(file, { force: true });
// its time says when dist/ was made (host/cli/bin.js)
utimesSync(join(dist, 'package.json'), new Date(), new Date());
