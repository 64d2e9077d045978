/**
 * Reads NumPy's .npz files: ZIP archives of .npy files.
 *
 * In: bytes, and the name of an array if there are several.  Out: one array, or all; and back.
 * models/read/zip.ts reads and checks the archive; here the declared size is checked before anything is
 * unpacked. Of several arrays the one named `windows` is the default: sets of windows have labels beside it.
 * Source: numpy.savez.
 */
import { RunletError } from '../../models/error.ts';
import { contentOf, type Member, membersOf, ZipError } from '../../models/read/zip.ts';
import { type NpyArray, readNpy, writeNpy } from './npy.ts';

/**
 * Maximum size of an unpacked array in bytes: 256 MiB, an hour of sound at 16 kHz as float32. A choice: a
 * small archive can unpack to a thousand times its size.
 */
const unpackedLimitBytes = 2 ** 28;

/** Name of the array of windows in a set of windows. */
const defaultArray = 'windows';

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
 * @param name name of the array, with or without .npy. Default: the only array, else `windows`.
 * @throws RN724 (too large), RN732 (damaged), RN733 if there is no such array, or several and no name, RN730
 * and RN731 (the array itself).
 */
export async function readNpz(bytes: Uint8Array, name?: string): Promise<NpyArray> {
  const members = (await within(() => membersOf(bytes))).filter((member) => member.name.endsWith('.npy'));
  const names = members.map((member) => member.name.slice(0, -4));
  const several = names.length > 1 && names.includes(defaultArray);
  const wanted = name?.replace(/\.npy$/, '') ?? (several ? defaultArray : names[0]);
  if (wanted === undefined) throw damaged('it holds no .npy file');
  const found = members.filter((member) => member.name === `${wanted}.npy`);
  const [member] = found;
  if (member === undefined || (name === undefined && names.length > 1 && !several))
    throw new RunletError('RN733', {
      what: name === undefined ? 'this .npz file holds several arrays' : `this .npz file has no array ${name}`,
      where: names.slice(0, 20).join(', '),
      tryThis: 'choose one with --array',
    });
  if (found.length > 1) throw damaged(`it holds ${found.length} arrays named ${wanted}`);
  return readNpy(await boundedContent(bytes, member, wanted));
}

/** Maximum number of arrays that are read at once. A choice. */
const maxArrays = 64;

/**
 * Reads all arrays of a .npz file.
 * @returns arrays by name, and the names of those whose type is not read (text, records).
 * @throws RN724 if they are too large together, RN732 (damaged), RN730.
 */
export async function readNpzAll(bytes: Uint8Array): Promise<{ arrays: Map<string, NpyArray>; unread: string[] }> {
  const members = (await within(() => membersOf(bytes))).filter((member) => member.name.endsWith('.npy'));
  if (members.length > maxArrays) throw damaged(`it holds ${members.length} arrays; at most ${maxArrays} are read`);
  const arrays = new Map<string, NpyArray>();
  const unread: string[] = [];
  let total = 0;
  for (const member of members) {
    const name = member.name.slice(0, -4);
    total += member.bytes;
    if (arrays.has(name)) throw damaged(`it holds two arrays named ${name}`);
    const content = await boundedContent(bytes, { ...member, bytes: total > unpackedLimitBytes ? total : member.bytes }, name);
    try {
      arrays.set(name, readNpy(content));
    } catch (error) {
      if (!(error instanceof RunletError && error.code === 'RN731')) throw error;
      unread.push(name);
    }
  }
  return { arrays, unread };
}

/**
 * Returns the JSON of another member than an array; undefined if there is none of this name.
 * @throws RN724 if it is too large, RN732 if the archive is damaged or the member is not JSON.
 */
export async function readNpzJson(bytes: Uint8Array, name: string): Promise<unknown> {
  const member = (await within(() => membersOf(bytes))).find((one) => one.name === name);
  if (!member) return undefined;
  const text = new TextDecoder().decode(await boundedContent(bytes, member, name));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(`${name} is not JSON: ${(error as Error).message}`);
  }
}

/** Date of the members, so that equal arrays give equal bytes: the first that ZIP can state. */
const mtime = new Date(1980, 0, 1);

/** Writes arrays as a .npz file, compressed. */
export async function writeNpz(arrays: ReadonlyMap<string, Pick<NpyArray, 'shape' | 'data'>>): Promise<Uint8Array> {
  const { zipSync } = await import('fflate');
  const files = [...arrays].map(([name, { shape, data }]) => [`${name}.npy`, writeNpy(shape, data)] as const);
  return zipSync(Object.fromEntries(files), { level: 1, mtime });
}
