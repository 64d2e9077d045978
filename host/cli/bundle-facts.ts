/**
 * The figures of a bundle, to the byte.
 *
 * In: the module's bytes and its manifest.  Out: one flat object, the same for `build --json` and `inspect --json`.
 */
import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';

export function bundleFacts(wasm: Uint8Array, manifest: Manifest) {
  return {
    name: manifest.name,
    mode: manifest.mode,
    target: manifest.target,
    style: manifest.style ?? 'calls',
    window: manifest.window,
    hop: manifest.hop,
    microHop: manifest.microHop,
    delayFrames: manifest.delayFrames,
    warmUpHops: manifest.warmUpHops,
    ...(manifest.frontEndConfig && { frontEndConfig: manifest.frontEndConfig }),
    ...sectionBytes(wasm),
    ...manifest.bytes,
    macsPerHop: manifest.macsPerHop,
    macsPerWindow: manifest.macsPerWindow,
    stateDigest: manifest.stateDigest,
    sourceDigest: manifest.sourceDigest,
  };
}
