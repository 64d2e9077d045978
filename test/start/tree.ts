/**
 * Compiles the tree once, for all test files of one run: a process that starts with tsx spends up to half a
 * second on what others have done.
 *
 * In: a folder.  Out: each source there as JavaScript beside its source map. What is no TypeScript for Node
 * is left out.
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
