/**
 * A bundle as files: the module, and beside it its weights where they are a file apart.
 *
 * In: the path of a module.  Out: the path of its weights, its bytes, an open session.  RN720 where the
 * weights that it wants are not there.
 */
import { readManifest } from '../../assembly/bundle/read.ts';
import { RunletError } from '../../models/error.ts';
import { openSession, type Session } from '../session/index.ts';
import { readBytes, readNamed } from './read-file.ts';

/** okay_nabu.wasm -> okay_nabu.weights.bin */
export const weightsPath = (module: string): string => `${module.replace(/\.wasm$/i, '')}.weights.bin`;

/** The weights beside a module; undefined where they are inside. @throws RN600-RN607 the module, RN720 */
export async function weightsBeside(path: string, wasm: Uint8Array): Promise<Uint8Array | undefined> {
  const { weights } = readManifest(wasm);
  if (!weights) return undefined;
  const beside = weightsPath(path);
  try {
    return await readNamed(beside, weights.bytes);
  } catch (error) {
    throw new RunletError('RN720', {
      what: 'the weights of this bundle cannot be opened',
      where: beside,
      why: `${(error as Error).message}; it was built with --weights ${weights.home}, and ${weights.bytes} bytes are a file apart`,
      tryThis: 'put the file beside the bundle, or build with --weights embed',
    });
  }
}

/** @throws as weightsBeside and openSession */
export const openBundle = async (path: string, wasm: Uint8Array): Promise<Session> =>
  openSession(wasm as BufferSource, { weights: (await weightsBeside(path, wasm)) as BufferSource | undefined });

/** A bundle whose frames are samples of sound, whose outputs may be rows of another model. @throws RN775 */
export async function openSoundBundle(path: string): Promise<Session> {
  const session = await openBundle(path, await readBytes(path));
  const { inputs } = session.manifest;
  if (inputs.length === 1 && inputs[0]?.elements === 1) return session;
  throw new RunletError('RN775', {
    what: 'the bundle takes no sound',
    where: path,
    why: `a frame has ${inputs.map(({ elements }) => elements).join(' and ')} values`,
    tryThis: 'build it with --front-end',
  });
}
