/**
 * textFile: recognises text files that users give as a model: web pages of a failed download, Git LFS
 * pointers, models of other programs in XML, JSON or plain text, and C arrays.
 *
 * In: the file's bytes.  Out: what the file is, or undefined.
 */
import { latin1 } from '../../graph/base64.ts';
import { type Found, trees } from './found.ts';
import { fromArray, fromKeras, fromTrees } from './lines.ts';

/** TensorFlow Lite's identifier, `TFL3`, as bytes of a C array. */
const arrayOfTflite = /0x54,\s*0x46,\s*0x4c,\s*0x33/i;

interface Kind {
  begins: RegExp;
  found: (text: string, path: string | undefined) => Found | undefined;
}

const again = 'download it again; on GitHub and Hugging Face use the address of the raw file: curl -L -O ADDRESS';

const kinds: readonly Kind[] = [
  {
    begins: /^version https:\/\/git-lfs/,
    found: (text) => ({
      what: 'a Git LFS pointer',
      why: `the model itself${/\nsize (\d{1,15})\n/.test(text) ? `, of ${/\nsize (\d+)/.exec(text)?.[1]} bytes,` : ''} was not downloaded with the repository`,
      tryThis: 'git lfs install && git lfs pull, in the folder of the repository',
      noModel: true,
    }),
  },
  {
    begins: /^\s*(<!doctype html|<html|<head)/i,
    found: () => ({
      what: 'a web page (HTML)',
      why: 'the download returned a web page instead of the file',
      tryThis: again,
      noModel: true,
    }),
  },
  {
    begins: /^\s*(<\?xml|<!--|<net[\s>]|<PMML)/,
    found: (text) => {
      if (/<net[\s>]/.test(text))
        return {
          what: 'an OpenVINO model (.xml)',
          why: 'OpenVINO cannot convert its format back, and the weights are in a separate .bin file',
          tryThis: 'give the ONNX or TensorFlow Lite file that it was made from (ovc and mo take one as input)',
        };
      return { what: 'an XML file', why: 'Runlet reads no XML format', tryThis: again, noModel: true };
    },
  },
  { begins: /^\{\s*"learner"/, found: (_, path) => trees('an XGBoost model', fromTrees('xgboost', path)) },
  { begins: /^\{[LUiIl][\s\S]{1,8}learner/, found: (_, path) => trees('an XGBoost model (.ubj)', fromTrees('xgboost', path)) },
  { begins: /^(tree\r?\nversion=)/, found: (_, path) => trees('a LightGBM model', fromTrees('lightgbm', path)) },
  {
    begins: /^\s*\{\s*"(module|class_name|name)"\s*:/,
    found: (text) =>
      /"class_name"\s*:\s*"(Functional|Sequential|Model)"/.test(text) && !/"modelTopology"/.test(text)
        ? {
            what: "a Keras model's layers without weights (to_json)",
            why: 'the weights are in another file, often .h5',
            tryThis: `save the whole model with model.save('model.keras'), and convert that file: ${fromKeras(undefined)}`,
          }
        : undefined,
  },
];

/** Checks that the bytes hold no control characters except white space. */
const isText = (bytes: Uint8Array): boolean => bytes.every((b) => b >= 32 || (b >= 9 && b <= 13));

export function textFile(bytes: Uint8Array, path: string | undefined): Found | undefined {
  const head = latin1(bytes.subarray(0, 1 << 16)).replace(/^\xef\xbb\xbf/, '');
  for (const { begins, found } of kinds) {
    const result = begins.test(head) ? found(head, path) : undefined;
    if (result) return result;
  }
  if (bytes[0] === 0x08 || bytes[0] === 0x7b || !isText(bytes.subarray(0, 4096))) return undefined;
  if (arrayOfTflite.test(head))
    return { what: 'a TensorFlow Lite model as a C array', why: 'its bytes are written as text', tryThis: fromArray(path) };
  return {
    what: 'a text file',
    why: `it begins with "${head.trim().slice(0, 60).split('\n')[0]}"`,
    tryThis: 'give the model file first (.tflite, .onnx or model.json), and data with --calib or after the model',
    noModel: true,
  };
}
