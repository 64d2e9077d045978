/**
 * RAM of a bundle on WAMR.
 *
 * In: file, memory and code bytes of a bundle.  Out: bytes, and a line for `inspect`.  WAMR's interpreters
 * keep the file in RAM too.  The engine's pool was measured once, with WAMR 2.4.3 on rv32. An interpreter's
 * pool also depends on the module; these are the figures of a small one.
 */

/**
 * Bytes beside linear memory: fixed, and a share of the code; whether the loader writes into the file, so
 * that it must be in RAM.
 */
const pools = [
  { engine: 'AOT', bytes: 2300, perCodeByte: 0, holdsFile: false },
  { engine: 'classic interpreter', bytes: 3700, perCodeByte: 0, holdsFile: true },
  { engine: 'fast interpreter', bytes: 3800, perCodeByte: 2.8, holdsFile: true },
] as const;

/** Bytes that WAMR's linear memory has beside what the manifest counts: below address 16, and the stack. */
export const pagePadding = 24;

export interface Ram {
  /** Linear memory, pool and, where the engine holds it, the file, by engine. */
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
