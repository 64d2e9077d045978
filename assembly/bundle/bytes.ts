/**
 * Byte accounting of a bundle.
 *
 * In: a memory map or a module's bytes.  Out: sizes of the regions of memory and of the parts of the file.
 * Exact: every byte is counted in exactly one size.
 */
import type { MemoryMap } from '../emit/memory.ts';
import type { BytesManifest } from './manifest.ts';
import { wasmBytes } from './read.ts';

export function memoryBytes(map: MemoryMap): BytesManifest {
  const parts = {
    weightBytes: map.home === 'tile' ? 0 : map.weights.bytes,
    tableBytes: map.tables.bytes + map.program.bytes,
    stateBytes: map.state.bytes,
    scratchBytes: map.scratch.bytes,
    ioBytes: map.io.bytes + (map.wasi?.bytes ?? 0),
  };
  const memory = map.end - map.base;
  const paddingBytes = memory - Object.values(parts).reduce((a, b) => a + b, 0);
  return { ...parts, paddingBytes, memoryBytes: memory };
}

export interface FileBytes {
  /** File minus data payload minus custom sections. */
  codeBytes: number;
  /** Payload of the data section: weights and tables. */
  dataBytes: number;
  /** Custom sections, headers included. */
  manifestBytes: number;
  fileBytes: number;
}

export function sectionBytes(wasm: Uint8Array): FileBytes {
  const { codeBytes, dataBytes, customBytes, fileBytes } = wasmBytes(wasm);
  return { codeBytes, dataBytes, manifestBytes: customBytes, fileBytes };
}
