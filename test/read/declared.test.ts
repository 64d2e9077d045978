/**
 * A small file cannot make a reader compute or allocate much by declaring large counts: each count is checked
 * against a limit before the data is read, and each file is read once.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { Builder } from 'flatbuffers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadGraph } from '../../host/command/load.ts';
import { readBytes, readNamed } from '../../host/command/read-file.ts';
import { writeNpy } from '../../host/sources/npy.ts';
import { readNpz } from '../../host/sources/npz.ts';
import type { RunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { writeGraph } from '../../models/graph/file.ts';
import { readModel } from '../../models/read/index.ts';
import { readWeights } from '../../models/read/tfjs/weights.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { codeOf } from '../host/helpers.ts';

const weights = (paths: string[], elements: number) => [{ paths, weights: [{ name: 'w', shape: [elements], dtype: 'float32' }] }];

test('tfjs: a file that is named repeatedly is fetched at most once, and nothing is fetched if too many bytes are declared', async () => {
  for (const [paths, elements] of [
    [new Array(3000).fill('w.bin'), 3000],
    [new Array(20_000).fill(0).map((_, i) => `w${i}.bin`), 20_000],
    [['w.bin'], 2 ** 29],
  ] as [string[], number][]) {
    const fetched: string[] = [];
    const files = async (path: string) => {
      fetched.push(path);
      return new Uint8Array(4);
    };
    assert.is(await codeOf(() => readWeights(weights(paths, elements), files)), 'RN162');
    assert.ok(fetched.length <= 1, `${fetched.length} fetches`);
  }
  const fetched: string[] = [];
  const files = async (path: string) => {
    fetched.push(path);
    return new Uint8Array(1000);
  };
  assert.is(await codeOf(() => readWeights(weights(['a', 'b', 'c', 'd'], 300), files)), 'RN162');
  assert.equal(fetched, ['a', 'b'], 'fetching stops when more bytes arrived than were declared');
});

test('ONNX: too many nodes, initializers and outputs are counted before any is made', async () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`);
  const x = { inputs: { x: [1, 1, 4] }, outputs: ['y'] };
  const files = [
    writeModel({ ...x, nodes: many(10_001).map(() => ({ op: 'Relu', inputs: [], outputs: [] })) }),
    writeModel({ ...x, nodes: [], tensors: Object.fromEntries(many(20_001).map((name) => [name, { dims: [-1] }])) }),
    writeModel({ ...x, nodes: [], outputs: many(257) }),
  ];
  // an initializer of -1 elements and a node without outputs would give other errors if they were checked
  // before all are counted
  for (const file of files) assert.is(await codeOf(() => readModel(file)), 'RN159');
});

test('.npz: declared sizes are limited before unpacking, and the CRC-32 is checked', async () => {
  const array = writeNpy(
    [64],
    Float32Array.from({ length: 64 }, (_, i) => i),
  );
  const zip = zipSync({ 'x.npy': array }, { level: 0 });
  assert.equal(
    [...(await readNpz(zip)).data],
    Array.from({ length: 64 }, (_, i) => i),
  );
  const at = zip.indexOf(0x93) + array.length - 3; // a byte of the data
  const flipped = zip.slice();
  flipped[at] = (flipped[at] as number) ^ 0x10;
  assert.is(await codeOf(() => readNpz(flipped)), 'RN732', 'one bit of the data');
  const declared = zip.slice();
  const view = new DataView(declared.buffer);
  for (let i = 0; i + 46 < declared.length; i++)
    if (view.getUint32(i, true) === 0x02014b50) view.setUint32(i + 24, 2 ** 28 + 1, true);
  assert.is(await codeOf(() => readNpz(declared)), 'RN724', 'a size above the limit');
});

/** Returns the archive with `bytes` as the declared size of its only member. */
const declaring = (archive: Uint8Array, bytes: number): Uint8Array => {
  const out = archive.slice();
  const view = new DataView(out.buffer);
  const end = out.length - 22;
  view.setUint32(view.getUint32(end + 16, true) + 24, bytes, true);
  return out;
};

test('.npz: inflating stops at the declared size, and does not start if the compressed size cannot give that many bytes', async () => {
  const declared = 4096 + 128;
  const content = new Uint8Array(2 ** 26);
  content.set(writeNpy([1024], new Float32Array(1024)));
  const archive = zipSync({ 'x.npy': content });
  assert.ok(archive.length < 2 ** 18, `${content.length} bytes in ${archive.length}`);
  const error = await readNpz(declaring(archive, declared)).catch((e: RunletError) => e);
  assert.is((error as RunletError).code, 'RN732');
  const [, inflated] = /(\d+) or more are packed/.exec((error as RunletError).message) ?? [];
  // deflate expands one byte to at most 1032, and the reader inflates 16 KiB at a time
  assert.ok(Number(inflated) > declared && Number(inflated) <= declared + 1032 * 2 ** 14, `${inflated} bytes were inflated`);
  const small = zipSync({ 'x.npy': writeNpy([64], new Float32Array(64)) });
  assert.is(await codeOf(() => readNpz(small)), 'none');
  for (const bytes of [0, 100, 385, 2 ** 27])
    assert.is(await codeOf(() => readNpz(declaring(small, bytes))), 'RN732', `${bytes} bytes`);
});

