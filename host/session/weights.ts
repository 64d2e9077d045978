/**
 * Weights in a separate file: checks them against the manifest and passes them to the module.
 *
 * In: the bytes of a weights file.  Out: a private copy of them, and for home `tile` the module's import.
 * Errors: RN717, RN714.  Source: docs/abi.md, "Weights".
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { sha256 } from './digest.ts';

const where = 'weights';

/** Returns true if a value is a buffer, shared or not, or a view of one. */
export const isBytes = (value: unknown): value is BufferSource =>
  ArrayBuffer.isView(value) ||
  value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer);

function wrong(what: string, why: string, tryThis: string): RunletError {
  return new RunletError('RN717', { what, where, why, tryThis });
}

/**
 * Returns a checked copy of a bundle's weights, or undefined if they are in the module.
 * @throws RN717 if they are missing, not needed, or of another length or digest; RN714 without WebCrypto
 */
export async function weightsOf({ weights, name }: Manifest, given: BufferSource | undefined): Promise<Uint8Array | undefined> {
  if (!weights) {
    if (!given) return undefined;
    throw wrong(`${name} contains its weights`, 'it was built with --weights embed', 'omit the option weights');
  }
  const { home, bytes, digest } = weights;
  if (!given)
    throw wrong(
      `the weights of ${name} are missing`,
      `it was built with --weights ${home}: ${bytes} bytes are in a separate file`,
      'pass the bytes of <name>.weights.bin as the option weights',
    );
  if (!isBytes(given))
    throw wrong(`these are not weights`, `the type is ${typeof given}`, 'pass an ArrayBuffer or a view of one');
  const view = ArrayBuffer.isView(given)
    ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
    : new Uint8Array(given);
  if (view.length !== bytes)
    throw wrong(
      `these are not the weights of ${name}`,
      `they have ${view.length} bytes, and ${bytes} are wanted`,
      'use the file that was written with the bundle',
    );
  const copy = view.slice();
  const found = await sha256(copy);
  if (found !== digest)
    throw wrong(
      `these are not the weights of ${name}`,
      `their SHA-256 is ${found.slice(0, 12)}…, and ${digest.slice(0, 12)}… is wanted`,
      'they are damaged or belong to another build: use the file that was written with the bundle',
    );
  return copy;
}

/**
 * Returns the function that a module of home `tile` imports: it copies `n` bytes from byte `src` of the
 * weights to address `dst` of the module's memory.
 */
export function tileImport(weights: Uint8Array, memory: () => WebAssembly.Memory) {
  return (dst: number, src: number, n: number): void => {
    // all three are i32; a faulty module must not read beyond the weights
    if (src < 0 || n < 0 || src + n > weights.length)
      throw new RangeError(`the module requests weights ${src} to ${src + n} of ${weights.length} bytes`);
    new Uint8Array(memory().buffer).set(weights.subarray(src, src + n), dst >>> 0);
  };
}

/** Name of that import. Only modules whose manifest has home `tile` get it. */
export const tileImports = ['runlet.weights'];
