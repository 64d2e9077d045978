/**
 * NumPy's .npz files: a ZIP archive of .npy files.
 *
 * In: bytes and, where there are several arrays, a name.  Out: one array.
 * Source: numpy.savez; PKWARE APPNOTE for ZIP, read by fflate. Declared sizes are checked before anything is unpacked: the archive's, then those of the
 * .npy header, which must agree. Unpacking stops at the declared size; the CRC-32 of the member is checked.
 */
import { RunletError } from '../../models/error.ts';
import { type NpyArray, readNpy } from './npy.ts';

/** Largest array that is unpacked, in bytes: 256 MiB, an hour of sound at 16 kHz as float32. A choice: a small archive may ask for a thousand times its size. */
const unpackedLimitBytes = 2 ** 28;

/** CRC-32 of ZIP (PKWARE APPNOTE 4.4.7; polynomial 0xedb88320), by a table. */
const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crcTable[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** CRC-32 that the central directory gives for a member (PKWARE APPNOTE 4.3.12), which comes last in the file. */
function declaredCrc(bytes: Uint8Array, name: string): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) return undefined;
  for (let at = view.getUint32(end + 16, true); at + 46 <= bytes.length && view.getUint32(at, true) === 0x02014b50; ) {
    const nameBytes = view.getUint16(at + 28, true);
    if (new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes)) === name) return view.getUint32(at + 16, true);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return undefined;
}

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
    if (unpacked > unpackedLimitBytes)
      throw new RunletError('RN724', {
        what: `array ${wanted} is too large`,
        where: `${unpacked} bytes`,
        why: `at most ${unpackedLimitBytes} are unpacked into memory`,
        tryThis: 'save it alone with numpy.save, or split it',
      });
    return true;
  });
  const content = files[`${wanted}.npy`];
  if (!content) throw damaged(`array ${wanted} cannot be unpacked`);
  if (crc32(content) !== declaredCrc(bytes, `${wanted}.npy`))
    throw damaged(`the CRC-32 of array ${wanted} is another than the archive says`);
  return readNpy(content);
}
