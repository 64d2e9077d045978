/**
 * Compiles the sources to JavaScript: dist/ of each of the three packages. It runs after `npm ci`, and before
 * packing. Packing also makes type declarations, unless they are up to date.
 *
 * In: the entries, models, quant, assembly, host.  Out: dist/, host/session/dist/ and host/gateway/dist/.
 * Each has the tree of the sources that belong to its package, and the files that the code reads at run time.
 * Rule: a file belongs to one package. A relative import of another package's file becomes an import of that
 * package, such as `runlet/dist/models/read/npy.js`, so every module is loaded once. A clone has links to its
 * own packages (package.json), so it runs the published code. `npx runlet` in a clone may run this script
 * while another `runlet` starts; up-to-date files are therefore not written, and no file is ever missing. The
 * script is plain JavaScript and uses only esbuild, because it runs before everything else.
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
import { dirname, join, posix, relative } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');

/** Public entries of the package runlet. */
const entries = ['index.ts', 'compile.ts', 'session.ts'];
/** Not part of a package: sources of pages, files that only a clone uses, sources that asc compiles. */
const leftOut = ['host/web', 'models/zoo', 'assembly/kernels', 'assembly/runtime', 'assembly/host'];
/** Copied without a change, because the code reads them at run time. */
const asTheyAre = [
  'asconfig.json',
  'asconfig.mjs',
  'assembly/kernels',
  'assembly/runtime',
  'host/bench/core',
  'host/fit/coefficients.json',
  'docs/errors.md',
];

const textOf = (path) => readFileSync(join(root, path), 'utf8');
const under = (folder, path) => relative(folder, path).replaceAll('\\', '/');
/** Returns every file of a folder; for a file, the file itself. */
const filesOf = (path) =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** Matches relative imports, also of types. Groups: text before the path, the path, the quote behind it. */
const importOf = /((?:\bfrom|\bimport\()\s*["'`])(\.[^"'`\n]*)(["'`])/g;
/** Returns a file and all files that it imports, directly or indirectly. */
function closureOf(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, , to] of textOf(path).matchAll(importOf)) closureOf(posix.join(posix.dirname(path), to), found);
  return found;
}

const sessionEntry = 'host/session/index.ts';
const sessionFiles = closureOf(sessionEntry);
const packages = [
  { name: '@runlet/session', folder: 'host/session', owns: (path) => sessionFiles.has(path) },
  { name: '@runlet/gateway', folder: 'host/gateway', owns: (path) => path.startsWith('host/gateway/') },
  { name: 'runlet', folder: '.', owns: () => true },
];
/** Returns the package of a source. */
const ownerOf = (path) => packages.find(({ owns }) => owns(path));

/** Rewrites the imports in the output of esbuild or tsc for `source`, so that they name existing files. */
function linked(text, source) {
  return text.replace(importOf, (whole, before, to, quote) => {
    if (to.includes('$')) return whole.replace(/\.ts(?=["'`]$)/, '.js');
    const target = posix.join(posix.dirname(source), to.replace(/\.js$/, '.ts'));
    const { name } = ownerOf(target);
    const path = name === ownerOf(source).name ? to : `${name}/dist/${target}`;
    return `${before}${path.replace(/\.ts$/, '.js')}${quote}`;
  });
}

const isOutput = (path) => /(^|\/)(dist|node_modules)\//.test(path);
const sources = ['models', 'quant', 'assembly', 'host']
  .flatMap((folder) => filesOf(join(root, folder)).map((file) => under(root, file)))
  .filter((path) => !isOutput(path));
const wanted = [...entries, ...sources].filter((path) => !leftOut.some((folder) => path.startsWith(`${folder}/`)));

let esbuild;
try {
  esbuild = await import('esbuild');
} catch {
  process.stderr.write('dist/ is not made: esbuild is not installed (npm ci, with development dependencies)\n');
  process.exit(0);
}
/** For each package: path in dist/ and bytes of each file. */
const files = new Map(packages.map(({ name }) => [name, new Map()]));
const put = (source, path, bytes) => files.get(ownerOf(source).name).set(path, Buffer.from(bytes));

