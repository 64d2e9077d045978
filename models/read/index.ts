/**
 * readModel: a model file of any format that is read to a Graph.
 *
 * In: the file's bytes.  Out: a Graph, from the reader that the first bytes ask for (loaded only then).
 * Errors: RN166 and RN167 (a file of another program, see foreign/), RN100 (nothing that is known), RN168
 * (which dimension is time, see time-axis.ts), and those of the reader. Source: `TFL3` is the FlatBuffers
 * identifier of TensorFlow Lite at byte 4; an ONNX file is a ModelProto whose first field is ir_version (tag
 * 0x08); a TensorFlow.js model.json starts with a brace, and its weights come through
 * `options.files`.
 */

import { RunletError } from '../error.ts';
import { latin1 } from '../graph/base64.ts';
import type { Graph } from '../graph/types.ts';
import type { ModelFiles, ReaderOptions, ReadOptions } from './options.ts';
import { decideTime } from './time-axis.ts';

export type { ModelFiles, ReadOptions } from './options.ts';

/** Files are fetched once, however often the model is lowered: a caller may count them. */
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
export async function readModel(bytes: Uint8Array, options: ReadOptions = {}): Promise<Graph> {
  const given = { ...options, files: once(options.files) };
  const decided = (read: (options: ReaderOptions) => Graph | Promise<Graph>): Promise<Graph> =>
    decideTime((pick) => read({ ...given, pick }), options.onNotice);
  if (latin1(bytes.subarray(4, 8)) === 'TFL3') {
    const { readTflite } = await import('./tflite/index.ts');
    return decided((all) => readTflite(bytes, all));
  }
  if (latin1(bytes.subarray(0, 4)) === 'RNQ1') {
    const { readGraph } = await import('../graph/file.ts');
    return readGraph(bytes);
  }
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
  const first = Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  throw new RunletError('RN100', {
    what: 'the file is no model of a known format',
    where: 'byte 0',
    why: `it starts with ${first}`,
    tryThis:
      'a TensorFlow Lite file (TFL3 at byte 4), an ONNX file, the model.json of a TensorFlow.js model, or a quantised model (.rnq)',
  });
}
