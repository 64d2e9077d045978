/**
 * Makes the flash image of a bundle, for `image` and `flash`.
 *
 * In: the path of a module with its weights file, and settings of the detector.  Out: the image
 * (assembly/bundle/image.ts) and its parts.
 */
import { type ImageDetector, type ImageParts, makeImage } from '../../assembly/bundle/image.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { readManifest } from '../../assembly/bundle/read.ts';
import { LabelDetector } from '../session/index.ts';
import { weightsOf } from '../session/weights.ts';
import { weightsBeside } from './bundle-file.ts';
import { readBytes } from './load.ts';

type Settings = ConstructorParameters<typeof LabelDetector>[2];

/** Returns the manifest's detector with the options applied; undefined without both. @throws RN770, RN771 */
function detectorOf(manifest: Manifest, settings: Settings): ImageDetector | undefined {
  const asked = Object.values(settings ?? {}).some((value) => value !== undefined);
  if (!manifest.detector && !asked) return undefined;
  const { output, voice, parts } = new LabelDetector(manifest, 0, settings);
  const [first] = parts;
  const words = parts.map(({ element, detector: { label, cutoff } }) => ({ element, label, cutoff }));
  const { slidingWindow = 1, refractoryMs = 0 } = first?.detector ?? {};
  return { output, voice, slidingWindow, refractoryMs, words };
}

/** Reads a bundle and makes its image. @throws RN615, RN616, RN717, RN770, RN771, and errors of reading */
export async function bundleImage(
  bundle: string,
  settings: Settings = {},
  partitionBytes?: number,
): Promise<ImageParts & { image: Uint8Array }> {
  const wasm = await readBytes(bundle);
  const manifest = readManifest(wasm);
  const weights = await weightsOf(manifest, (await weightsBeside(bundle, wasm)) as BufferSource | undefined);
  const parts = { wasm, manifest, weights, detector: detectorOf(manifest, settings), partitionBytes };
  return { ...parts, image: makeImage(parts) };
}
