/**
 * The manifest's bytes, as they stand in the module.
 *
 * In: a Manifest.  Out: UTF-8 JSON.  What the reader fills in again is left out (check.ts): a layer's section
 * where it is `trunk`, and its work per window where that is its work per hop, as in models that run step by
 * step.
 */
import type { LayerManifest, Manifest } from './manifest.ts';

function shortLayer({ section, macsPerWindow, ...layer }: LayerManifest): Partial<LayerManifest> {
  return {
    ...layer,
    ...(section !== 'trunk' && { section }),
    ...(macsPerWindow !== layer.macsPerHop && { macsPerWindow }),
  };
}

export const manifestBytes = (manifest: Manifest): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ...manifest, layers: manifest.layers.map(shortLayer) }));
