/**
 * The complete build in a page, with AssemblyScript's compiler, which includes binaryen.
 *
 * In: sources of kernels and runtime by path.  Out: a build function.  Exact: the same bytes as in Node.
 * Cost: about 15 MB (3 with gzip), loaded at the first use; one or two seconds per compilation, during which
 * it blocks its Web Worker.
 */
import * as asc from 'assemblyscript/asc';
import config from '../../asconfig.json' with { type: 'json' };
import { type Build, builder } from '../../assembly/build-with.ts';
import type { Tools } from '../../assembly/emit/compiler.ts';
import { interpretersOf } from '../../assembly/emit/interpreters.ts';
import { runAsc } from '../../assembly/emit/tools.mjs';

export function browserBuild(sources: Record<string, string>): Build {
  const tools: Tools = {
    sources: () => sources,
    config: () => JSON.stringify(config),
    assemble: (job) => runAsc(asc, job),
  };
  return builder(tools, interpretersOf(tools));
}
