/**
 * openHdf5: opens the root group of an HDF5 file.
 *
 * In: the file's bytes.  Out: the root group.  Throws Hdf5Error. Source: HDF5 File Format Specification 3.0,
 * section II.A (superblock). docs/adr/0039-hdf5.md explains why no library is used.
 */
import { Bytes, Hdf5Error, unread } from './bytes.ts';
import { Hdf5Object } from './object.ts';

export { Hdf5Error } from './bytes.ts';

export type { Hdf5Object } from './object.ts';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

const isHdf5 = (bytes: Uint8Array): boolean => signature.every((b, i) => bytes[i] === b);

export function openHdf5(bytes: Uint8Array): Hdf5Object {
  const file = new Bytes(bytes);
  if (!isHdf5(bytes)) throw new Hdf5Error('it does not begin with the HDF5 signature');
  const version = file.u8(8);
  if (version > 1) unread(`its superblock has version ${version} (libver)`);
  if (file.u8(13) !== 8 || file.u8(14) !== 8) unread('its addresses or lengths do not have 8 bytes');
  const more = version === 1 ? 4 : 0;
  if (file.u64(24 + more) !== 0) unread('it begins with a user block');
  return new Hdf5Object(file, file.u64(64 + more));
}
