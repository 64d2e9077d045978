/**
 * Reads NumPy's .npz files: ZIP archives of .npy files.
 *
 * In: bytes, and the name of an array if there are several.  Out: one array.  models/read/zip.ts reads and
 * checks the archive; here the declared size is checked before anything is unpacked.
 * Source: numpy.savez.
 */
import { RunletError } from '../../models/error.ts';
import { contentOf, type Member, membersOf, ZipError } from '../../models/read/zip.ts';
import { type NpyArray, readNpy } from './npy.ts';

/**
 * Maximum size of an unpacked array in bytes: 256 MiB, an hour of sound at 16 kHz as float32. A choice: a
 * small archive can unpack to a thousand times its size.
 */
const unpackedLimitBytes = 2 ** 28;

/** Runs a function and turns errors of the archive into RN732. */
async function within<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof ZipError ? damaged(error.message) : error;
  }
}

const damaged = (why: string): RunletError =>
  new RunletError('RN732', { what: 'this .npz file is damaged', why, tryThis: 'write it again with numpy.savez' });

/** Unpacks a member. @throws RN724 if it is too large, RN732 if it is damaged. */
function boundedContent(bytes: Uint8Array, member: Member, name: string): Promise<Uint8Array> {
  if (member.bytes > unpackedLimitBytes)
    throw new RunletError('RN724', {
      what: `array ${name} is too large`,
      where: `${member.bytes} bytes`,
      why: `at most ${unpackedLimitBytes} are unpacked into memory`,
      tryThis: 'save it as a .npy file with numpy.save, or split it',
    });
  return within(() => contentOf(bytes, member, `array ${name}`));
}

/**
 * Reads one array of a .npz file.
 * @param name name of the array, with or without .npy. Default: the only array.
 * @throws RN724 (too large), RN732 (damaged), RN733 if there is no such array, or several and no name, RN730
 * and RN731 (the array itself).
 */
export async function readNpz(bytes: Uint8Array, name?: string): Promise<NpyArray> {
  const members = (await within(() => membersOf(bytes))).filter((member) => member.name.endsWith('.npy'));
  const names = members.map((member) => member.name.slice(0, -4));
  const wanted = name?.replace(/\.npy$/, '') ?? names[0];
  if (wanted === undefined) throw damaged('it holds no .npy file');
  const found = members.filter((member) => member.name === `${wanted}.npy`);
  const [member] = found;
  if (member === undefined || (name === undefined && names.length > 1))
    throw new RunletError('RN733', {
      what: name === undefined ? 'this .npz file holds several arrays' : `this .npz file has no array ${name}`,
      where: names.slice(0, 20).join(', '),
      tryThis: 'choose one with --array',
    });
  if (found.length > 1) throw damaged(`it holds ${found.length} arrays named ${wanted}`);
  return readNpy(await boundedContent(bytes, member, wanted));
}
