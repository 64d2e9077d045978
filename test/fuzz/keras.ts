/**
 * Damages Keras files and archives: truncates HDF5 and changes its bytes and addresses, changes the topology
 * as a tree, and changes members or the archive.
 *
 * In: valid files and a generator.  Out: a file. It checks nothing: that is the reader's task.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unzipSync, zipSync } from 'fflate';
import { root } from '../shared.ts';
import { changeTree } from './tfjs.ts';

type Below = (n: number) => number;

const folder = join(root, 'test/fixtures/keras');

/** Returns the fixtures. */
export function kerasFiles(): Uint8Array[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.gz'));
  return names.sort().map((name) => new Uint8Array(gunzipSync(readFileSync(join(folder, name)))));
}

/** Changes a few bytes; half of the changes set a whole address to any position in the file. */
export function changeBytes(given: Uint8Array, below: Below): Uint8Array {
  const bytes = given.slice();
  if (below(12) === 0) return bytes.slice(0, below(bytes.length));
  for (let n = 1 + below(3); n > 0; n--) {
    const at = below(bytes.length);
    if (below(2) === 0) bytes[at] = below(2) === 0 ? (bytes[at] as number) ^ (1 << below(8)) : below(256);
    else if (at + 8 < bytes.length) new DataView(bytes.buffer).setBigUint64(at & ~7, BigInt(below(bytes.length)), true);
  }
  return bytes;
}

/** Changes bytes that are not zero. Most of an HDF5 file is zeros, and changing those tests nothing. */
function changeHdf5(given: Uint8Array, below: Below): Uint8Array {
  const used = [...given.keys()].filter((at) => given[at] !== 0);
  const bytes = given.slice();
  for (let n = 1 + below(3); n > 0; n--) {
    const at = used[below(used.length)] as number;
    bytes[at] = below(3) === 0 ? below(256) : (bytes[at] as number) ^ (1 << below(8));
  }
  return below(3) === 0 ? changeBytes(bytes, below) : bytes;
}

export function mutateKeras(files: readonly Uint8Array[], below: Below): Uint8Array {
  const file = files[below(files.length)] as Uint8Array;
  if (file[0] !== 0x50) return changeHdf5(file, below);
  if (below(4) === 0) return changeBytes(file, below);
  const members = unzipSync(file);
  const config = members['config.json'] as Uint8Array;
  const weights = members['model.weights.h5'] as Uint8Array;
  const changed: Record<string, Uint8Array> =
    below(2) === 0 ? { 'config.json': changeTree(config, below) } : { 'model.weights.h5': changeHdf5(weights, below) };
  return zipSync({ ...members, ...changed }, { level: 0 });
}
