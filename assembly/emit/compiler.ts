/**
 * AssemblyScript to WebAssembly, in memory, with tools that the caller supplies: a thread in Node
 * (compile.ts), the packages themselves in a page.
 *
 * In: a module's generated files.  Out: the module's bytes.  Flags are in asconfig.json, by target
 * (docs/adr/0003 gives the reasons). Only the pages of memory depend on the module.  No Node import.
 */
import { RunletError } from '../../models/error.ts';
import type { Generated } from './entry.ts';
import { type Need, needsSource } from './needs.ts';
import { pagesFor } from './static-memory.ts';
import type { Target } from './target.ts';
import { targetParts } from './targets/index.ts';

/** A job for asc: the entry file module.ts and its imports, by path, and the command line. */
export interface Job {
  files: Record<string, string>;
  argv: string[];
  /** True to use asconfig.mjs. asc gets the object itself, because it may run where there are no files. */
  transform: boolean;
}

export interface Compiled {
  /** Undefined if the source does not compile. */
  wasm?: Uint8Array;
  diagnostics: string;
}

export interface Tools {
  /**
   * Returns the sources by the path under which the generated module imports them, kernels/<name>.ts and
   * runtime/<name>.ts; the same object every time.
   */
  sources(): Record<string, string>;
  /** Returns the text of asconfig.json. */
  config(): string;
  assemble(job: Job): Promise<Compiled>;
}

const configFile = 'asconfig.json';
interface AscConfig {
  options: object;
  targets: Record<string, { transform?: string[] }>;
}

interface Compiling {
  files: Record<string, string>;
  /** Target in asconfig.json. `c`: the kernels of target native without optimisation, to be printed as C. */
  target: Target | 'c';
  /** Pages of the module's memory. Default: as many as the source needs. */
  pages?: number;
}

/** Makes the job for asc. */
export function jobOf(tools: Tools, { files, target, pages }: Compiling): Job {
  const memory = pages === undefined ? [] : [`--initialMemory=${pages}`, `--maximumMemory=${pages}`];
  const argv = [`--config=${configFile}`, `--target=${target}`, ...memory];
  const { options, targets } = JSON.parse(tools.config()) as AscConfig;
  const { transform, ...flags } = targets[target] ?? {};
  const config = JSON.stringify({ options, targets: { [target]: flags } });
  return { files: { ...files, [configFile]: config }, argv, transform: transform !== undefined };
}

/** Returns all files of a module: generated ones, kernels and runtime. `needs`: by default, all. */
export const filesOf = (tools: Tools, generated: Generated, needs?: ReadonlySet<Need>): Record<string, string> => ({
  ...tools.sources(),
  ...(needs && { 'kernels/needs.ts': needsSource(needs) }),
  ...generated,
});

/**
 * Compiles `module.ts` with a fixed memory of `memoryBytes`, rounded up to pages. `needs`: features of
 * kernels that the layers use; by default, all.
 * @throws RunletError RN501 with asc's diagnostics
 */
export async function compileWith(
  tools: Tools,
  generated: Generated,
  memoryBytes: number,
  target: Target,
  needs?: ReadonlySet<Need>,
): Promise<Uint8Array> {
  const job = jobOf(tools, { files: filesOf(tools, generated, needs), target, pages: pagesFor(memoryBytes) });
  const { wasm, diagnostics } = await tools.assemble(job);
  if (wasm) return targetParts[target].finish?.(wasm) ?? wasm;
  throw new RunletError('RN501', {
    what: 'the generated module does not compile',
    where: 'module.ts',
    why: diagnostics.trim().replace(/\s*\n\s*/g, '; '),
    tryThis: 'this is a fault of Runlet: --emit-as DIR keeps the source for a report',
  });
}
