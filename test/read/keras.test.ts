/**
 * Files of Keras 2 and 3 (.keras, .h5), made by test/fixtures/keras/make.py: their outputs equal those of
 * Keras. Damaged files are refused.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unzipSync, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReadOptions, readModel } from '../../models/read/index.ts';
import { snakeCase } from '../../models/read/keras/weights.ts';
import { root } from '../shared.ts';
import { checkStreamed } from './against-oracle.ts';
import { ownOutputs, relativeError } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';

const folder = join(root, 'test/fixtures/keras');
const fileOf = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(join(folder, `${name}.gz`))));
type Answers = Record<string, { input: number[]; output: number[] }>;
const answersOf = (version: string): Answers => JSON.parse(readFileSync(join(folder, `answers-${version}.json`), 'utf8'));
/** Largest error, relative to the largest output: both sides round attention's exponentials in float32. */
const tolerances = {
  chain: 1e-6,
  nested: 1e-6,
  attention: 2e-5,
  autoencoder: 1e-5,
  decoder: 2e-5,
  plane: 1e-5,
  subsequences: 2e-5,
  frames: 2e-5,
  functions: 2e-5,
  cells: 2e-5,
  pooled: 2e-5,
  turned: 2e-5,
  masked: 2e-5,
  products: 2e-5,
  places: 2e-5,
  steps: 2e-5,
  vectors: 2e-5,
  resized: 2e-5,
  unmasked: 2e-5,
};
const versions = ['keras2', 'keras3'];

for (const version of versions)
  for (const [model, tolerance] of Object.entries(tolerances))
    for (const ending of ['keras', 'h5'])
      test(`${model}-${version}.${ending} gives the outputs of Keras`, async () => {
        const graph = await readModel(fileOf(`${model}-${version}.${ending}`), { timeAxis: 1, set: { mask: 1 } });
        assert.is(graph.format, 'keras');
        const { input, output } = answersOf(version)[model] as Answers[string];
        const error = relativeError(ownOutputs(graph, [Float32Array.from(input)])[0] as Float32Array, Float32Array.from(output));
        assert.ok(error < tolerance, `${error}`);
      });

for (const model of [
  'autoencoder',
  'decoder',
  'plane',
  'subsequences',
  'frames',
  'functions',
  'cells',
  'pooled',
  'turned',
  'masked',
  'products',
  'places',
  'steps',
  'vectors',
  'resized',
  'unmasked',
])
  test(`${model}: the int8 stream equals the windowed model`, async () => {
    await checkStreamed(await readModel(fileOf(`${model}-keras3.keras`), { timeAxis: 1, set: { mask: 1 } }));
  });

for (const [model, kind, why] of [
  ['attention', 'windows', 'on Windows'],
  ['pooled', 'twice', 'of version 2.12, which counts layers with weights twice'],
])
  test(`a file that Keras wrote ${why} is read as the same graph`, async () => {
    const graph = await readModel(fileOf(`${model}-${kind}.keras`), { timeAxis: 1 });
    assert.equal(graph.nodes, (await readModel(fileOf(`${model}-keras2.keras`), { timeAxis: 1 })).nodes);
  });

const refusal = (bytes: Uint8Array, options: ReadOptions = {}) => refusalOf(() => readModel(bytes, options));

/** Returns the file with `change` in place of each `text`, which has the same length. */
function replaced(bytes: Uint8Array, text: string, change: string): Uint8Array {
  assert.is(text.length, change.length);
  const all = Buffer.from(bytes).toString('latin1');
  assert.ok(all.includes(text), text);
  return new Uint8Array(Buffer.from(all.replaceAll(text, change), 'latin1'));
}

test('hard_sigmoid is computed as in the Keras version that wrote the file', async () => {
  const file = fileOf('chain-keras3.h5');
  const { input, output } = answersOf('keras3').chain as Answers[string];
  const graph = await readModel(replaced(file, '3.15.1', '2.15.1'));
  const error = relativeError(ownOutputs(graph, [Float32Array.from(input)])[0] as Float32Array, Float32Array.from(output));
  assert.ok(error > 1e-3, `${error}`);
});

