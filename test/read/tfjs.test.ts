/**
 * The TensorFlow.js reader against TensorFlow.js: random models are built with the library, saved, read and
 * run. Float outputs agree within 1e-5 of the largest output, or of 0.1 if none is as large.
 *
 * The test uses RUNLET_TFJS_MODELS (default 60) models from RUNLET_SEED (1).
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { elementsOf, frameOf, type Tensor } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { readTfjs } from '../../models/read/tfjs/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { printGraph } from '../graph/print-graph.ts';
import { differing, instantiate, poisonMemory, pushAll } from '../property/harness.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';
import { normalForm, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { answer, type Files, filesOf, layers, randomModel, tf } from './tfjs-models.ts';

const models = Number(process.env.RUNLET_TFJS_MODELS ?? 60);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const L = layers.layers;

/** Reads the files, compares the outputs with the model's, and returns the graph. */
async function agree(model: layers.LayersModel, { json, files }: Files, what: string, options = {}) {
  // readTfjs takes the first possible layout of each input, which every input has
  const graph = await readTfjs(json, { files, ...options });
  const [x] = randomInputs(graph, 7) as [Float32Array];
  const [port] = graph.outputs;
  assert.ok(port);
  // a normalisation may give a small difference of values of order 1
  const error = relativeError(ownOutputs(graph, [x])[0] as Float32Array, normalForm(graph, port, answer(model, x)), 0.1);
  assert.ok(error <= 1e-5, `${what} is off by ${error} of its largest value\n${printGraph(graph)}`);
  return { graph, error };
}

test(`${models} random models agree with TensorFlow.js`, async () => {
  let worst = 0;
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 30 }), async (n) => {
      const model = randomModel(n);
      for (const layer of model.layers) seen.add(layer.getClassName());
      const { error } = await agree(model, await filesOf(model, 1 + (n % 3)), `model ${n}`);
      worst = Math.max(worst, error);
      model.dispose();
    }),
    { numRuns: models, seed },
  );
  console.log(`  seed ${seed}: ${models} models, ${seen.size} kinds of layers, largest error ${worst.toExponential(1)}`);
  assert.ok(seen.size >= 15);
});

const sequential = () => {
  const model = layers.sequential({ name: 'chain' });
  model.add(L.conv1d({ inputShape: [24, 2], filters: 4, kernelSize: 3, activation: 'relu', padding: 'same', name: 'first' }));
  model.add(L.maxPooling1d({ poolSize: 2, name: 'pool' }));
  model.add(L.flatten({ name: 'flat' }));
  model.add(L.dense({ units: 3, activation: 'softmax', name: 'head' }));
  return model;
};

// biome-ignore lint/suspicious/noExplicitAny: a tree that is changed at will
type Tree = any;
const treeOf = ({ json }: Files): Tree => JSON.parse(new TextDecoder().decode(json));
const withTree = (files: Files, tree: Tree): Files => ({ ...files, json: new TextEncoder().encode(JSON.stringify(tree)) });

test('Sequential models, model_config and Keras 3 JSON are read', async () => {
  const model = sequential();
  const files = await filesOf(model);
  await agree(model, files, 'Sequential');
  const tree = treeOf(files);
  await agree(
    model,
    withTree(files, { ...tree, modelTopology: { keras_version: '2.15.0', model_config: tree.modelTopology } }),
    'model_config',
  );
  const bare = structuredClone(tree);
  bare.modelTopology.config = bare.modelTopology.config.layers;
  await agree(model, withTree(files, bare), 'a bare list of layers');

  const input = layers.input({ shape: [12, 3], name: 'in' });
  const a = L.conv1d({ filters: 3, kernelSize: 3, padding: 'same', name: 'a' }).apply(input) as layers.SymbolicTensor;
  const sum = L.add({ name: 'sum' }).apply([a, input]) as layers.SymbolicTensor;
  const graph = layers.model({
    inputs: input,
    outputs: L.globalAveragePooling1d({ name: 'mean' }).apply(sum) as layers.SymbolicTensor,
  });
  const saved = await filesOf(graph);
  const v3 = treeOf(saved);
  const tensorOf = (ref: unknown[]) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, 12, 3], keras_history: ref.slice(0, 3) },
  });
  for (const layer of v3.modelTopology.config.layers) {
    layer.config.dtype = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' } };
    if (layer.config.batch_input_shape) {
      layer.config.batch_shape = layer.config.batch_input_shape;
      delete layer.config.batch_input_shape;
    }
    layer.inbound_nodes = layer.inbound_nodes.map((refs: unknown[][]) => ({
      args: refs.length > 1 ? [refs.map(tensorOf)] : refs.map(tensorOf),
      kwargs: {},
    }));
  }
  v3.modelTopology.class_name = 'Functional';
  v3.modelTopology.config.input_layers = ['in', 0, 0];
  v3.modelTopology.config.output_layers = ['mean', 0, 0];
  await agree(graph, withTree(saved, v3), 'Keras 3');
});

