/**
 * Paths on the command line: refused before any work where they cannot be used.
 *
 * In: a path, and where it stands on the command line.  Out: nothing. Nothing is opened or read.
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
  new RunletError('RN753', { what: `${path} is a folder`, where, why: 'a file is wanted here', tryThis });

/** A file, a pipe or a device that is there. @throws RN720, RN753 */
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
      : 'a file in it',
  );
}

/** Sources that are no file. */
const noFile = /^(-|mic)$|^gen:/;

/** Each source of a list that is a file is there. @throws RN720, RN753 */
export function checkSignals(sources: string, where: string): void {
  // a file's name may have commas
  if (aboutOf(sources)?.isFile()) return;
  for (const part of sources.split(',')) {
    const source = noFile.test(part) || aboutOf(part) ? part : part.replace(/^[^=/]*=/, '');
    if (!noFile.test(source)) checkFile(source, where);
  }
}

/** A file that can be written: no folder, and under no file. @throws RN753 */
export function checkOutput(path: string, where: string): void {
  if (isFolder(path) || /[/\\]$/.test(path))
    throw folderGiven(path, where, `the name of a file, ${join(path, 'NAME')} for example`);
  checkFolder(dirname(path), where);
}

/** A folder, there or to be made. @throws RN753 */
export function checkFolder(path: string, where: string): void {
  const about = aboutOf(path);
  if (!about || about.isDirectory()) return;
  throw new RunletError('RN753', {
    what: `${path} is no folder`,
    where,
    why: 'a folder is wanted here',
    tryThis: 'another path',
  });
}
