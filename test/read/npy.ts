/**
 * Minimal reader of NumPy files for tests: .npy version 1 and .npz, C order.
 *
 * In: bytes.  Out: shape and data. Source: numpy.lib.format. Types, as in the golden files: f4, i1, u1.
 */
import { unzipSync } from 'fflate';

export interface Npy {
  shape: number[];
  data: Float32Array | Int8Array | Uint8Array;
}

export function parseNpy(bytes: Uint8Array): Npy {
  const headerBytes = (bytes[8] as number) | ((bytes[9] as number) << 8);
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerBytes));
  const descr = /'descr': '[<|](\w\d)'/.exec(header)?.[1];
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((s) => s.trim())
    .map(Number);
  const body = bytes.slice(10 + headerBytes).buffer as ArrayBuffer;
  if (descr === 'f4') return { shape, data: new Float32Array(body) };
  if (descr === 'i1') return { shape, data: new Int8Array(body) };
  if (descr === 'u1') return { shape, data: new Uint8Array(body) };
  throw new Error(`dtype ${descr} in ${header}`);
}

export function parseNpz(bytes: Uint8Array): Record<string, Npy> {
  return Object.fromEntries(Object.entries(unzipSync(bytes)).map(([name, file]) => [name.replace(/\.npy$/, ''), parseNpy(file)]));
}
