/**
 * Bundles and keys for the gateway's tests: the tiny module of test/host with a name, a version and a
 * sequence number, and variants that misbehave.
 *
 * In: changes to the module.  Out: signed bytes and their digest.
 */
import { createHash } from 'node:crypto';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { hop, reference, type TinyOptions, tinyBundle, window } from '../host/tiny-bundle.ts';

export { hop, window };
export const channels = 6;
export const keys = await newKeyPair();

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface MadeBundle {
  wasm: Uint8Array;
  digest: string;
}

export interface BundleOptions extends TinyOptions {
  name?: string;
  version?: string;
  key?: typeof keys;
}

/** Source text of an endless loop, for the option `edit`. */
export const loop = 'while (load<i32>(state) != 7) store<i32>(state, load<i32>(state) | 1);';

/**
 * Returns an edit: after its thirtieth push the module runs `body`. It counts in an unused word of the state.
 */
export const later = (body: string): [string, string] => {
  const counts = 'store<i32>(state, load<i32>(state, 12) + 1, 12);';
  return ['let due: i32 = 0;', `let due: i32 = 0; ${counts} if (load<i32>(state, 12) > 30) { ${body} }`];
};

/** Returns a signed bundle: the moving average over six channels of int8. */
export async function bundleOf(
  sequence: number,
  { name, version, key = keys, manifest, ...tiny }: BundleOptions = {},
): Promise<MadeBundle> {
  const change = (m: Manifest) => {
    const named = { ...m, name: name ?? m.name, version: version ?? `1.${sequence}.0`, sequence };
    return manifest ? manifest(named) : named;
  };
  // the fixed memory is one page, as the manifest says
  const plain = await tinyBundle({ channels, hostType: 'int8', sampleRateHz: 100, manifest: change, ...tiny });
  const wasm = await signBundle(plain, key);
  return { wasm, digest: digestOf(wasm) };
}

/** Returns part of an endless signal: frame t of a stream is always the same. */
export function signal(stream: number, from: number, frames: number, width = channels): Int8Array {
  return Int8Array.from({ length: frames * width }, (_, i) => {
    const x = Math.imul((from * width + i + 1) ^ (stream * 0x9e3779b1), 0x85ebca6b);
    return ((x ^ (x >>> 13)) << 24) >> 24;
  });
}

/** Returns the outputs of an uninterrupted run over frames [0, frames). */
export const expected = (stream: number, frames: number): Int8Array[] => reference(signal(stream, 0, frames), channels);

export const bytesOf = (values: Int8Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.length);
