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

export const everyKernel = (): Kernel[] => kernelsIn(kernelFiles());

export const kernelsUsed = (program: Program): Kernel[] => {
  const used = kernelsOf(program);
  return everyKernel().filter(({ fn }) => used.has(fn));
};

const compiled = new Map<string, Promise<Uint8Array>>();

async function compileOnce(source: string, shrink: boolean): Promise<Uint8Array> {
  const wasm = await compile(source, 0);
  return shrink ? smaller(wasm) : wasm;
}

export async function interpreter(
  kernels: Kernel[],
  end: number,
  shrink: boolean,
): Promise<{ source: string; code: Uint8Array }> {
  const source = tableSource(kernels);
  const key = `${shrink}:${source}`;
  let code = compiled.get(key);
  if (!code) {
    code = compileOnce(source, shrink);
    compiled.set(key, code);
  }
  return { source, code: withMemory(await code, pagesFor(end), { __data_end: end, __heap_base: end + stackBytes }) };
}
