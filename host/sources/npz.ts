/**
 * NumPy's .npz files: a ZIP archive of .npy files.
 *
 * In: bytes and, where there are several arrays, a name.  Out: one array.
 * Source: numpy.savez; models/read/zip.ts reads and checks the archive, and what it declares is bounded here
 * before anything is unpacked.
 */
import { RunletError } from '../../models/error.ts';
import { contentOf, type Member, membersOf, ZipError } from '../../models/read/zip.ts';
import { type NpyArray, readNpy } from './npy.ts';

/**
 * Largest array that is unpacked, in bytes: 256 MiB, an hour of sound at 16 kHz as float32. A choice: a small
 * archive may ask for a thousand times its size.
 */
const unpackedLimitBytes = 2 ** 28;

/** Errors of the archive as those of the file. */
async function within<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof ZipError ? damaged(error.message) : error;
  }
}

const damaged = (why: string): RunletError =>
  new RunletError('RN732', { what: 'this .npz file is damaged', why, tryThis: 'write it again with numpy.savez' });

/** A member's content, bounded and checked. */
function boundedContent(bytes: Uint8Array, member: Member, name: string): Promise<Uint8Array> {
  if (member.bytes > unpackedLimitBytes)
    throw new RunletError('RN724', {
      what: `array ${name} is too large`,
      where: `${member.bytes} bytes`,
      why: `at most ${unpackedLimitBytes} are unpacked into memory`,
      tryThis: 'save it alone with numpy.save, or split it',
    });
  return within(() => contentOf(bytes, member, `array ${name}`));
}

/**
 * Reads one array of a .npz file.
 * @param name its name with or without .npy; may be left out where there is only one.
 * @throws RN724 too large, RN732 damaged, RN733 no such array or several, RN730 and RN731 the array itself.
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
