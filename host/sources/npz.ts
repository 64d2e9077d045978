/**
 * NumPy's .npz files: a ZIP archive of .npy files.
 *
 * In: bytes and, where there are several arrays, a name.  Out: one array.
 * Source: numpy.savez; PKWARE APPNOTE for ZIP, read by fflate. Declared sizes are checked before anything is unpacked.
 */
import { RunletError } from '../../models/error.ts';
import { type NpyArray, readNpy } from './npy.ts';
import { sizeLimitBytes } from './source.ts';

const damaged = (why: string): RunletError =>
  new RunletError('RN732', { what: 'this .npz file is damaged', why, tryThis: 'write it again with numpy.savez' });

/**
 * Reads one array of a .npz file.
 * @param name its name with or without .npy; may be left out where there is only one.
 * @throws RN724 too large, RN732 damaged, RN733 no such array or several, RN730 and RN731 the array itself.
 */
export async function readNpz(bytes: Uint8Array, name?: string): Promise<NpyArray> {
  const { unzipSync } = await import('fflate');
  const unzip = (filter: (file: { name: string; originalSize: number; size: number }) => boolean) => {
    try {
      return unzipSync(bytes, { filter });
    } catch (error) {
      if (error instanceof RunletError) throw error;
      throw damaged(error instanceof Error ? error.message : String(error));
    }
  };
  const names: string[] = [];
  unzip((file) => {
    if (file.name.endsWith('.npy')) names.push(file.name.slice(0, -4));
    return false;
  });
  const wanted = name?.replace(/\.npy$/, '') ?? names[0];
  if (wanted === undefined) throw damaged('it holds no .npy file');
  if (!names.includes(wanted) || (name === undefined && names.length > 1))
    throw new RunletError('RN733', {
      what: name === undefined ? 'this .npz file holds several arrays' : `this .npz file has no array ${name}`,
      where: names.slice(0, 20).join(', '),
      tryThis: 'choose one with --array',
    });
  let unpacked = 0;
  const files = unzip((file) => {
    if (file.name !== `${wanted}.npy`) return false;
    unpacked += Math.max(file.originalSize, file.size);
    if (unpacked > sizeLimitBytes)
      throw new RunletError('RN724', {
        what: `array ${wanted} is too large`,
        where: `${unpacked} bytes`,
        why: `at most ${sizeLimitBytes} are unpacked into memory`,
        tryThis: 'split it, or pipe it through standard input with --format f32',
      });
    return true;
  });
  const content = files[`${wanted}.npy`];
  if (!content) throw damaged(`array ${wanted} cannot be unpacked`);
  return readNpy(content);
}
