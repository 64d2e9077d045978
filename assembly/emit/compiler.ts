/**
 * AssemblyScript to WebAssembly, in memory, by tools that the caller has: threads in Node (compile.ts), the packages themselves in a page.
 *
 * In: the generated entry file.  Out: the module's bytes.  Flags: asconfig.json, by target, and nowhere else (docs/adr/0003 has the reasons); beside them a
 * module has the pages of its own memory.  No Node import.
 */
import { RunletError } from '../../models/error.ts';
import { type Need, needsSource } from './needs.ts';
import { pagesFor } from './static-memory.ts';
import type { Target } from './target.ts';

/** What asc compiles: the entry file, the files that it imports by path, and the command line. */
export interface Job {
  source: string;
  files: Record<string, string>;
  argv: string[];
  /** With asconfig.mjs, which asc is given as it is: it may run where there are no files. */
  transform: boolean;
}

export interface Compiled {
  /** Undefined where it does not compile. */
  wasm?: Uint8Array;
  diagnostics: string;
}

export interface Tools {
  /** Kernel sources by the path that the generated module imports them under, kernels/<name>.ts; the same object every time. */
  kernels(): Record<string, string>;
  /** The text of asconfig.json. */
  config(): string;
  assemble(job: Job): Promise<Compiled>;
}

const configFile = 'asconfig.json';
interface AscConfig {
  options: object;
  targets: Record<string, { transform?: string[] }>;
}

interface Compiling {
  source: string;
  files: Record<string, string>;
  /** Of asconfig.json. `c`: the kernels of target native as they are written, to be printed as C. */
  target: Target | 'c';
  /** Of the module's memory; left out, asc takes what the source wants. */
  pages?: number;
}

/** What asc gets. */
export function jobOf(tools: Tools, { source, files, target, pages }: Compiling): Job {
  const memory = pages === undefined ? [] : [`--initialMemory=${pages}`, `--maximumMemory=${pages}`];
  const argv = [`--config=${configFile}`, `--target=${target}`, ...memory];
  const { options, targets } = JSON.parse(tools.config()) as AscConfig;
  const { transform, ...flags } = targets[target] ?? {};
  const config = JSON.stringify({ options, targets: { [target]: flags } });
  return { source, files: { ...files, [configFile]: config }, argv, transform: transform !== undefined };
}

/** All kernels, with the needs of a module; everything if left out. */
export const kernelFilesOf = (tools: Tools, needs?: ReadonlySet<Need>): Record<string, string> =>
  needs ? { ...tools.kernels(), 'kernels/needs.ts': needsSource(needs) } : tools.kernels();

/**
 * Compiles `module.ts` with a fixed memory of `memoryBytes`, rounded up to pages; `needs`: of its layers, everything if left out.
 * @throws RunletError RN501 with asc's diagnostics
 */
export async function compileWith(
  tools: Tools,
  source: string,
  memoryBytes: number,
  target: Target,
  needs?: ReadonlySet<Need>,
): Promise<Uint8Array> {
  const job = jobOf(tools, { source, files: kernelFilesOf(tools, needs), target, pages: pagesFor(memoryBytes) });
  const { wasm, diagnostics } = await tools.assemble(job);
  if (wasm) return wasm;
  throw new RunletError('RN501', {
    what: 'the generated module does not compile',
    where: 'module.ts',
    why: diagnostics.trim().replace(/\s*\n\s*/g, '; '),
    tryThis: 'this is a fault of Runlet: --emit-as DIR keeps the source for a report',
  });
}
