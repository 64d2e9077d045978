/**
 * The whole build in a page: AssemblyScript's compiler, which has binaryen in it.
 * It is loaded when it is first wanted (some 15 MB, 3 with gzip).
 *
 * In: sources of kernels and runtime by path.  Out: a build function; the same input gives the bytes that
 * Node gives.  Runs in a Web Worker: a compilation takes a second or two, and nothing else happens in its
 * thread meanwhile.
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
