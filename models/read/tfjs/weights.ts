/**
 * readWeights: reads the tensors of a weights manifest.
 *
 * In: `weightsManifest` of a model.json and access to its files.  Out: tensors by name, decoded on request.
 * Formula of quantised files: value = q * scale + min (uint8, uint16; rounded for integer types), or float16.
 * Paths may only name files in the model's folder and below, and sizes must match exactly.
 * Source: tfjs-core's io/types.ts and decodeWeights.
 */
import { halfToFloat } from '../half.ts';
import type { ModelFiles } from '../options.ts';
import { badWeights, malformed } from './fail.ts';
import { isObject } from './model.ts';

export interface Tensor {
  dims: number[];
  data: Float32Array;
  /** True for integers, and for booleans as 0 and 1. */
  whole: boolean;
}

interface Entry {
  name: string;
  dims: number[];
  elements: number;
  type: 'float32' | 'int32' | 'bool' | 'float16' | 'uint8' | 'uint16';
  whole: boolean;
  /** Only if quantised: value = q * scale + min. */
  affine?: { scale: number; min: number };
}

const bytesOf: Record<Entry['type'], number> = { float32: 4, int32: 4, bool: 1, float16: 2, uint8: 1, uint16: 2 };

/** Returns a path in the model's folder or below. @throws RN162 for any other path */
function checkedPath(path: unknown): string {
  if (typeof path !== 'string' || path === '' || path.length > 1000)
    throw malformed('a path of weights is missing', 'weightsManifest');
  // tfjs writes `./` in front of downloads of a browser
  const parts = path.replace(/^\.\//, '').split('/');
  if (/[\\:\0?#]/.test(path) || parts.some((p) => p === '' || p === '.' || p === '..'))
    throw badWeights('a path leads out of the folder', path, 'weights lie beside model.json or below it');
  return parts.join('/');
}

function entryOf(spec: unknown): Entry {
  const where = isObject(spec) && typeof spec.name === 'string' ? `weight ${spec.name.slice(0, 200)}` : 'weightsManifest';
  if (!isObject(spec) || typeof spec.name !== 'string' || !Array.isArray(spec.shape))
    throw malformed('a weight is malformed', where);
  const dims = spec.shape as number[];
  const elements = dims.reduce((a, b) => a * b, 1);
  if (dims.length > 6 || !dims.every((d) => Number.isSafeInteger(d) && d >= 0) || !Number.isSafeInteger(elements))
    throw malformed('a weight has no shape', where);
  const entry = { name: spec.name, dims, elements, whole: spec.dtype === 'int32' || spec.dtype === 'bool' };
  const { quantization } = spec;
  if (quantization === undefined) {
    if (spec.dtype === 'float32' || spec.dtype === 'int32' || spec.dtype === 'bool') return { ...entry, type: spec.dtype };
    throw badWeights(`a weight of type ${String(spec.dtype)}`, where, 'float32, int32 and bool are read, quantised or not');
  }
  if (!isObject(quantization)) throw malformed('quantization is malformed', where);
  const { dtype, scale, min } = quantization;
  if (dtype === 'float16') return { ...entry, type: 'float16' };
  if ((dtype !== 'uint8' && dtype !== 'uint16') || !Number.isFinite(scale) || !Number.isFinite(min))
    throw malformed('quantization is malformed', where, 'uint8 and uint16 with scale and min, and float16, are read');
  return { ...entry, type: dtype, affine: { scale: scale as number, min: min as number } };
}

function decode({ type, elements, affine, whole }: Entry, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Record<Entry['type'], (at: number) => number> = {
    float32: (at) => view.getFloat32(at, true),
    int32: (at) => view.getInt32(at, true),
    float16: (at) => halfToFloat(view.getUint16(at, true)),
    bool: (at) => view.getUint8(at),
    uint8: (at) => view.getUint8(at),
    uint16: (at) => view.getUint16(at, true),
  };
  const step = bytesOf[type];
  const at = read[type];
  if (!affine) return Float32Array.from({ length: elements }, (_, i) => at(i * step));
  const { scale, min } = affine;
  return Float32Array.from({ length: elements }, (_, i) => {
    const value = at(i * step) * scale + min;
    return whole ? Math.round(value) : value;
  });
}

/** Returns the file of a path. @throws RN162 if it is missing */
async function fileOf(files: ModelFiles | undefined, path: string, limitBytes: number): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  let why = files ? 'it is not there' : 'the reader was given model.json alone';
  try {
    if (typeof files === 'function') bytes = await files(path, limitBytes);
    else if (files && Object.hasOwn(files, path)) bytes = files[path];
  } catch (error) {
    why = (error as Error).message;
  }
  if (!bytes) throw badWeights('a file of weights cannot be read', path, why);
  return bytes;
}

/** Largest number of weights, and of weight files. A choice: real models have some hundred. */
const maxEntries = 10_000;

/** Largest total size of weights, in bytes. A choice: far above every time-series network. */
const maxBytes = 2 ** 30;

const tooMany = (what: string, limit: number) => badWeights(what, 'weightsManifest', `at most ${limit} are read`);

/**
 * Reads tensors by name. Each file is fetched once, and only if its declared weights can be read. @throws
 * RN161, RN162
 */
export async function readWeights(manifest: unknown, files: ModelFiles | undefined): Promise<Map<string, () => Tensor>> {
  if (!Array.isArray(manifest)) throw malformed('there is no weightsManifest', 'model.json');
  const tensors = new Map<string, () => Tensor>();
  const named = new Set<string>();
  let declared = 0;
  for (const group of manifest) {
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw malformed('a group of weights is malformed', 'weightsManifest');
    if (named.size + group.paths.length > maxEntries) throw tooMany('there are too many files of weights', maxEntries);
    if (tensors.size + group.weights.length > maxEntries) throw tooMany('there are too many weights', maxEntries);
    const paths = group.paths.map(checkedPath);
    for (const path of paths) {
      if (named.has(path))
        throw badWeights('a file of weights is named twice', path, 'each holds other weights, and is read once');
      named.add(path);
    }
    const entries = group.weights.map(entryOf);
    const needed = entries.reduce((n, e) => n + e.elements * bytesOf[e.type], 0);
    declared += needed;
    if (declared > maxBytes) throw tooMany(`${declared} bytes of weights are declared`, maxBytes);
    const wrongSize = (there: string) =>
      badWeights(
        'weights and their files differ in size',
        paths.slice(0, 20).join(', ').slice(0, 300),
        `${there} bytes are there, ${needed} are needed`,
      );
    const parts: Uint8Array[] = [];
    let stored = 0;
    for (const path of paths) {
      const part = await fileOf(files, path, needed - stored);
      stored += part.length;
      if (stored > needed) throw wrongSize(`${stored} or more`);
      parts.push(part);
    }
    if (stored !== needed) throw wrongSize(`${stored}`);
    const bytes = new Uint8Array(needed);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    at = 0;
    for (const entry of entries) {
      if (tensors.has(entry.name)) throw malformed(`two weights are named ${entry.name}`, 'weightsManifest');
      const encoded = bytes.subarray(at, at + entry.elements * bytesOf[entry.type]);
      at += encoded.length;
      tensors.set(entry.name, () => ({ dims: entry.dims, data: decode(entry, encoded), whole: entry.whole }));
    }
  }
  return tensors;
}
