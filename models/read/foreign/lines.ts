/**
 * Lines that convert a model of another program, ready to paste into a terminal.
 *
 * In: the path of the user's file, or nothing.  Out: one line of Python.  A path that a shell or Python would
 * read as more than a name is left out: the line then names an example. `python` has TensorFlow, PyTorch or
 * what else the line imports.
 */

/** The path where it is safe inside `python -c "... 'PATH' ..."`, else the example. */
export const nameIn = (path: string | undefined, example: string): string =>
  path !== undefined && /^[\w./+=-]+$/.test(path) && !path.startsWith('-') ? path : example;

/** The same path with another ending. */
const ending = (path: string, to: string): string => `${path.replace(/\.[A-Za-z0-9]{1,12}$/, '')}${to}`;

const python = (code: string): string => `python -c "${code}"`;

const tflite = (out: string, converter: string): string =>
  `open('${out}', 'wb').write(tf.lite.TFLiteConverter.${converter}.convert())`;

/** A Keras model (.keras, .h5) as a float TensorFlow Lite file. */
export function fromKeras(path: string | undefined, example = 'model.keras'): string {
  const file = nameIn(path, example);
  const load = `m = tf.keras.models.load_model('${file}', compile=False)`;
  return python(`import tensorflow as tf; ${load}; ${tflite(ending(file, '.tflite'), 'from_keras_model(m)')}`);
}

/** A SavedModel folder as a float TensorFlow Lite file. */
export function fromSavedModel(folder: string | undefined): string {
  const from = nameIn(folder, 'saved_model');
  const out = /^\.{0,2}\/?$/.test(from) ? 'model.tflite' : ending(from.replace(/\/+$/, ''), '.tflite');
  return python(`import tensorflow as tf; ${tflite(out, `from_saved_model('${from}')`)}`);
}

/** A frozen TensorFlow graph; its nodes are the user's to name where the file does not show them. */
export const fromFrozen = (path: string | undefined, input: string, output: string): string => {
  const file = nameIn(path, 'frozen.pb');
  return `python -m tf2onnx.convert --graphdef ${file} --inputs ${nameIn(input, 'INPUT')}:0 --outputs ${nameIn(output, 'OUTPUT')}:0 --output ${ending(file, '.onnx')}`;
};

/** What follows a loaded network in each line for PyTorch; CHANNELS and FRAMES are the user's. */
const toOnnx = (net: string, file: string): string =>
  `torch.onnx.export(${net}.eval(), torch.randn(1, CHANNELS, FRAMES), '${ending(file, '.onnx')}', dynamo=False)`;

/** A whole pickled module. */
export function fromTorchModule(path: string | undefined): string {
  const file = nameIn(path, 'model.pt');
  return python(`import torch; m = torch.load('${file}', weights_only=False, map_location='cpu'); ${toOnnx('m', file)}`);
}

export function fromTorchScript(path: string | undefined): string {
  const file = nameIn(path, 'model.pt');
  return python(`import torch; m = torch.jit.load('${file}', map_location='cpu'); ${toOnnx('m', file)}`);
}

/** A program of torch.export (.pt2). */
export function fromTorchProgram(path: string | undefined): string {
  const file = nameIn(path, 'model.pt2');
  return python(
    `import torch; p = torch.export.load('${file}'); torch.onnx.export(p, (), '${ending(file, '.onnx')}', external_data=False)`,
  );
}

/** Weights alone: the class of the network is in the user's program. */
export function fromWeights(path: string | undefined, example: string, load: (file: string) => string): string {
  const file = nameIn(path, example);
  return python(`import torch; from YOUR_FILE import Net; m = Net(); m.load_state_dict(${load(file)}); ${toOnnx('m', file)}`);
}

/** A fixed batch of a Keras model becomes 1. `shape` is the input's, batch included. */
export function kerasBatchOfOne(shape: readonly number[]): string {
  const input = `x = tf.keras.Input(batch_shape=(${[1, ...shape.slice(1)].join(', ')}))`;
  const load = `m = tf.keras.models.load_model('model.keras', compile=False)`;
  return python(
    `import tensorflow as tf; ${load}; ${input}; ${tflite('model.tflite', 'from_keras_model(tf.keras.Model(x, m(x)))')}`,
  );
}

/** The same where the model comes from PyTorch. */
export const torchBatchOfOne = (shape: readonly number[]): string =>
  `torch.onnx.export(net.eval(), torch.randn(${[1, ...shape.slice(1)].join(', ')}), 'model.onnx', dynamo=False)`;

/** Trees as C, without a network: what Treelite reads. */
export function fromTrees(kind: 'xgboost' | 'lightgbm', path: string | undefined): string {
  const file = nameIn(path, kind === 'xgboost' ? 'model.json' : 'model.txt');
  return python(
    `import treelite, tl2cgen; tl2cgen.generate_c_code(treelite.frontend.load_${kind}_model('${file}'), dirpath='${ending(file, '-c')}', params={})`,
  );
}

/** scikit-learn's trees as C. */
export function fromScikit(path: string | undefined): string {
  const file = nameIn(path, 'model.pkl');
  return python(`import joblib, m2cgen; open('${ending(file, '.c')}', 'w').write(m2cgen.export_to_c(joblib.load('${file}')))`);
}

/** A TensorFlow Lite file that was written as a C array, as bytes again. */
export function fromArray(path: string | undefined): string {
  const file = nameIn(path, 'model.cc');
  const bytes = `bytes(int(x, 16) for x in re.findall(r'0x([0-9a-fA-F]{2})\\b', open('${file}').read()))`;
  return python(`import re; open('${ending(file, '.tflite')}', 'wb').write(${bytes})`);
}

/** External data of an ONNX file moved into the file. */
export function oneOnnxFile(path: string | undefined): string {
  const file = nameIn(path, 'model.onnx');
  return python(
    `import onnx; onnx.save_model(onnx.load('${file}'), '${ending(file, '-one.onnx')}', save_as_external_data=False)`,
  );
}
