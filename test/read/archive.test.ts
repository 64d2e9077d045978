/**
 * Models in downloaded ZIP archives (Teachable Machine, Edge Impulse, .keras), and TensorFlow Lite files as C
 * arrays. Archives without a model, with several models or with damage are refused.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Graph } from '../../models/graph/types.ts';
import { tfliteInText } from '../../models/read/array.ts';
import { readModel } from '../../models/read/index.ts';
import { root } from '../shared.ts';
import { refusalOf } from './refusal.ts';
import { graphFiles, node, plane } from './tfjs-graphs.ts';

const folder = join(root, 'test/fixtures/tflite');
const name = readdirSync(folder).find((n) => n.endsWith('.tflite')) as string;
const tflite = new Uint8Array(readFileSync(join(folder, name)));

const sameAs = (a: Graph, b: Graph): void => assert.equal([a.nodes, a.tensors], [b.nodes, b.tensors]);

const refusal = (bytes: Uint8Array) => refusalOf(() => readModel(bytes));

/** Returns a C array in the format of xxd -i. */
const arrayOf = (bytes: Uint8Array, per = 12): string =>
  `unsigned char m[] = {\n${Array.from(bytes, (b, i) => `${i % per ? ' ' : '\n  '}0x${b.toString(16).padStart(2, '0')}`).join(',')}\n};\nunsigned int m_len = ${bytes.length};\n`;

test('a TensorFlow Lite file is found next to labels, compressed or stored, also in a folder', async () => {
  const alone = await readModel(tflite);
  for (const level of [0, 9] as const)
    for (const at of ['', 'converted/', 'a/b/'])
      sameAs(await readModel(zipSync({ [`${at}model.tflite`]: tflite, 'labels.txt': strToU8('0 a\n1 b\n') }, { level })), alone);
  const hidden = { 'model.tflite': tflite, '__MACOSX/._model.tflite': strToU8('x') };
  sameAs(await readModel(zipSync(hidden)), alone);
});

test('model.json of TensorFlow.js finds its weights in the archive', async () => {
  const { json, files } = graphFiles(plane([node('y', 'Relu', ['c'])]));
  const alone = await readModel(json, { files, timeAxis: 1 });
  const packed = (path: string) => zipSync({ [`${path}model.json`]: json, [`${path}weights.bin`]: files['weights.bin'] as Uint8Array, [`${path}metadata.json`]: strToU8('{}') }); // biome-ignore format: one line
  for (const path of ['', 'my_model/']) sameAs(await readModel(packed(path), { timeAxis: 1 }), alone);
  assert.match((await refusal(zipSync({ 'model.json': json }))).message, /RN162.*it is not in the archive/);
});

test('a TensorFlow Lite file is read from a C array, in a text file or in an archived library', async () => {
  const alone = await readModel(tflite);
  const text = strToU8(arrayOf(tflite));
  sameAs(await readModel(text), alone);
  const library = { 'edge-impulse-sdk/a.cpp': strToU8('int x;'), 'tflite-model/tflite-trained.h': text };
  sameAs(await readModel(zipSync(library)), alone);
  const twice = await refusal(zipSync({ ...library, 'tflite-model/other_tflite.cpp': text }));
  assert.match(twice.message, /RN167.*several models/);
});

test('a C array is read completely or not at all', () => {
  const of = (text: string) => tfliteInText(strToU8(text));
  const head = '0x1c, 0x00, 0x00, 0x00, 0x54, 0x46, 0x4c, 0x33';
  assert.equal([...(of(`x[] = { ${head}, 0xFF }`) ?? [])], [0x1c, 0, 0, 0, 0x54, 0x46, 0x4c, 0x33, 255]);
  for (const rest of [', 0x100 }', ', 12 }', ', 0x1', ', /* c */ 0x1 }', ', 0x1 ] }', ', 0x1g }'])
    assert.is(of(`{ ${head}${rest}`), undefined, rest);
  assert.is(of('{ 0x1c, 0x00 }'), undefined);
});

test('an archive with several models, a nested archive or no model is refused', async () => {
  const both = await refusal(zipSync({ 'a.tflite': tflite, 'b/model.onnx': tflite }));
  assert.match(both.message, /RN167.*several models.*a\.tflite, b\/model\.onnx/);
  const inner = zipSync({ 'model.tflite': tflite });
  assert.is((await refusal(zipSync({ 'm.keras': inner }))).code, 'RN167');
  assert.is((await refusal(zipSync({ 'readme.txt': strToU8('x') }))).code, 'RN167');
});

test('damaged archives are refused', async () => {
  const whole = zipSync({ 'model.tflite': tflite }, { level: 0 });
  for (let at = 60; at < whole.length - 60; at += Math.floor(whole.length / 9)) {
    const bytes = whole.slice();
    bytes[at] = (bytes[at] as number) ^ 1;
    assert.match((await refusal(bytes)).message, /RN170.*CRC-32/, `${at}`);
  }
  assert.match((await refusal(whole.slice(0, whole.length - 30))).code, /RN1(67|70)/);
  const twin = whole.slice();
  const view = new DataView(twin.buffer);
  const end = twin.length - 22;
  // the directory names its entry a second time
  const entry = twin.slice(view.getUint32(end + 16, true), end);
  const doubled = new Uint8Array([...twin.slice(0, end), ...entry, ...twin.slice(end)]);
  new DataView(doubled.buffer).setUint16(doubled.length - 12, 2, true);
  new DataView(doubled.buffer).setUint16(doubled.length - 14, 2, true);
  assert.match((await refusal(doubled)).message, /RN170.*two members are named/);
});

test.run();
