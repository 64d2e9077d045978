/**
 * The compiled interpreter of a layer table, kept for the process by the kernels that it has.
 *
 * In: kernels and where the module's static memory ends.  Out: its source and bytes, with that memory and no data.
 */
import { compile, kernelFiles, pagesFor, stackBytes } from './compile.ts';
import { withMemory } from './patch.ts';
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

interface Interpreter {
  source: string;
  code: Promise<Uint8Array>;
}

const known = new Map<string, Interpreter>();

async function compileOnce(source: string, shrink: boolean): Promise<Uint8Array> {
  const wasm = await compile(source, 0);
  return shrink ? smaller(wasm) : wasm;
}

export async function interpreter(
  kernels: Kernel[],
  ownClock: boolean,
  end: number,
  shrink: boolean,
  sound = false,
): Promise<{ source: string; code: Uint8Array }> {
  const key = `${shrink}:${ownClock}:${sound}:${kernels.map(({ fn }) => fn).join()}`;
  let found = known.get(key);
  if (!found) {
    const source = tableSource(kernels, ownClock, sound);
    found = { source, code: compileOnce(source, shrink) };
    known.set(key, found);
  }
  const code = withMemory(await found.code, pagesFor(end), { __data_end: end, __heap_base: end + stackBytes });
  return { source: found.source, code };
}