const common = { absWorkingDir: root, format: 'esm', write: false };
// numbers.ts is shared by the emitter and the runtime
const typescript = [...wanted.filter((path) => path.endsWith('.ts')), 'assembly/runtime/numbers.ts'];
const { outputFiles, metafile } = await esbuild.build({
  ...common,
  metafile: true,
  entryPoints: typescript,
  outbase: '.',
  outdir: 'dist',
  target: 'node20',
});
for (const { path, text } of outputFiles) {
  const place = under(join(root, 'dist'), path);
  const source = place.replace(/\.js$/, '.ts');
  if (!sessionFiles.has(source)) put(source, place, linked(text, source));
}
for (const path of wanted.filter((p) => /\.(mjs|js|css|html|svg)$/.test(p))) put(path, path, readFileSync(join(root, path)));
for (const path of asTheyAre) for (const file of filesOf(join(root, path))) put(path, under(root, file), readFileSync(file));

// The session is one minified module, which also works in script tags. Its other files re-export from this
// module, so that there is one copy of the code and the package is small.
const namesIn = (source) => metafile.outputs[`dist/${source.replace(/\.ts$/, '.js')}`].exports;
const handedOn = (source, module) => `export { ${namesIn(source).join(', ')} } from '${module}';\n`;
const inside = [...sessionFiles].filter((source) => source !== sessionEntry);
const contents = inside.map((source) => handedOn(source, `./${source}`)).join('');
const stdin = { contents, resolveDir: root, loader: 'ts' };
const [session] = (await esbuild.build({ ...common, stdin, bundle: true, minify: true, target: 'es2022' })).outputFiles;
const oneModule = 'session.min.js';
files.get('@runlet/session').set(oneModule, Buffer.from(session.contents));
for (const source of sessionFiles)
  put(source, source.replace(/\.ts$/, '.js'), handedOn(source, posix.relative(posix.dirname(source), oneModule)));

const timeOf = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);
/** Its modification time is the time of the last type declarations. */
const typesMade = 'dist/index.d.ts';
const typesAreFresh = wanted.every((path) => timeOf(path) <= timeOf(typesMade));

function makeTypes() {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-types-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.types.json', '--outDir', folder], { cwd: root, stdio: 'inherit' });
    for (const file of filesOf(folder)) {
      const place = under(folder, file);
      const source = place.replace(/\.d\.ts$/, '.ts');
      put(source, place, linked(readFileSync(file, 'utf8'), source));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
// The page of `runlet page`. It has no compiler (15 MB), so models that are dropped on it become layer
// tables.
const { pageScripts } = await import('./web/scripts.mjs');
for (const [name, bytes] of (await pageScripts({ compiler: false })).first)
  files.get('runlet').set(`page/${name}`, Buffer.from(bytes));
for (const name of ['index.html', 'icon.svg', 'page.css'])
  files.get('runlet').set(`page/${name}`, readFileSync(join(root, 'host/web', name)));
const packing = ['pack', 'publish'].includes(process.env.npm_command);
if (packing && !typesAreFresh) makeTypes();

const { version } = JSON.parse(textOf('package.json'));
for (const { name, folder } of packages) {
  const made = files.get(name);
  for (const path of ['LICENSE', 'NOTICE']) if (folder !== '.') made.set(path, readFileSync(join(root, path)));
  made.set('package.json', Buffer.from(`${JSON.stringify({ type: 'module', version })}\n`));
  const dist = join(root, folder, 'dist');
  for (const [path, bytes] of made) {
    const place = join(dist, path);
    if (existsSync(place) && readFileSync(place).equals(bytes)) continue;
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, bytes);
  }
  for (const file of filesOf(dist))
    if (!made.has(under(dist, file)) && !(typesAreFresh && file.endsWith('.d.ts'))) rmSync(file, { force: true });
}
if (packing && !typesAreFresh) utimesSync(join(root, typesMade), new Date(), new Date());
// its modification time is the time when dist/ was made (host/cli/bin.js reads it)
utimesSync(join(root, 'dist/package.json'), new Date(), new Date());
