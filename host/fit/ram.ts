/**
 * RAM of a bundle on WAMR.
 *
 * In: file, memory and code bytes of a bundle.  Out: bytes, and a line for `inspect`.  WAMR's interpreters
 * keep the file in RAM too.  Source: the pools were measured once, with WAMR 2.4.3 on rv32 and a small
 * module; an interpreter's pool also depends on the module.
 */

/** Pool: fixed bytes, and bytes per byte of code. holdsFile: the file must be in RAM for the loader. */
const pools = [
  { engine: 'AOT', bytes: 2300, perCodeByte: 0, holdsFile: false },
  { engine: 'classic interpreter', bytes: 3700, perCodeByte: 0, holdsFile: true },
  { engine: 'fast interpreter', bytes: 3800, perCodeByte: 2.8, holdsFile: true },
] as const;

/** Bytes of linear memory that the manifest does not count: those below address 16, and the stack. */
export const pagePadding = 24;

export interface Ram {
  /** Per engine the pool, the file if the engine holds it, and both plus linear memory. */
  engines: { engine: string; poolBytes: number; fileBytes: number; totalBytes: number }[];
}

export function ramOf(bundle: { fileBytes: number; memoryBytes: number; codeBytes: number }): Ram {
  const engines = pools.map(({ engine, bytes, perCodeByte, holdsFile }) => {
    const poolBytes = Math.round(bytes + perCodeByte * bundle.codeBytes);
    const fileBytes = holdsFile ? bundle.fileBytes : 0;
    return { engine, poolBytes, fileBytes, totalBytes: bundle.memoryBytes + poolBytes + fileBytes };
  });
  return { engines };
}

export function ramLine(bundle: Parameters<typeof ramOf>[0]): string {
  const each = ramOf(bundle).engines.map(
    ({ engine, poolBytes, totalBytes }) => `${totalBytes} with WAMR ${engine} (pool ${poolBytes})`,
  );
  return `RAM     about ${each.join(', ')}: memory, the engine's pool and, with an interpreter, the file`;
}
