/**
 * Byte accounting of a bundle.
 *
 * In: a memory map and the module's bytes.  Out: BytesManifest, and the sizes of the file's parts. Exact: every byte of memory and file belongs to one figure.
 */
import type { MemoryMap } from '../emit/memory.ts';
import { sectionsOf } from '../emit/patch.ts';
import type { BytesManifest } from './manifest.ts';

export function memoryBytes(map: MemoryMap): BytesManifest {
  const parts = {
    weightBytes: map.weights.bytes,
    tableBytes: map.tables.bytes,
    stateBytes: map.state.bytes,
    scratchBytes: map.scratch.bytes,
    ioBytes: map.io.bytes,
  };
  const memory = map.end - map.base;
  const paddingBytes = memory - Object.values(parts).reduce((a, b) => a + b, 0);
  return { ...parts, paddingBytes, memoryBytes: memory };
}

export interface FileBytes {
  /** File minus data payload minus custom sections. */
  codeBytes: number;
  dataBytes: number;
  manifestBytes: number;
  fileBytes: number;
}

export function fileBytes(wasm: Uint8Array, dataBytes: number): FileBytes {
  const custom = sectionsOf(wasm).filter((s) => s.id === 0);
  const lengthBytes = (n: number) => (n < 128 ? 1 : n < 16384 ? 2 : n < 2097152 ? 3 : 4);
  const manifestBytes = custom.reduce((sum, s) => sum + 1 + lengthBytes(s.body.length) + s.body.length, 0);
  return { codeBytes: wasm.length - dataBytes - manifestBytes, dataBytes, manifestBytes, fileBytes: wasm.length };
}
