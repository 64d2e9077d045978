/**
 * archive: recognises ZIP archives with a model of another program, by the names of their entries.
 *
 * In: the bytes of a ZIP file.  Out: what the file is.  Only the central directory is read, and PyTorch's
 * `data.pkl` if it has at most 1 MiB. Source: the layouts that torch.save, torch.jit.save,
 * torch.export.save and numpy.savez write.
 */
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { latin1 } from '../../graph/base64.ts';
import type { Found } from './found.ts';
import { fromTorchModule, fromTorchProgram, fromTorchScript, fromWeights, nameIn } from './lines.ts';

const pickleLimitBytes = 1 << 20;
/** Largest number of entry names that are checked. A choice: archives of models have a few hundred. */
const maxNames = 10_000;

export const weightsOnly = 'the file holds only weights; their layers are defined in the program that trained them';
export const runsCode = 'it holds Python objects, which only the program that wrote them can load';

/**
 * Returns the first class that a pickle names (opcode GLOBAL), such as `__main__.Net`. Plain weights give
 * `collections.OrderedDict`.
 */
const firstClass = (pickle: string): string => {
  const [, module = '', name = ''] = /c([A-Za-z_][\w.]{0,200})\n(\w{1,200})\n/.exec(pickle) ?? [];
  return `${module}.${name}`;
};

/** Recognises a file of torch.save: a pickled module, or its weights. */
export function torchPickle(pickle: string, path: string | undefined): Found {
  const whole = firstClass(pickle);
  if (!/^(\.|collections\.|torch\._utils\.)/.test(whole))
    return { what: `a PyTorch model of class ${whole}, pickled`, why: runsCode, tryThis: fromTorchModule(path) };
  const load = (file: string) => `torch.load('${file}', map_location='cpu')`;
  return { what: 'a PyTorch checkpoint (state_dict)', why: weightsOnly, tryThis: fromWeights(path, 'model.pt', load) };
}

/** Names of model files that the user can unpack and read. */
const modelNames = /(\.tflite|\.onnx|\.keras|\.h5|saved_model\.pb|model\.json|\.mlmodel)$/i;

export function archive(bytes: Uint8Array, path: string | undefined): Found {
  const names: string[] = [];
  let pickle = '';
  let found = false;
  try {
    const wanted = ({ name, originalSize }: UnzipFileInfo): boolean => {
      if (names.length < maxNames) names.push(name);
      // only the first: a hostile archive may list one entry a million times
      const first = !found && /(^|\/)data\.pkl$/.test(name) && originalSize <= pickleLimitBytes;
      found ||= first;
      return first;
    };
    for (const data of Object.values(unzipSync(bytes, { filter: wanted }))) pickle = latin1(data.subarray(0, 4096));
  } catch {
    return {
      what: 'a damaged ZIP archive',
      why: 'its directory cannot be read',
      tryThis: 'copy or download it again',
      noModel: true,
    };
  }
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/(^|\/)(archive_format|serialized_exported_program\.json)$/))
    return { what: 'a PyTorch program (torch.export)', why: 'it holds operators of PyTorch', tryThis: fromTorchProgram(path) };
  if (has(/(^|\/)constants\.pkl$/) || has(/(^|\/)code\//))
    return { what: 'a TorchScript model', why: 'it holds TorchScript code', tryThis: fromTorchScript(path) };
  if (has(/(^|\/)data\.pkl$/)) return torchPickle(pickle, path);
  if (names.length > 0 && names.every((name) => name.endsWith('.npy')))
    return {
      what: 'a NumPy archive (.npz)',
      why: 'it holds arrays: signals or weights without layers',
      tryThis: 'give it as data (--calib), together with the model file',
      noModel: true,
    };
  const model = names.find((name) => modelNames.test(name));
  return {
    what: 'a ZIP archive',
    why: model
      ? `the model in it is ${model.slice(0, 200)}`
      : `it holds ${names.slice(0, 4).join(', ').slice(0, 200) || 'nothing'}`,
    tryThis: model
      ? `unzip ${nameIn(path, 'archive.zip')}, and give the model that is in it`
      : 'the .tflite or .onnx file itself',
    noModel: true,
  };
}
