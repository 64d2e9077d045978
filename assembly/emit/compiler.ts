/**
 * AssemblyScript to WebAssembly, in memory, by tools that the caller has: threads in Node (compile.ts), the packages themselves in a page.
 *
 * In: the generated entry file.  Out: the module's bytes.  Flags: docs/adr/0003 (no bulk memory, 8 bytes of stack, so that WAMR can shrink the memory
 * below one page).  No Node import.
 */
import { RunletError } from '../../models/error.ts';
import { type Need, needsSource } from './needs.ts';
import { memoryBase, pagesFor, stackBytes } from './static-memory.ts';
import type { Target } from './target.ts';

/** What asc compiles: the entry file, the files that it imports by path, and the command line. */
export interface Job {
  source: string;
  files: Record<string, string>;
  argv: string[];
}

export interface Compiled {
  /** Undefined where it does not compile. */
  wasm?: Uint8Array;
  diagnostics: string;
}

export interface Tools {
  /** Kernel sources by the path that the generated module imports them under, kernels/<name>.ts; the same object every time. */
  kernels(): Record<string, string>;
  assemble(job: Job): Promise<Compiled>;
  /** The smaller of a module and what the optimiser makes of it. */
  smaller(wasm: Uint8Array): Promise<Uint8Array>;
}

export const flags = [
  '--runtime=stub',
  `--stackSize=${stackBytes}`,
  `--memoryBase=${memoryBase}`,
  '--noAssert',
  '--use=abort=',
  '--disable=bulk-memory',
  '--optimizeLevel=3',
  '--shrinkLevel=2',
];

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
  const pages = pagesFor(memoryBytes);
  const memory = [`--initialMemory=${pages}`, `--maximumMemory=${pages}`];
  const argv = [...memory, ...flags, ...(target === 'simd' ? ['--enable=simd'] : [])];
  const { wasm, diagnostics } = await tools.assemble({ source, files: kernelFilesOf(tools, needs), argv });
  if (wasm) return wasm;
  throw new RunletError('RN501', {
    what: 'the generated module does not compile',
    where: 'module.ts',
    why: diagnostics.trim(),
    tryThis: 'this is a fault of Runlet: --emit-as DIR keeps the source for a report',
  });
}
