/**
 * Finds the model file, and the manifest if it is a microWakeWord model.
 *
 * In: a path and the bytes of that file.  Out: the bytes of the model and of the manifest, if there is one.
 * A manifest (.json) names the .tflite in its folder. For a .tflite, `<name>.json` or `manifest.json` in its
 * folder is used if it is such a manifest; a `manifest.json` must not name another file that exists.
 * Errors: RN131 to RN134 (the manifest), RN772 if the model is missing.
 */
import { access, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRunletError, RunletError } from '../../models/error.ts';
import { isMwwManifest, type MwwManifest, mwwManifestLimitBytes, readMwwManifest } from '../../models/read/mww-manifest.ts';
import { readBytes, readNamed } from './read-file.ts';

export interface ModelFile {
  path: string;
  bytes: Uint8Array;
  manifest?: MwwManifest;
  /** Notices for the user: which manifest is used, and what was assumed. */
  notices: string[];
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Returns the path of a manifest's model; if it is missing, of the only .tflite there. @throws RN772 */
async function named(manifest: MwwManifest, path: string, notices: string[]): Promise<string> {
  const folder = dirname(path);
  const model = join(folder, manifest.model);
  if (await exists(model)) return model;
  const others = (await readdir(folder)).filter((name) => /\.tflite$/i.test(name));
  if (others.length === 1) {
    notices.push(
      `${basename(path)} names ${manifest.model}, which does not exist; using ${others[0]}, the only model in the folder`,
    );
    return join(folder, others[0] as string);
  }
  throw new RunletError('RN772', {
    what: `the model ${manifest.model} does not exist`,
    where: path,
    why: others.length > 0 ? `the folder has ${others.slice(0, 8).join(', ')}` : 'the folder has no .tflite',
    tryThis: 'put the model into the folder of its manifest, or give the .tflite itself',
  });
}

/** Reads the manifest of a .tflite from its folder; undefined if there is none for it. */
async function manifestFor(path: string, notices: string[]): Promise<MwwManifest | undefined> {
  const folder = dirname(path);
  const sameName = `${basename(path).replace(/\.[^.]*$/, '')}.json`;
  for (const name of [sameName, 'manifest.json']) {
    const bytes = await readNamed(join(folder, name), mwwManifestLimitBytes).catch(() => undefined);
    if (!bytes || !isMwwManifest(bytes)) continue;
    try {
      const manifest = readMwwManifest(bytes, name);
      if (manifest.model !== basename(path) && name !== sameName && (await exists(join(folder, manifest.model)))) continue;
      notices.push(`using the manifest ${name} from the model's folder`);
      return manifest;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      notices.push(`not using the manifest ${name} from the model's folder: ${error.message}`);
    }
  }
  return undefined;
}

/** Finds model and manifest. @throws RN131 to RN134 (the manifest), RN772 (the model that it names) */
export async function modelFile(path: string, bytes: Uint8Array): Promise<ModelFile> {
  const notices: string[] = [];
  const add = (manifest: MwwManifest | undefined): void => {
    if (manifest?.notice) notices.push(manifest.notice);
  };
  if (isMwwManifest(bytes)) {
    const manifest = readMwwManifest(bytes, path);
    const model = await named(manifest, path, notices);
    add(manifest);
    return { path: model, bytes: await readBytes(model), manifest, notices };
  }
  const manifest = /\.tflite$/i.test(path) ? await manifestFor(path, notices) : undefined;
  add(manifest);
  return { path, bytes, manifest, notices };
}
