/**
 * The compiled interpreter of a layer table, kept for the process by the kernels that it has.
 *
 * In: kernels.  Out: its source and bytes, with no data and a memory that a build replaces (assembly/assemble.ts).
 */
import type { Interpreter } from '../assemble.ts';
import { compile, kernelFiles } from './compile.ts';
import type { Program } from './program.ts';
import { smaller } from './shrink.ts';
import { type Kernel, kernelsIn, kernelsOf, tableSource } from './table-source.ts';

let all: Kernel[] | undefined;
export function everyKernel(): Kernel[] {
  all ??= kernelsIn(kernelFiles());
  return all;
}

export const kernelsUsed = (program: Program): Kernel[] => {
  const used = kernelsOf(program);
  return everyKernel().filter(({ fn }) => used.has(fn));
};

interface Compiling {
  source: string;
  code: Promise<Uint8Array>;
}

const known = new Map<string, Compiling>();

async function compileOnce(source: string, shrink: boolean): Promise<Uint8Array> {
  const wasm = await compile(source, 0);
  return shrink ? smaller(wasm) : wasm;
}

/** `ownClock`: for mode misaligned. `shrink`: the optimiser runs once more. `sound`: a front end is before the network. */
export async function interpreter(
  kernels: Kernel[],
  ownClock: boolean,
  shrink: boolean,
  sound = false,
): Promise<Interpreter & { source: string }> {
  const key = `${shrink}:${ownClock}:${sound}:${kernels.map(({ fn }) => fn).join()}`;
  let found = known.get(key);
  if (!found) {
    const source = tableSource(kernels, ownClock, sound);
    found = { source, code: compileOnce(source, shrink) };
    known.set(key, found);
  }
  return { kernels, ownClock, sound, source: found.source, code: await found.code };
}
