/**
 * The model that a user named: a model file, alone or with the manifest of a microWakeWord model.
 *
 * In: a path and its bytes.  Out: the bytes of the model and the manifest, if there is one.  A .json names
 * the model beside it; a .tflite finds `<name>.json` or `manifest.json` beside it, where that is such a
 * manifest and names this file, or none that is there. RN772 where the model is missing.
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
  /** What a user should know: where the manifest was found, what was assumed. */
  notices: string[];
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * The model that a manifest names; where it is not there, the only .tflite beside the manifest. @throws RN772
 */
async function named(manifest: MwwManifest, path: string, notices: string[]): Promise<string> {
  const folder = dirname(path);
  const model = join(folder, manifest.model);
  if (await exists(model)) return model;
  const others = (await readdir(folder)).filter((name) => /\.tflite$/i.test(name));
  if (others.length === 1) {
    notices.push(
      `${basename(path)} names ${manifest.model}, which is not there; ${others[0]} is the only model beside it and was taken`,
    );
    return join(folder, others[0] as string);
  }
  throw new RunletError('RN772', {
    what: `the model ${manifest.model} is not there`,
    where: path,
    why: others.length > 0 ? `the folder has ${others.slice(0, 8).join(', ')}` : 'the folder has no .tflite',
    tryThis: 'put the model beside its manifest, or give the .tflite itself',
  });
}

/** The manifest beside a .tflite, if there is one that means it. */
async function beside(path: string, notices: string[]): Promise<MwwManifest | undefined> {
  const folder = dirname(path);
  const own = `${basename(path).replace(/\.[^.]*$/, '')}.json`;
  for (const name of [own, 'manifest.json']) {
    const bytes = await readNamed(join(folder, name), mwwManifestLimitBytes).catch(() => undefined);
    if (!bytes || !isMwwManifest(bytes)) continue;
    try {
      const manifest = readMwwManifest(bytes, name);
      if (manifest.model !== basename(path) && name !== own && (await exists(join(folder, manifest.model)))) continue;
      notices.push(`${name} beside the model is used`);
      return manifest;
    } catch (error) {
      if (!isRunletError(error)) throw error;
      notices.push(`${name} beside the model is not used: ${error.message}`);
    }
  }
  return undefined;
}

/** @throws RN131 to RN134 the manifest, RN772 the model that it names */
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
  const manifest = /\.tflite$/i.test(path) ? await beside(path, notices) : undefined;
  add(manifest);
  return { path, bytes, manifest, notices };
}
