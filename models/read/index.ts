/**
 * readModel: reads a model file of any supported format into a Graph.
 *
 * In: the file's bytes.  Out: a Graph, from the reader that the first bytes select; only this reader is
 * loaded. Errors: RN100 (unknown format), RN166 and RN167 (a file of another program, see foreign/), RN168
 * (the time axis is unclear, see time-axis.ts), RN170 (a damaged archive), and the errors of the reader.
 * Source: `TFL3` is the FlatBuffers identifier of TensorFlow Lite at byte 4; an ONNX file is a ModelProto
 * whose first field is ir_version (tag 0x08); a TensorFlow.js model.json starts with a brace, and its weights
 * come from `options.files`; HDF5 and ZIP have signatures. A model in an archive is read like a model file.
 */

import { RunletError } from '../error.ts';
import { latin1 } from '../graph/base64.ts';
import type { Graph } from '../graph/types.ts';
import type { Found } from './archive.ts';
import type { ModelFiles, ReaderOptions, ReadOptions } from './options.ts';
import { decideTime } from './time-axis.ts';
import { withVectors } from './vectors.ts';

export type { ModelFiles, ReadOptions } from './options.ts';

/** Fetches each file once, however often the model is lowered: a caller may count the fetches. */
function once(files: ModelFiles | undefined): ModelFiles | undefined {
  if (typeof files !== 'function') return files;
  const fetched = new Map<string, Promise<Uint8Array>>();
  return (path, limitBytes) => {
    const file = fetched.get(path) ?? files(path, limitBytes);
    fetched.set(path, file);
    return file;
  };
}

/** Reads `bytes` with the reader for their format. */
export const readModel = (bytes: Uint8Array, options: ReadOptions = {}): Promise<Graph> => read(bytes, options, false);

/** @param packed true if the bytes come from an archive */
async function read(bytes: Uint8Array, options: ReadOptions, packed: boolean): Promise<Graph> {
  const given = { ...options, files: once(options.files) };
  const decided = async (reader: (options: ReaderOptions) => Graph | Promise<Graph>): Promise<Graph> =>
    withVectors(await decideTime((pick) => reader({ ...given, pick }), options.onNotice, options.frame));
  const start = latin1(bytes.subarray(0, 8));
  if (start.slice(4) === 'TFL3') {
    const { readTflite } = await import('./tflite/index.ts');
    return decided((all) => readTflite(bytes, all));
  }
  if (start.startsWith('RNQ1')) {
    const { readGraph } = await import('../graph/file.ts');
    return readGraph(bytes);
  }
  if (start === '\x89HDF\r\n\x1a\n') {
    const { readH5 } = await import('./keras/index.ts');
    return decided((all) => readH5(bytes, all));
  }
  const inner = start.startsWith('PK') ? await opened(bytes, options.path, packed) : await asArray(bytes);
  if (inner && 'keras' in inner) {
    const { readKeras } = await import('./keras/index.ts');
    return decided((all) => readKeras(inner.keras, all));
  }
  if (inner) return read(inner.bytes, { ...options, ...inner }, true);
  const { foreignFile } = await import('./foreign/index.ts');
  const foreign = foreignFile(bytes, options.path);
  if (foreign) throw foreign;
  if (bytes[0] === 0x08) {
    const { readOnnx } = await import('./onnx/index.ts');
    const { fetchExternal } = await import('./onnx/external.ts');
    const external = await fetchExternal(bytes, given.files);
    return decided((all) => readOnnx(bytes, { ...all, external }));
  }
  if (bytes[0] === 0x7b) {
    const { readTfjs } = await import('./tfjs/index.ts');
    return decided((all) => readTfjs(bytes, all));
  }
  throw unknown(bytes);
}

/**
 * Returns the model in an archive, and refuses files of another program. An archive inside an archive must be
 * a .keras file.
 */
async function opened(bytes: Uint8Array, path: string | undefined, packed: boolean): Promise<Found | undefined> {
  const { foreignFile } = await import('./foreign/index.ts');
  const foreign = foreignFile(bytes, path);
  if (foreign?.code === 'RN166') throw foreign;
  const { modelIn } = await import('./archive.ts');
  const found = await modelIn(bytes, path);
  if (packed && found && !('keras' in found)) throw foreign;
  return found;
}

/** Reads a TensorFlow Lite file that is written as a C array. */
async function asArray(bytes: Uint8Array): Promise<{ bytes: Uint8Array } | undefined> {
  const { tfliteInText } = await import('./array.ts');
  const found = tfliteInText(bytes);
  return found && { bytes: found };
}

function unknown(bytes: Uint8Array): RunletError {
  const first = Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  return new RunletError('RN100', {
    what: 'the file is not a model of a known format',
    where: 'byte 0',
    why: `it starts with ${first}`,
    tryThis:
      'a TensorFlow Lite file (TFL3 at byte 4), an ONNX file, the model.json of a TensorFlow.js model, a Keras file (.keras, .h5), or a quantised model (.rnq)',
  });
}
