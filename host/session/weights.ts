/**
 * Weights that are no part of the module: held against the manifest, and given to the module.
 *
 * In: the bytes of a weights file.  Out: a copy that nobody else changes, and for home `tile` the module's
 * import.  Source: docs/abi.md, "Weights".
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { sha256 } from './digest.ts';

const where = 'weights';

/** Whether a value is bytes: a buffer, shared or not, or a view of one. */
export const isBytes = (value: unknown): value is BufferSource =>
  ArrayBuffer.isView(value) ||
  value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer);

function wrong(what: string, why: string, tryThis: string): RunletError {
  return new RunletError('RN717', { what, where, why, tryThis });
}

/**
 * The weights of a bundle, checked; undefined where they are in the module.
 * @throws RN717 missing, not wanted, of another length or digest; RN714 without WebCrypto
 */
export async function weightsOf({ weights, name }: Manifest, given: BufferSource | undefined): Promise<Uint8Array | undefined> {
  if (!weights) {
    if (!given) return undefined;
    throw wrong(`${name} has its weights inside`, 'it was built with --weights embed', 'leave the option weights out');
  }
  const { home, bytes, digest } = weights;
  if (!given)
    throw wrong(
      `the weights of ${name} are missing`,
      `it was built with --weights ${home}: ${bytes} bytes are a file of their own`,
      'pass the bytes of <name>.weights.bin as the option weights',
    );
  if (!isBytes(given)) throw wrong(`these are no weights`, `they are ${typeof given}`, 'pass an ArrayBuffer, or a view of one');
  const view = ArrayBuffer.isView(given)
    ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
    : new Uint8Array(given);
  if (view.length !== bytes)
    throw wrong(
      `these are not the weights of ${name}`,
      `they have ${view.length} bytes, and ${bytes} are wanted`,
      'take the file that was written beside the bundle',
    );
  const own = view.slice();
  const found = await sha256(own);
  if (found !== digest)
    throw wrong(
      `these are not the weights of ${name}`,
      `their SHA-256 is ${found.slice(0, 12)}…, and ${digest.slice(0, 12)}… is wanted`,
      'they were damaged, or belong to another build: take the file that was written beside the bundle',
    );
  return own;
}

/** The only import that a module may have: n bytes from byte src of the weights go to dst of its memory. */
export function tileImport(weights: Uint8Array, memory: () => WebAssembly.Memory) {
  return (dst: number, src: number, n: number): void => {
    // all i32: a module's own mistake must not read other bytes than weights
    if (src < 0 || n < 0 || src + n > weights.length)
      throw new RangeError(`weights ${src} to ${src + n} were asked for, and there are ${weights.length} bytes`);
    new Uint8Array(memory().buffer).set(weights.subarray(src, src + n), dst >>> 0);
  };
}

/** The import's place: the only one that is given, and only to modules whose manifest says so. */
export const tileImports = ['runlet.weights'];