test('HDF5 files that hold only weights, use an unsupported format or are damaged are refused', async () => {
  const h5 = fileOf('nested-keras3.h5');
  const alone = await refusal(replaced(h5, 'model_config', 'other_config'));
  assert.is(alone.code, 'RN166');
  assert.match(alone.message, /HDF5 file without layers/);
  const newer = h5.slice();
  newer[8] = 3;
  const form = await refusal(newer, { path: 'm.h5' });
  assert.is(form.code, 'RN166');
  assert.match(form.message, /superblock has version 3.*load_model\('m\.h5'/);
  assert.match((await refusal(h5.slice(0, h5.length / 2))).message, /RN170.*lies outside the file/);
  assert.match((await refusal(replaced(h5, 'HEAP', 'HEAT'))).message, /RN170.*no HEAP/);
  assert.match((await refusal(replaced(h5, 'Functional', 'Subclassed'))).message, /RN161.*class Subclassed/);
  assert.match((await refusal(replaced(h5, 'GlobalMaxPooling1D', 'GlobalMinPooling1D'))).message, /RN160.*GlobalMinPooling1D/);
});

test('reading ends if the tree of groups contains a cycle', async () => {
  const h5 = fileOf('nested-keras3.h5');
  const text = Buffer.from(h5).toString('latin1');
  // every entry of every group points to the root
  const view = new DataView(h5.buffer, h5.byteOffset);
  const top = view.getBigUint64(64, true);
  for (let at = text.indexOf('SNOD'); at >= 0; at = text.indexOf('SNOD', at + 1))
    for (let i = 0; i < view.getUint16(at + 6, true); i++)
      if (text.slice(at, at + 4) === 'SNOD') view.setBigUint64(at + 8 + 40 * i + 8, top, true);
  const started = performance.now();
  assert.match((await refusal(h5)).code, /RN1(60|62|66|70)/);
  assert.ok(performance.now() - started < 2000);
});

/** Returns the file `name` with `change` in place of `text` in its configuration. */
function edited(name: string, text: RegExp, change: string, version = 'keras3'): Uint8Array {
  const members = unzipSync(fileOf(`${name}-${version}.keras`));
  const config = new TextDecoder().decode(members['config.json']);
  assert.match(config, text);
  return zipSync({ ...members, 'config.json': new TextEncoder().encode(config.replace(text, change)) });
}

test('unsupported arguments of a layer call are refused, and masks that leave a query without a key', async () => {
  assert.match(
    (await refusal(edited('masked', /"attention_mask"/, '"query_mask"'))).message,
    /its argument query_mask is not read/,
  );
  assert.match((await refusal(edited('masked', /\[1\.0, 0\.0, 0\.0/, '[0.0, 0.0, 0.0'))).message, /leaves a query nothing/);
  assert.match((await refusal(edited('masked', /\[1\.0, 0\.0, 0\.0/, '[0.5, 0.0, 0.0'))).message, /8 x 8 numbers of 0 and 1/);
  const other = await refusal(edited('products', /"transpose_b"/, '"adjoint_b"', 'keras2'));
  assert.match(other.message, /Matmul .*its argument adjoint_b is not read/);
  assert.match((await refusal(edited('cells', /"training": (false|null)/, '"training": true'))).message, /its argument training/);
});

test('a mask of frames is refused unless the caller declares that every frame counts', async () => {
  for (const set of [{}, { mask: 0 }, { other: 1 }] as Record<string, number>[])
    assert.match((await refusal(fileOf('unmasked-keras3.keras'), { set })).message, /RN160.*Masking mask:.*--set mask=1/);
});

test('0 and 1 are read as false and true', async () => {
  const graph = await readModel(edited('masked', /"scale": true/, '"scale": 1'));
  assert.equal(graph.nodes, (await readModel(fileOf('masked-keras3.keras'))).nodes);
});

test('.keras files with weights of another layer or with damaged members are refused', async () => {
  const members = unzipSync(fileOf('nested-keras3.keras'));
  const config = JSON.parse(new TextDecoder().decode(members['config.json']));
  const head = config.config.layers.find(({ name }: { name: string }) => name === 'head');
  head.config.layers.at(-1).config.name = 'another';
  const other = await refusal(zipSync({ ...members, 'config.json': new TextEncoder().encode(JSON.stringify(config)) }));
  assert.match(other.message, /RN161.*the weights are those of/);
  assert.match((await refusal(zipSync({ ...members, 'config.json': new Uint8Array(3) }))).message, /RN161.*no JSON/);
  const short = (members['model.weights.h5'] as Uint8Array).slice(0, 900);
  assert.match((await refusal(zipSync({ ...members, 'model.weights.h5': short }))).code, /RN1(60|70)/);
  const file = fileOf('nested-keras3.keras');
  file[Math.floor(file.length / 2)] = (file[Math.floor(file.length / 2)] as number) ^ 255;
  assert.match((await refusal(file)).message, /RN170.*CRC-32/);
});

test('group names are class names in snake case, as Keras writes them', () => {
  const names = ['Conv1D', 'SeparableConv1D', 'BatchNormalization', 'LeakyReLU', 'Dense', 'TimeDistributed', 'ELU'];
  assert.equal(names.map(snakeCase), [
    'conv1d',
    'separable_conv1d',
    'batch_normalization',
    'leaky_re_lu',
    'dense',
    'time_distributed',
    'elu',
  ]);
});

test.run();
