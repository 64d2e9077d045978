/**
 * binaryFile: recognises binary files of other programs by their first bytes.
 *
 * In: a file's bytes.  Out: what the file is, or undefined.  Source: Python's pickle opcodes, safetensors
 * (u64 length and JSON), saved_model.proto, graph.proto and Model.proto of Core ML (first fields), and the
 * magic numbers of the other formats.
 */
import { latin1 } from '../../graph/base64.ts';
import { runsCode, torchPickle, weightsOnly } from './archive.ts';
import { type Found, trees } from './found.ts';
import { fromFrozen, fromKeras, fromSavedModel, fromScikit, fromWeights } from './lines.ts';

const folderOf = (path: string | undefined): string | undefined =>
  path === undefined ? undefined : path.includes('/') ? path.replace(/\/[^/]*$/, '') || '/' : '.';

const onnxFirst = 'export the network that it was made from to ONNX or TensorFlow Lite';

/** Formats from which the network cannot be recovered, by their magic number. */
const finalFormats: Readonly<Record<string, string>> = {
  ET12: 'an ExecuTorch program (.pte)',
  GGUF: 'a GGUF file of llama.cpp',
  CBM1: 'a CatBoost model',
};

/** torch.serialization.MAGIC_NUMBER, encoded by pickle. Files of older torch.save versions begin with it. */
const torchMagic = '\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19';

/** Recognises pickles, and files of joblib, which are pickles with arrays in between. */
function pickle(text: string, path: string | undefined): Found {
  if (text.startsWith(torchMagic, 2)) return torchPickle(text, path);
  const [, program = ''] = /(sklearn|xgboost|lightgbm|catboost|torch|keras|tensorflow)[.\n_]/.exec(text) ?? [];
  if (/^(sklearn|xgboost|lightgbm|catboost)$/.test(program)) {
    const name = program === 'sklearn' ? 'scikit-learn' : program;
    return trees(`a ${name} model, pickled`, fromScikit(path));
  }
  if (program === 'torch') return torchPickle(text, path);
  const keras = program === 'keras' || program === 'tensorflow';
  return {
    what: keras ? 'a Keras model, pickled' : 'a Python pickle',
    why: runsCode,
    tryThis: keras
      ? `load it where it was written, call model.save('model.keras'), and convert that file: ${fromKeras(undefined)}`
      : `load it where it was written, and export the network as .tflite or .onnx`,
  };
}

/** Reads a protobuf varint of up to five bytes, because files are below 2^35 bytes. */
function varint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i] ?? 0;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return [value, at + i + 1];
  }
  return [0, bytes.length];
}

const text = (bytes: Uint8Array, from: number, length: number): string =>
  latin1(bytes.subarray(from, from + Math.min(length, 256)));

/** Yields name and op of each node of a GraphDef (field 1: NodeDef, with name in field 1, op in field 2). */
function* graphNodes(bytes: Uint8Array): Generator<{ name: string; op: string }> {
  for (let at = 0; at < bytes.length && bytes[at] === 0x0a; ) {
    const [length, start] = varint(bytes, at + 1);
    if (bytes[start] !== 0x0a || length === 0) return;
    const [nameLength, nameAt] = varint(bytes, start + 1);
    const opTag = nameAt + nameLength;
    if (bytes[opTag] !== 0x12) return;
    const [opLength, opAt] = varint(bytes, opTag + 1);
    yield { name: text(bytes, nameAt, nameLength), op: text(bytes, opAt, opLength) };
    at = start + length;
  }
}

function frozenGraph(bytes: Uint8Array, path: string | undefined): Found | undefined {
  let input = '';
  let output = '';
  for (const { name, op } of graphNodes(bytes)) {
    if (op === 'Placeholder') input ||= name;
    if (op !== 'NoOp' && op !== 'Const') output = name;
  }
  if (!output) return undefined;
  return {
    what: 'a frozen TensorFlow graph (.pb)',
    why: 'it holds TensorFlow operations',
    tryThis: fromFrozen(path, input, output),
  };
}

/**
 * Recognises files that begin with 0x08, as ONNX files do. Their second field is a message; in ONNX it is the
 * producer's name.
 */
function protobuf(bytes: Uint8Array, path: string | undefined): Found | undefined {
  const [version, next] = varint(bytes, 1);
  if (bytes[next] !== 0x12) return undefined;
  const [, at] = varint(bytes, next + 1);
  if (bytes[at] !== 0x0a) return undefined;
  if (version === 1 && /serve|tensorflow|saver|NoOp|Placeholder/i.test(latin1(bytes.subarray(0, 1 << 16))))
    return {
      what: 'a TensorFlow SavedModel (saved_model.pb)',
      why: 'it holds TensorFlow operations; its weights are in the folder variables of the same SavedModel',
      tryThis: fromSavedModel(folderOf(path)),
    };
  return { what: 'a Core ML model (.mlmodel)', why: 'coremltools cannot convert it back to a network', tryThis: onnxFirst };
}

const startsWith = (bytes: Uint8Array, ...magic: number[]): boolean => magic.every((b, i) => bytes[i] === b);

export function binaryFile(bytes: Uint8Array, path: string | undefined): Found | undefined {
  const head = latin1(bytes.subarray(0, 1 << 16));
  const data = (what: string): Found => ({
    what,
    why: 'it holds data, not layers',
    tryThis: 'give the model file first, and the data with --calib or after the model',
    noModel: true,
  });
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5) return pickle(head, path);
  const name = finalFormats[head.slice(4, 8)] ?? finalFormats[head.slice(0, 4)];
  if (name) return { what: name, why: 'the network cannot be recovered from it', tryThis: onnxFirst };
  if (startsWith(bytes, 0x1f, 0x8b) || head.slice(257, 262) === 'ustar')
    return {
      what: 'a packed archive',
      why: 'it is tar or gzip',
      tryThis: 'unpack it (tar xf), and give the model in it',
      noModel: true,
    };
  if (bytes[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(bytes[1] ?? 0))
    return trees('compressed data, as joblib writes scikit-learn models', fromScikit(path));
  if (head.startsWith('\x93NUMPY')) return data('a NumPy array (.npy)');
  if (head.startsWith('RIFF')) return data('a sound file (.wav)');
  if (startsWith(bytes, 0, 0x61, 0x73, 0x6d))
    return {
      what: 'a WebAssembly module',
      why: 'a bundle of Runlet is such a module, already built',
      tryThis: 'use runlet inspect or runlet run with it; commands that build take a model file',
      noModel: true,
    };
  if (/^[\s\S]{8}\{\s*"/.test(head) && bytes[6] === 0 && bytes[7] === 0 && /"(dtype|__metadata__)"/.test(head)) {
    const load = (file: string) => `safetensors.torch.load_file('${file}')`;
    const line = fromWeights(path, 'model.safetensors', load).replace('import torch;', 'import torch, safetensors.torch;');
    return { what: 'a safetensors file', why: weightsOnly, tryThis: line };
  }
  if (bytes[0] === 0x08) return protobuf(bytes, path);
  if (bytes[0] === 0x0a) return frozenGraph(bytes, path);
  return undefined;
}