test('a causal convolution, which the library does not run, is padded before its first frame', async () => {
  const files = await filesOf(sequential());
  const tree = treeOf(files);
  tree.modelTopology.config.layers[0].config.padding = 'causal';
  const graph = await readModel(withTree(files, tree).json, { files: files.files });
  const [conv] = graph.nodes;
  assert.ok(conv?.op === 'conv');
  assert.equal([...conv.attrs.padT], [2, 0]);
});

test('quantised weight files are decoded as in TensorFlow.js: uint8, uint16 and float16', async () => {
  for (const dtype of ['uint8', 'uint16', 'float16'] as const) {
    const model = sequential();
    const files = await filesOf(model);
    const tree = treeOf(files);
    const whole = files.files['group1-shard1of1.bin'] as Uint8Array;
    const floats = new Float32Array(whole.slice().buffer);
    let at = 0;
    const parts: Uint8Array[] = [];
    for (const spec of tree.weightsManifest[0].weights) {
      const size = spec.shape.reduce((a: number, b: number) => a * b, 1);
      const values = floats.subarray(at, at + size);
      at += size;
      const min = Math.min(...values);
      const most = dtype === 'uint8' ? 255 : 65535;
      const scale = (Math.max(...values) - min) / most || 1;
      const stored = (v: number) =>
        dtype === 'float16' ? 0x3800 + Math.round(512 * Math.abs(v)) : Math.round((v - min) / scale);
      const quantised = dtype === 'uint8' ? Uint8Array.from(values, stored) : Uint16Array.from(values, stored);
      parts.push(new Uint8Array(quantised.buffer));
      spec.quantization = dtype === 'float16' ? { dtype } : { dtype, scale, min, original_dtype: 'float32' };
    }
    const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let end = 0;
    for (const part of parts) {
      bytes.set(part, end);
      end += part.length;
    }
    const theirs = await layers.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: tree.modelTopology,
        weightSpecs: tree.weightsManifest[0].weights,
        weightData: bytes.buffer,
      }),
    );
    await agree(theirs, withTree({ ...files, files: { 'group1-shard1of1.bin': bytes } }, tree), dtype);
  }
});

test('reshapes before the first layer, both time axes and an open window are read', async () => {
  const flat = layers.sequential();
  flat.add(L.reshape({ inputShape: [96], targetShape: [4, 24], name: 'rows' }));
  flat.add(L.permute({ dims: [2, 1], name: 'turn' }));
  flat.add(L.conv1d({ filters: 2, kernelSize: 3, name: 'conv' }));
  const { graph } = await agree(flat, await filesOf(flat), 'flat');
  assert.equal(graph.tensors[0]?.shape, { t: 24, f: 1, c: 4 });
  const plane = layers.sequential();
  plane.add(L.conv2d({ inputShape: [6, 20, 1], filters: 2, kernelSize: [3, 2], padding: 'same', name: 'conv' }));
  plane.add(L.dense({ units: 2, name: 'each' }));
  const files = await filesOf(plane);
  assert.is((await agree(plane, files, 'time first')).graph.tensors[0]?.shape.t, 6);
  assert.is((await agree(plane, files, 'time second', { timeAxis: 2 })).graph.tensors[0]?.shape.t, 20);
  const cropped = layers.sequential();
  cropped.add(
    L.cropping2D({
      inputShape: [8, 6, 2],
      cropping: [
        [0, 0],
        [1, 2],
      ],
      name: 'crop',
    }),
  );
  cropped.add(L.conv2d({ filters: 2, kernelSize: 2, name: 'conv' }));
  await agree(cropped, await filesOf(cropped), 'cropped rows');
});

