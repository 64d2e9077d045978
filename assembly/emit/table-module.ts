/**
 * The compiled interpreter of a layer table, kept for the process by the kernels that it has.
 *
 * In: kernels.  Out: its source and bytes, with no data and a memory that a build replaces (assembly/assemble.ts).
 */
import type { Interpreter } from '../assemble.ts';
import { compile, kernelFiles } from './compile.ts';
import type { Home } from './home.ts';
import type { Need } from './needs.ts';
import type { Program } from './program.ts';
import { smaller } from './shrink.ts';
import { type Kernel, kernelsIn, kernelsOf, tableSource } from './table-source.ts';
import { type Target, targetOf } from './target.ts';

let all: Kernel[] | undefined;
const allTargets = (): Kernel[] => {
  all ??= kernelsIn(kernelFiles());
  return all;
};

/** Kernels that modules of a target can have; what fetches weights is an import, so that no other module has it. */
export const everyKernel = (target: Target, home: Home = 'embed'): Kernel[] =>
  allTargets().filter(({ file }) => [undefined, target].includes(targetOf(file)) && (file !== 'fetch' || home === 'tile'));

export const kernelsUsed = (program: Program): Kernel[] => {
  const used = kernelsOf(program);
  return allTargets().filter(({ fn }) => used.has(fn));
};

interface Compiling {
  source: string;
  code: Promise<Uint8Array>;
}

const known = new Map<string, Compiling>();

export interface InterpreterOptions {
  target: Target;
  /** For mode misaligned. */
  ownClock: boolean;
  /** The optimiser runs once more. */
  shrink: boolean;
  /** A front end is before the network. */
  sound: boolean;
  /** What layers ask of their kernels; everything if left out. */
  needs?: ReadonlySet<Need>;
}

async function compileOnce(source: string, { target, shrink, needs }: InterpreterOptions): Promise<Uint8Array> {
  const wasm = await compile(source, 0, target, needs);
  return shrink ? smaller(wasm) : wasm;
}

export async function interpreter(kernels: Kernel[], options: InterpreterOptions): Promise<Interpreter & { source: string }> {
  const { target, ownClock, shrink, sound, needs } = options;
  const key = JSON.stringify([target, shrink, ownClock, sound, kernels.map(({ fn }) => fn), needs && [...needs].sort()]);
  let found = known.get(key);
  if (!found) {
    const source = tableSource(kernels, ownClock, sound);
    found = { source, code: compileOnce(source, options) };
    known.set(key, found);
  }
  return { target, kernels, ownClock, sound, source: found.source, code: await found.code };
}
