/**
 * Builds the page's scripts with esbuild, for scripts/prepare.mjs (the page of `runlet page`) and build.ts
 * (the page with the zoo).
 *
 * In: host/web.  Out: files by name. The same sources give the same bytes.
 */
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const source = (name) => join(root, 'host/web', name);
/** Node modules that the compiler imports only in Node. */
const nodeOnly = ['fs', 'module', 'path', 'url', 'node:*'];

/** Excludes host/web/compiler.ts, but no other file of that name. */
const withoutCompiler = {
  name: 'without-compiler',
  setup: ({ onResolve }) =>
    onResolve({ filter: /compiler\.ts$/ }, ({ resolveDir, path }) =>
      resolve(resolveDir, path) === source('compiler.ts') ? { path, external: true } : undefined,
    ),
};

/**
 * Builds the scripts, which share common code, and the worklet, which is a single file.
 * @param compiler true: the page can compile code. AssemblyScript and binaryen (about 15 MB) are then in
 * `later`, because few visits need them. False: the page must not name kernels in its catalogue.
 */
export async function pageScripts({ compiler }) {
  const common = {
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    write: false,
    legalComments: 'none',
    external: nodeOnly,
    plugins: compiler ? [] : [withoutCompiler],
    metafile: true,
    absWorkingDir: root,
    outdir: root,
  };
  const split = await build({
    ...common,
    entryPoints: { page: source('page.ts'), worker: source('worker.ts') },
    format: 'esm',
    splitting: true,
    chunkNames: 'part-[hash]',
  });
  const worklet = await build({ ...common, entryPoints: { capture: source('capture.ts') }, format: 'iife' });
  const nameOf = (path) => resolve(root, path).slice(root.length + 1);
  const isCompiler = ([, { inputs }]) => Object.keys(inputs).some((name) => /node_modules.(assemblyscript|binaryen)./.test(name));
  const late = new Set(
    Object.entries(split.metafile.outputs)
      .filter(isCompiler)
      .map(([path]) => nameOf(path)),
  );
  const files = [...split.outputFiles, ...worklet.outputFiles].map(({ path, contents }) => [nameOf(path), contents]);
  return {
    first: new Map(files.filter(([name]) => !late.has(name))),
    later: new Map(files.filter(([name]) => late.has(name))),
  };
}
