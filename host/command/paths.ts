/**
 * Checks the paths of a command line before any work begins. Opens and reads no file.
 *
 * In: a path, and the name of its option or argument.  Out: nothing; the sources that a list names.
 * Errors: RN720 if a file does not exist, RN753 if a folder is given for a file, or a file for a folder.
 */
import { existsSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RunletError } from '../../models/error.ts';

const aboutOf = (path: string): Stats | undefined => {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
};

const isFolder = (path: string): boolean => aboutOf(path)?.isDirectory() ?? false;

const folderGiven = (path: string, where: string, tryThis: string): RunletError =>
  new RunletError('RN753', { what: `${path} is a folder`, where, why: 'this must be a file', tryThis });

/** Checks that a file, pipe or device exists. @throws RN720, RN753 */
export function checkFile(path: string, where: string): void {
  try {
    if (!statSync(path).isDirectory()) return;
  } catch (error) {
    const why = (error as Error).message;
    throw new RunletError('RN720', {
      what: 'this file cannot be opened',
      where: path,
      why,
      tryThis: `check the path (${where})`,
    });
  }
  const saved = existsSync(join(path, 'saved_model.pb'));
  throw folderGiven(
    path,
    where,
    saved
      ? 'it is a TensorFlow SavedModel: tf.lite.TFLiteConverter.from_saved_model(…).convert() gives a .tflite'
      : 'a file in this folder',
  );
}

/** Sources that are not files. */
const noFile = /^(-|mic)$|^gen:/;

export const isRegularFile = (path: string): boolean => aboutOf(path)?.isFile() ?? false;

/** Returns the sources of a list: paths, and words such as `-` and `gen:sine`. */
export function sourcesIn(sources: string): string[] {
  // a file name may contain commas
  if (isRegularFile(sources)) return [sources];
  return sources.split(',').map((part) => (noFile.test(part) || aboutOf(part) ? part : part.replace(/^[^=/]*=/, '')));
}

/** Checks that the files in a list of sources exist. @throws RN720, RN753 */
export function checkSignals(sources: string, where: string): void {
  for (const source of sourcesIn(sources)) if (!noFile.test(source)) checkFile(source, where);
}

/** Checks that a path can be written as a file: it is no folder, and its parent is no file. @throws RN753 */
export function checkOutput(path: string, where: string): void {
  if (isFolder(path) || /[/\\]$/.test(path)) throw folderGiven(path, where, `a file name, for example ${join(path, 'NAME')}`);
  checkFolder(dirname(path), where);
}

/** Checks that a path is a folder or does not exist yet. @throws RN753 */
export function checkFolder(path: string, where: string): void {
  const about = aboutOf(path);
  if (!about || about.isDirectory()) return;
  throw new RunletError('RN753', {
    what: `${path} is not a folder`,
    where,
    why: 'this must be a folder',
    tryThis: 'another path',
  });
}
