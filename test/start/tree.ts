/**
 * Compiles the tree once for all test files of a run. Otherwise each process would start tsx and spend up to
 * half a second on the same work.
 *
 * In: a folder.  Out: each source as JavaScript with its source map. Only TypeScript for Node is compiled.
 */
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../shared.ts';
import { sourcesIn } from '../sources.ts';

const leftOut = /^(assembly\/(kernels|host)|test\/wamr\/naive)\/|^assembly\/runtime\/(?!numbers)|\.d\.ts$/;

export async function compileTree(folder: string): Promise<void> {
  const sources = [
    ...sourcesIn('models', 'quant', 'assembly', 'host', 'test', 'scripts'),
    'index.ts',
    'compile.ts',
    'session.ts',
  ];
  await build({
    absWorkingDir: root,
    entryPoints: sources.filter((path) => path.endsWith('.ts') && !leftOut.test(path)).map((path) => join(root, path)),
    outbase: root,
    outdir: folder,
    format: 'esm',
    target: 'node20',
    sourcemap: 'external',
    sourcesContent: false,
    logLevel: 'error',
  });
}