test('JSON values are counted before parsing, and the tensors of an .rnq file have the size limit of other files', async () => {
  const many = (head: string) => new TextEncoder().encode(`${head}{"a":[${'{},'.repeat(500_001)}0]}`);
  assert.is(await codeOf(() => readModel(many(''))), 'RN165');
  const message = await readModel(many('RNQ1')).catch((e: RunletError) => e.message);
  assert.match(String(message), /RN130.*values, at most 1000000 are read/);
  const big = new GraphBuilder('big');
  const x = big.input('x', { t: 2 ** 13, f: 2 ** 6, c: 2 ** 6 });
  big.output(big.node('activation', [x], { fn: 'identity', clamp: [0, 6] }, 'relu'), 'y');
  assert.match(String(await readModel(writeGraph(big.build())).catch((e: RunletError) => e.message)), /RN130.*33554432 elements/);
});

test('ONNX: fields are counted at every level, and no list may be longer than the largest activation', async () => {
  const attributes = Object.fromEntries(Array.from({ length: 2 ** 18 + 1 }, (_, i) => [`a${i}`, 1]));
  const node = { op: 'Relu', inputs: ['x'], outputs: ['y'] };
  const model = (extra: object) => writeModel({ inputs: { x: [1, 1, 4] }, outputs: ['y'], nodes: [{ ...node, ...extra }] });
  assert.is(await codeOf(() => readModel(model({}))), 'none');
  assert.is(await codeOf(() => readModel(model({ attributes }))), 'RN159');
});

/**
 * Returns a TensorFlow Lite file with `graphs` subgraphs that all refer to one table, and `tensors` tensors
 * that all refer to another.
 */
function aliased(graphs: number, tensors: number): Uint8Array {
  const b = new Builder(1 << 20);
  const table = (...fields: [number, number][]): number => {
    b.startObject(12);
    for (const [field, to] of fields) b.addFieldOffset(field, to, 0);
    return b.endObject();
  };
  const many = (to: number, count: number): number => {
    b.startVector(4, count, 4);
    for (let i = 0; i < count; i++) b.addOffset(to);
    return b.endVector();
  };
  const buffers = many(table(), 1);
  const subgraphs = many(table([0, many(table(), tensors)]), graphs);
  b.startObject(12);
  b.addFieldInt32(0, 3, 0);
  b.addFieldOffset(2, subgraphs, 0);
  b.addFieldOffset(4, buffers, 0);
  b.finish(b.endObject(), 'TFL3');
  return b.asUint8Array().slice();
}

test('TensorFlow Lite: tensors are counted over all subgraphs, also if the subgraphs share their bytes', async () => {
  const [one, many] = [aliased(1, 60_000), aliased(8, 60_000)];
  assert.ok(many.length - one.length < 100, `${many.length} bytes`);
  const error = await readModel(many).catch((e: RunletError) => e);
  assert.match(String(error), /RN102.*60000 entries of Tensor/);
  assert.not.match(String(await readModel(one).catch((e: RunletError) => e)), 'RN102');
});

const conv = {
  format: 'layers-model',
  modelTopology: {
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'm',
        layers: [
          {
            class_name: 'Conv1D',
            config: { name: 'c', filters: 1, kernel_size: [3], strides: [1], padding: 'valid', data_format: 'channels_last', dilation_rate: [1], activation: 'linear', use_bias: false, batch_input_shape: [null, 8, 2], dtype: 'float32' }, // biome-ignore format: one line
          },
        ],
      },
    },
  },
  weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'c/kernel', shape: [3, 2, 1], dtype: 'float32' }] }],
};

test('the size limit applies to a file before reading, and to a pipe during reading', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-declared-'));
  const at = (name: string) => join(folder, name);
  try {
    writeFileSync(at('w.bin'), new Uint8Array(100));
    assert.is((await readNamed(at('w.bin'), 100)).length, 100);
    assert.is((await readBytes(at('w.bin'))).length, 100);
    writeFileSync(at('model.json'), JSON.stringify(conv));
    assert.match(String(await loadGraph({ model: at('model.json') }).catch(String)), /RN162.*100 bytes, at most 24 are read/);
    truncateSync(at('w.bin'), 24);
    assert.is((await loadGraph({ model: at('model.json') })).nodes.length, 1);
    truncateSync(at('w.bin'), 2 ** 40); // sparse: reading it would take hours
    assert.match(String(await readNamed(at('w.bin'), 100).catch(String)), /1099511627776 bytes, at most 100/);
    assert.is(await codeOf(() => readBytes(at('w.bin'))), 'RN724');
    assert.is(await codeOf(() => readBytes('/dev/zero', 1000)), 'RN724', 'an endless file');
    assert.is(await codeOf(() => readBytes(at('none'))), 'RN720');
    assert.match(String(await readNamed('/dev/zero', 1000).catch(String)), /not a regular file/);
    assert.is(spawnSync('mkfifo', [at('pipe')]).status, 0);
    assert.match(String(await readNamed(at('pipe'), 1000).catch(String)), /not a regular file/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('tfjs: each request for a weights file states the number of bytes that are still missing', async () => {
  const asked: [string, number][] = [];
  const files = async (path: string, limitBytes: number) => {
    asked.push([path, limitBytes]);
    return new Uint8Array(path === 'a' ? 80 : 40);
  };
  await readWeights(weights(['a', 'b'], 30), files);
  assert.equal(asked, [['a', 120], ['b', 40]]); // biome-ignore format: one line
});

test.run();