/** Returns the error of reading the files. */
const refusal = (json: Uint8Array, files: Files['files'] | undefined, options = {}) =>
  refusalOf(() => readModel(json, { ...(files && { files }), ...options }));

test('all unsupported layers are listed at once, by name and with the rule', async () => {
  const model = layers.sequential();
  model.add(L.lstm({ inputShape: [10, 2], units: 3, returnSequences: true, recurrentInitializer: 'zeros', name: 'memory' }));
  model.add(L.gru({ units: 3, returnSequences: true, recurrentInitializer: 'zeros', name: 'second' }));
  model.add(L.conv1d({ filters: 2, kernelSize: 2, dataFormat: 'channelsLast', name: 'fine' }));
  const { json, files } = await filesOf(model);
  const known = new TextDecoder().decode(json);
  const unknown = known.replace('"LSTM"', '"ConvLSTM2D"').replace('"GRU"', '"AdditiveAttention"');
  const { code, message } = await refusal(new TextEncoder().encode(unknown), files);
  assert.is(code, 'RN160');
  assert.match(message, /2 layers/);
  assert.match(message, /ConvLSTM2D memory: its state is convolved at every step/);
  assert.match(message, /AdditiveAttention second: rule R13/);
});

test('RepeatVector repeats a vector as rows of a sequence', async () => {
  const start = { recurrentInitializer: 'glorotNormal' } as const;
  const model = layers.sequential();
  model.add(L.gru({ inputShape: [10, 2], units: 3, ...start, name: 'encoder' }));
  model.add(L.repeatVector({ n: 10, name: 'rows' }));
  model.add(L.gru({ units: 3, returnSequences: true, ...start, name: 'decoder' }));
  model.add(L.timeDistributed({ layer: L.dense({ units: 2, name: 'each' }), name: 'head' }));
  await agree(model, await filesOf(model), 'an autoencoder');
});

test('unsupported forms of transposed convolutions and upsampling are refused', async () => {
  const model = layers.sequential();
  model.add(L.conv2d({ inputShape: [6, 4, 1], filters: 2, kernelSize: 2, name: 'conv' }));
  model.add(L.upSampling2d({ size: [2, 2], name: 'up' }));
  model.add(L.conv2dTranspose({ filters: 2, kernelSize: 2, name: 'apart' }));
  const files = await filesOf(model);
  const tree = treeOf(files);
  Object.assign(tree.modelTopology.config.layers.at(-1).config, { output_padding: [1, 1] });
  assert.match((await refusal(withTree(files, tree).json, files.files)).message, /Conv2DTranspose apart: an output_padding/);
  tree.modelTopology.config.layers.at(-2).config.interpolation = 'bicubic';
  const { message } = await refusal(withTree(files, tree).json, files.files);
  assert.match(message, /UpSampling2D up: interpolation bicubic: nearest and bilinear are read/);
});

test('a layer normalisation over time is computed on whole windows', async () => {
  const model = layers.sequential();
  model.add(L.layerNormalization({ inputShape: [10, 2], name: 'norm', axis: [1, 2] }));
  await agree(model, await filesOf(model), 'over time');
});

