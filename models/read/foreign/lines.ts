/**
 * Lines that convert a model of another program, ready to paste into a terminal.
 *
 * In: the path of the user's file, or undefined.  Out: one line of Python.  If a shell or Python could read
 * more than a name in the path, the line uses an example name instead. The user's `python` needs the packages
 * that the line imports.
 */

/** Returns the path if it is safe inside `python -c "... 'PATH' ..."`, otherwise the example. */
export const nameIn = (path: string | undefined, example: string): string =>
  path !== undefined && /^[\w./+=-]+$/.test(path) && !path.startsWith('-') ? path : example;

/** Replaces the ending of a path. */
const ending = (path: string, to: string): string => `${path.replace(/\.[A-Za-z0-9]{1,12}$/, '')}${to}`;

const python = (code: string): string => `python -c "${code}"`;

const tflite = (out: string, converter: string): string =>
  `open('${out}', 'wb').write(tf.lite.TFLiteConverter.${converter}.convert())`;

/** Converts a Keras model (.keras, .h5) to a float TensorFlow Lite file. */
export function fromKeras(path: string | undefined, example = 'model.keras'): string {
  const file = nameIn(path, example);
  const load = `m = tf.keras.models.load_model('${file}', compile=False)`;
  return python(`import tensorflow as tf; ${load}; ${tflite(ending(file, '.tflite'), 'from_keras_model(m)')}`);
}

/** Converts a SavedModel folder to a float TensorFlow Lite file. */
export function fromSavedModel(folder: string | undefined): string {
  const from = nameIn(folder, 'saved_model');
  const out = /^\.{0,2}\/?$/.test(from) ? 'model.tflite' : ending(from.replace(/\/+$/, ''), '.tflite');
  return python(`import tensorflow as tf; ${tflite(out, `from_saved_model('${from}')`)}`);
}

/** Converts a frozen TensorFlow graph to ONNX. The user fills in nodes that the file does not show. */
export const fromFrozen = (path: string | undefined, input: string, output: string): string => {
  const file = nameIn(path, 'frozen.pb');
  return `python -m tf2onnx.convert --graphdef ${file} --inputs ${nameIn(input, 'INPUT')}:0 --outputs ${nameIn(output, 'OUTPUT')}:0 --output ${ending(file, '.onnx')}`;
};

/** Exports a loaded PyTorch network to ONNX. The user fills in CHANNELS and FRAMES. */
const toOnnx = (net: string, file: string): string =>
  `torch.onnx.export(${net}.eval(), torch.randn(1, CHANNELS, FRAMES), '${ending(file, '.onnx')}', dynamo=False)`;

/** Converts a pickled PyTorch module to ONNX. */
export function fromTorchModule(path: string | undefined): string {
  const file = nameIn(path, 'model.pt');
  return python(`import torch; m = torch.load('${file}', weights_only=False, map_location='cpu'); ${toOnnx('m', file)}`);
}

export function fromTorchScript(path: string | undefined): string {
  const file = nameIn(path, 'model.pt');
  return python(`import torch; m = torch.jit.load('${file}', map_location='cpu'); ${toOnnx('m', file)}`);
}

/** Converts a program of torch.export (.pt2) to ONNX. */
export function fromTorchProgram(path: string | undefined): string {
  const file = nameIn(path, 'model.pt2');
  return python(
    `import torch; p = torch.export.load('${file}'); torch.onnx.export(p, (), '${ending(file, '.onnx')}', external_data=False)`,
  );
}

/** Converts a file of weights to ONNX. The class of the network is in the user's program. */
export function fromWeights(path: string | undefined, example: string, load: (file: string) => string): string {
  const file = nameIn(path, example);
  return python(`import torch; from YOUR_FILE import Net; m = Net(); m.load_state_dict(${load(file)}); ${toOnnx('m', file)}`);
}

/** Converts a Keras model with a fixed batch to batch 1. @param shape of the input, with the batch. */
export function kerasBatchOfOne(shape: readonly number[]): string {
  const input = `x = tf.keras.Input(batch_shape=(${[1, ...shape.slice(1)].join(', ')}))`;
  const load = `m = tf.keras.models.load_model('model.keras', compile=False)`;
  return python(
    `import tensorflow as tf; ${load}; ${input}; ${tflite('model.tflite', 'from_keras_model(tf.keras.Model(x, m(x)))')}`,
  );
}

/** Exports a PyTorch model with batch 1. @param shape of the input, with the batch. */
export const torchBatchOfOne = (shape: readonly number[]): string =>
  `torch.onnx.export(net.eval(), torch.randn(${[1, ...shape.slice(1)].join(', ')}), 'model.onnx', dynamo=False)`;

/** Compiles a tree model that Treelite reads to C. */
export function fromTrees(kind: 'xgboost' | 'lightgbm', path: string | undefined): string {
  const file = nameIn(path, kind === 'xgboost' ? 'model.json' : 'model.txt');
  return python(
    `import treelite, tl2cgen; tl2cgen.generate_c_code(treelite.frontend.load_${kind}_model('${file}'), dirpath='${ending(file, '-c')}', params={})`,
  );
}

/** Compiles a tree model of scikit-learn to C. */
export function fromScikit(path: string | undefined): string {
  const file = nameIn(path, 'model.pkl');
  return python(`import joblib, m2cgen; open('${ending(file, '.c')}', 'w').write(m2cgen.export_to_c(joblib.load('${file}')))`);
}

/** Converts a TensorFlow Lite file that is written as a C array back to bytes. */
export function fromArray(path: string | undefined): string {
  const file = nameIn(path, 'model.cc');
  const bytes = `bytes(int(x, 16) for x in re.findall(r'0x([0-9a-fA-F]{2})\\b', open('${file}').read()))`;
  return python(`import re; open('${ending(file, '.tflite')}', 'wb').write(${bytes})`);
}

/** Moves the external data of an ONNX file into the file. */
export function oneOnnxFile(path: string | undefined): string {
  const file = nameIn(path, 'model.onnx');
  return python(
    `import onnx; onnx.save_model(onnx.load('${file}'), '${ending(file, '-one.onnx')}', save_as_external_data=False)`,
  );
}
