/**
 * foreignFile: recognises files of other programs, and says how to convert them to a format that is read.
 *
 * In: a file's bytes, or the names in a folder.  Out: RN166 (a model of another program, with the line that
 * converts it), RN167 (not a model), or undefined if the file is not recognised. Only the content decides;
 * the path is used for the lines. Cost: reads the first bytes, or the directory of a ZIP archive.
 */
import type { RunletError } from '../../error.ts';
import { archive } from './archive.ts';
import { binaryFile } from './binary.ts';
import { type Found, refusal } from './found.ts';
import { fromSavedModel, nameIn } from './lines.ts';
import { textFile } from './text.ts';

function recognised(bytes: Uint8Array, path: string | undefined): Found | undefined {
  if (bytes.length === 0)
    return {
      what: 'an empty file',
      why: 'it has 0 bytes: an export or a download was interrupted',
      tryThis: 'export, copy or download it again',
      noModel: true,
    };
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return archive(bytes, path);
  return binaryFile(bytes, path) ?? textFile(bytes, path);
}

export function foreignFile(bytes: Uint8Array, path?: string): RunletError | undefined {
  const found = recognised(bytes, path);
  return found && refusal(found, path);
}

const modelIn = /(\.tflite|\.onnx|\.rnq|^model\.json)$/i;

/** Returns the error for a folder, by the names in it. */
export function foreignFolder(names: readonly string[], path: string): RunletError {
  const has = (name: string) => names.includes(name);
  if (has('saved_model.pb'))
    return refusal(
      {
        what: 'a TensorFlow SavedModel folder',
        why: 'it holds TensorFlow operations and their weights',
        tryThis: fromSavedModel(path),
      },
      path,
    );
  if (has('Manifest.json') && has('Data'))
    return refusal(
      {
        what: 'a Core ML package (.mlpackage)',
        why: 'coremltools cannot convert it back to a network',
        tryThis: 'export the network that it was made from to ONNX or TensorFlow Lite',
      },
      path,
    );
  const models = names.filter((name) => modelIn.test(name));
  const [only] = models;
  const base = nameIn(path, 'FOLDER').replace(/\/+$/, '');
  return refusal(
    {
      what: 'a folder',
      why: only ? `the models in it are ${models.slice(0, 8).join(', ')}` : 'it holds no model file',
      tryThis: only ? `give the file: ${base}/${nameIn(only, 'MODEL')}` : 'give a model file: .tflite, .onnx, model.json or .rnq',
      noModel: true,
    },
    path,
  );
}