test('files that are missing, lead out of the folder or differ in size are refused', async () => {
  const files = await filesOf(sequential());
  const tree = treeOf(files);
  const named = (path: unknown) =>
    withTree(files, { ...tree, weightsManifest: [{ ...tree.weightsManifest[0], paths: [path] }] }).json;
  assert.is((await refusal(files.json, undefined)).code, 'RN162');
  assert.is((await refusal(files.json, {})).code, 'RN162');
  for (const path of [
    '../secret.bin',
    '/etc/passwd',
    'a/../../b',
    'C:\\x',
    'https://x/y',
    '',
    'a/./b',
    '././x',
    './../x',
    './/x',
    './',
    'a//b',
  ])
    assert.match((await refusal(named(path), { [path]: new Uint8Array(4) })).code, /RN16[12]/, path);
  const [name, bytes] = Object.entries(files.files)[0] as [string, Uint8Array];
  // a browser writes this when it downloads a model
  assert.ok((await readModel(named(`./${name}`), { files: files.files })).nodes.length > 0);
  assert.match((await refusal(files.json, { [name]: bytes.slice(1) })).message, /RN162: .*bytes are there/);
  assert.is((await refusal(new TextEncoder().encode('{"format":"graph-model","modelTopology":{"node":[]}}'), {})).code, 'RN161');
  assert.is((await refusal(new TextEncoder().encode('{"a":1}'), {})).code, 'RN163');
  assert.is((await refusal(new TextEncoder().encode('{'), {})).code, 'RN161');
  const open = structuredClone(tree);
  open.modelTopology.config.layers[0].config.batch_input_shape = [null, null, 2];
  assert.is((await refusal(withTree(files, open).json, files.files)).code, 'RN164');
});

test('a quantised, compiled and streamed model equals the reference, and every command accepts model.json', async () => {
  const model = sequential();
  const files = await filesOf(model, 2);
  const graph = await readModel(files.json, { files: files.files });
  const { shape } = graph.tensors[graph.inputs[0]?.tensor ?? -1] as Tensor;
  const rnd = random(3);
  const signal = Float32Array.from({ length: 40 * elementsOf(shape) }, () => 2 * rnd() - 1);
  const { graph: int8 } = quantize(graph, signal, { hop: 2, noReport: true });
  const quant = quantPlan(planStream(int8, { hop: 2 }));
  const { wasm, memory } = await build(quant);
  const exports = instantiate(wasm);
  poisonMemory(exports, memory);
  exports.rn_reset();
  const [stored] = quantiseSignals(int8, [signal.subarray(0, 200 * frameOf(shape))]) as [Int8Array];
  const wanted = [...runSignal(quant, stored)].map((r) => r.outputs as Int8Array[]);
  const got = [...pushAll(exports, quant, stored, [2])];
  assert.is(got.length, wanted.length);
  assert.ok(got.length > 50);
  assert.is(
    got.reduce((n, y, i) => n + differing(wanted[i] as Int8Array[], y), 0),
    0,
  );

  const folder = mkdtempSync(join(tmpdir(), 'runlet-tfjs-'));
  try {
    mkdirSync(join(folder, 'chain'));
    const path = join(folder, 'chain/model.json');
    writeFileSync(path, files.json);
    for (const [name, bytes] of Object.entries(files.files)) writeFileSync(join(folder, 'chain', name), bytes);
    const rows = Array.from({ length: 400 }, (_, i) => `${Math.sin(i / 3)},${Math.cos(i / 5)}`);
    writeFileSync(join(folder, 'signal.csv'), ['a,b', ...rows].join('\n'));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'host/cli/bin.js'), ...args], { encoding: 'utf8', cwd: folder });
    const calib = ['--calib', 'signal.csv'];
    for (const args of [
      ['inspect', path],
      ['plan', path, '--hop', '2'],
      ['quantize', path, ...calib, '-o', 'chain.onnx'],
      ['build', path, ...calib, '--hop', '2', '-o', 'chain.wasm'],
      ['validate', path, ...calib, '--hop', '2'],
    ]) {
      const { status, stdout, stderr } = run(...args);
      assert.is(status, 0, `${args[0]}: ${stdout}${stderr}`);
    }
    assert.match(run('inspect', path).stdout, /tfjs/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
