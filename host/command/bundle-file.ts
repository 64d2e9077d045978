/**
 * A bundle on disk: the module, and next to it a weights file if the weights are not in the module.
 *
 * In: the path of a module.  Out: the path and bytes of its weights, an open session.
 * Errors: RN720 if the weights file cannot be read.
 */
import { readManifest } from '../../assembly/bundle/read.ts';
import { RunletError } from '../../models/error.ts';
import { openSession, type Session } from '../session/index.ts';
import { readBytes, readNamed } from './read-file.ts';

/** Returns the path of the weights file: okay_nabu.wasm -> okay_nabu.weights.bin */
export const weightsPath = (module: string): string => `${module.replace(/\.wasm$/i, '')}.weights.bin`;

/** Reads a module's weights file; undefined if the module holds its weights. @throws RN600-RN607, RN720 */
export async function weightsBeside(path: string, wasm: Uint8Array): Promise<Uint8Array | undefined> {
  const { weights } = readManifest(wasm);
  if (!weights) return undefined;
  const weightsFile = weightsPath(path);
  try {
    return await readNamed(weightsFile, weights.bytes);
  } catch (error) {
    throw new RunletError('RN720', {
      what: 'the weights of this bundle cannot be opened',
      where: weightsFile,
      why: `${(error as Error).message}; with --weights ${weights.home}, ${weights.bytes} bytes of weights are in a separate file`,
      tryThis: 'put the file into the folder of the bundle, or build with --weights embed',
    });
  }
}

/** Opens a session with the bundle's weights. @throws as weightsBeside and openSession */
export const openBundle = async (path: string, wasm: Uint8Array): Promise<Session> =>
  openSession(wasm as BufferSource, { weights: (await weightsBeside(path, wasm)) as BufferSource | undefined });

/** Opens a bundle whose frames are samples of sound. @throws RN775 if a frame is not a single sample. */
export async function openSoundBundle(path: string): Promise<Session> {
  const session = await openBundle(path, await readBytes(path));
  const { inputs } = session.manifest;
  if (inputs.length === 1 && inputs[0]?.elements === 1) return session;
  throw new RunletError('RN775', {
    what: 'the bundle does not take sound',
    where: path,
    why: `a frame has ${inputs.map(({ elements }) => elements).join(' and ')} values instead of one sample`,
    tryThis: 'build it with --front-end',
  });
}
