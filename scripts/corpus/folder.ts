/**
 * Model files of a folder, and what each is read with.
 *
 * In: a folder, and where it has one an `options.json`, in it or above it.  Out: files, options and hops.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ReadOptions } from '../../models/read/index.ts';

const isModel = (name: string): boolean => /\.(tflite|onnx|rnq|keras|h5|zip)$/.test(name) || name === 'model.json';

/** One model file of each sub-folder, or those of its sub-folders where it has none; and loose ones. */
export function modelsIn(folder: string): { id: string; file: string }[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (isModel(name)) return [{ id: name === 'model.json' ? basename(folder) : name.replace(/\.[^.]*$/, ''), file: path }];
      if (!statSync(path).isDirectory()) return [];
      const [first] = readdirSync(path).filter(isModel).sort();
      return first ? [{ id: name, file: join(path, first) }] : modelsIn(path);
    });
}

/** A file of the folder, or of the one above it. */
export const beside = (folder: string, name: string): string | undefined =>
  [folder, dirname(folder)].map((at) => join(at, name)).find(existsSync);

/** What each model is read with, by id. */
export function optionsOf(folder: string, given?: string): Record<string, ReadOptions> {
  const path = given ?? beside(folder, 'options.json');
  return path ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** Hops that a model is looked at with: 1, 2, a quarter of its window, and an odd one. */
export const hopsFor = (window: number): number[] =>
  [...new Set([1, 2, Math.floor(window / 4) || 1, 7])].filter((hop) => hop <= window);
