/**
 * Members of a ZIP archive, read within bounds.
 *
 * In: the archive's bytes.  Out: its directory, and the content of a member.  Throws ZipError.
 * Source: PKWARE APPNOTE 6.3.10 for ZIP (without ZIP64, which only files above 4 GiB need); fflate inflates.
 * Only the central directory is used, and it is checked: a member is inflated in pieces, inflation stops as
 * soon as the output exceeds the declared size, and size and CRC-32 must match at the end. The caller limits
 * the declared size.
 * Cost: memory for the declared size and for one piece of 16 KiB packed bytes, at most 16.1 MiB unpacked.
 */

/** Why an archive or a member cannot be read. */
export class ZipError extends Error {}

/** Packed bytes per piece. A choice: it limits the output beyond the declared end of a member. */
const pieceBytes = 1 << 14;

/** Largest output of one packed byte: a match of 258 bytes costs at least two bits (RFC 1951, 3.2.5). */
const largestRatio = 1032;

/** An entry of the central directory (PKWARE APPNOTE 4.3.12). */
export interface Member {
  name: string;
  /** Compression: 0 stored, 8 deflated. */
  method: number;
  crc: number;
  packedBytes: number;
  /** Declared unpacked size. */
  bytes: number;
  /** Offset of its local header. */
  at: number;
}

/** Table for the CRC-32 of ZIP (PKWARE APPNOTE 4.4.7; polynomial 0xedb88320). */
const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crcTable[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const damaged = (why: string): ZipError => new ZipError(why);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Returns the central directory. Its end record is last in the file, before a comment of at most 64 KiB. */
export function membersOf(bytes: Uint8Array): Member[] {
  const view = viewOf(bytes);
  let end = bytes.length - 22;
  const first = Math.max(0, end - 0xffff);
  while (end >= first && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < first) throw damaged('it has no directory of a ZIP archive');
  const count = view.getUint16(end + 10, true);
  const members: Member[] = [];
  for (let at = view.getUint32(end + 16, true), i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw damaged('its directory is cut off');
    const flags = view.getUint16(at + 8, true);
    const nameBytes = view.getUint16(at + 28, true);
    members.push({
      name: new TextDecoder(flags & 0x800 ? 'utf-8' : 'latin1').decode(bytes.subarray(at + 46, at + 46 + nameBytes)),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    });
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}

/** Returns a member's bytes as stored. */
function packedOf(bytes: Uint8Array, { at, packedBytes }: Member): Uint8Array {
  const view = viewOf(bytes);
  if (at + 30 > bytes.length || view.getUint32(at, true) !== 0x04034b50) throw damaged('a member is not where the archive says');
  const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + packedBytes > bytes.length)
    throw damaged(`${packedBytes} bytes of a member are declared, ${bytes.length - from} are left`);
  return bytes.subarray(from, from + packedBytes);
}

/** Inflates a member to exactly its declared size. */
async function inflated(packed: Uint8Array, { bytes }: Member): Promise<Uint8Array> {
  const { Inflate } = await import('fflate');
  const out = new Uint8Array(bytes);
  let at = 0;
  const inflate = new Inflate((piece) => {
    if (at + piece.length > bytes)
      throw damaged(`${bytes} bytes of a member are declared, and ${at + piece.length} or more are packed`);
    out.set(piece, at);
    at += piece.length;
  });
  try {
    for (let from = 0; from === 0 || from < packed.length; from += pieceBytes)
      inflate.push(packed.subarray(from, from + pieceBytes), from + pieceBytes >= packed.length);
  } catch (error) {
    if (error instanceof ZipError) throw error;
    throw damaged(error instanceof Error ? error.message : String(error));
  }
  if (at !== bytes) throw damaged(`${bytes} bytes of a member are declared, and ${at} are packed`);
  return out;
}

/** Returns a member's content after all checks. @param what name of the member in messages */
export async function contentOf(bytes: Uint8Array, member: Member, what: string): Promise<Uint8Array> {
  const packed = packedOf(bytes, member);
  if (member.method !== 0 && member.method !== 8) throw damaged(`compression ${member.method} is unknown`);
  const maxBytes = packed.length * (member.method === 0 ? 1 : largestRatio);
  if (member.bytes > maxBytes)
    throw damaged(`${member.bytes} bytes of ${what} are declared, its ${packed.length} cannot hold them`);
  const content = member.method === 0 ? packed : await inflated(packed, member);
  if (content.length !== member.bytes)
    throw damaged(`${member.bytes} bytes of ${what} are declared, and ${content.length} are stored`);
  if (crc32(content) !== member.crc) throw damaged(`the CRC-32 of ${what} is not the one that the archive declares`);
  return content;
}
