/**
 * Finds the model files of a folder, and their read options.
 *
 * In: a folder; optionally an `options.json` in it or above it.  Out: files, options and hops.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ReadOptions } from '../../models/read/index.ts';

const isModel = (name: string): boolean => /\.(tflite|onnx|rnq|keras|h5|zip)$/.test(name) || name === 'model.json';

/**
 * Returns the model files in the folder, and one of each sub-folder. A sub-folder without a model file is
 * searched in the same way.
 */
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

/** Returns the path of a file in the folder or in the one above it, or undefined. */
export const beside = (folder: string, name: string): string | undefined =>
  [folder, dirname(folder)].map((at) => join(at, name)).find(existsSync);

/** Returns the read options of each model, by id. */
export function optionsOf(folder: string, given?: string): Record<string, ReadOptions> {
  const path = given ?? beside(folder, 'options.json');
  return path ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** Returns the hops with which a model is tested: 1, 2, a quarter of its window, and 7. */
export const hopsFor = (window: number): number[] =>
  [...new Set([1, 2, Math.floor(window / 4) || 1, 7])].filter((hop) => hop <= window);
