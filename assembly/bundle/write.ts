/**
 * Writes the manifest as it is stored in the module.
 *
 * In: a Manifest.  Out: UTF-8 JSON without values that the reader (check.ts) fills in: a layer's section if
 * it is `trunk`, and its work per window if that equals its work per hop, as in models that run step by step.
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
