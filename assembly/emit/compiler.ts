/**
 * AssemblyScript to WebAssembly, in memory, by tools that the caller has: threads in Node (compile.ts), the
 * packages themselves in a page.
 *
 * In: a module's own files.  Out: the module's bytes.  Flags: asconfig.json, by target, and nowhere else
 * (docs/adr/0003 has the reasons); beside them a module has the pages of its own memory.  No Node import.
 */
import { RunletError } from '../../models/error.ts';
import type { Generated } from './entry.ts';
import { type Need, needsSource } from './needs.ts';
import { pagesFor } from './static-memory.ts';
import type { Target } from './target.ts';
import { targetParts } from './targets/index.ts';

/** What asc compiles: the entry file module.ts and what it imports, by path, and the command line. */
export interface Job {
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
  /**
   * Sources by the path that the generated module imports them under, kernels/<name>.ts and
   * runtime/<name>.ts; the same object every time.
   */
  sources(): Record<string, string>;
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
  files: Record<string, string>;
  /** Of asconfig.json. `c`: the kernels of target native as they are written, to be printed as C. */
  target: Target | 'c';
  /** Of the module's memory; left out, asc takes what the source wants. */
  pages?: number;
}

/** What asc gets. */
export function jobOf(tools: Tools, { files, target, pages }: Compiling): Job {
  const memory = pages === undefined ? [] : [`--initialMemory=${pages}`, `--maximumMemory=${pages}`];
  const argv = [`--config=${configFile}`, `--target=${target}`, ...memory];
  const { options, targets } = JSON.parse(tools.config()) as AscConfig;
  const { transform, ...flags } = targets[target] ?? {};
  const config = JSON.stringify({ options, targets: { [target]: flags } });
  return { files: { ...files, [configFile]: config }, argv, transform: transform !== undefined };
}

/** All files of a module: its own, and kernels and runtime with its needs; everything if left out. */
export const filesOf = (tools: Tools, own: Generated, needs?: ReadonlySet<Need>): Record<string, string> => ({
  ...tools.sources(),
  ...(needs && { 'kernels/needs.ts': needsSource(needs) }),
  ...own,
});

/**
 * Compiles `module.ts` with a fixed memory of `memoryBytes`, rounded up to pages; `needs`: of its layers,
 * everything if left out.
 * @throws RunletError RN501 with asc's diagnostics
 */
export async function compileWith(
  tools: Tools,
  own: Generated,
  memoryBytes: number,
  target: Target,
  needs?: ReadonlySet<Need>,
): Promise<Uint8Array> {
  const job = jobOf(tools, { files: filesOf(tools, own, needs), target, pages: pagesFor(memoryBytes) });
  const { wasm, diagnostics } = await tools.assemble(job);
  if (wasm) return targetParts[target].finish?.(wasm) ?? wasm;
  throw new RunletError('RN501', {
    what: 'the generated module does not compile',
    where: 'module.ts',
    why: diagnostics.trim().replace(/\s*\n\s*/g, '; '),
    tryThis: 'this is a fault of Runlet: --emit-as DIR keeps the source for a report',
  });
}
