/**
 * A small file does not make a reader work or allocate for what it only declares: what is declared is bounded before it is read, each file once.
 */
import { zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeNpy } from '../../host/sources/npy.ts';
import { readNpz } from '../../host/sources/npz.ts';
import { readModel } from '../../models/read/index.ts';
import { readWeights } from '../../models/read/tfjs/weights.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { codeOf } from '../host/helpers.ts';

const weights = (paths: string[], elements: number) => [{ paths, weights: [{ name: 'w', shape: [elements], dtype: 'float32' }] }];

test('a tfjs model that names a file over and over: it is fetched once at most, and nothing where too much is declared', async () => {
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
  assert.equal(fetched, ['a', 'b'], 'no further file is fetched once there are more bytes than declared');
});

test('ONNX: too many nodes, initializers and outputs are counted before any is made', async () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`);
  const x = { inputs: { x: [1, 1, 4] }, outputs: ['y'] };
  const files = [
    writeModel({ ...x, nodes: many(10_001).map(() => ({ op: 'Relu', inputs: [], outputs: [] })) }),
    writeModel({ ...x, nodes: [], tensors: Object.fromEntries(many(20_001).map((name) => [name, { dims: [-1] }])) }),
    writeModel({ ...x, nodes: [], outputs: many(257) }),
  ];
  // an initializer of -1 elements, and an output of nothing, would be refused for themselves, were they looked at before all are counted
  for (const file of files) assert.is(await codeOf(() => readModel(file)), 'RN159');
});

test('.npz: what is declared is bounded before it is unpacked, and the CRC-32 is checked', async () => {
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

test.run();
