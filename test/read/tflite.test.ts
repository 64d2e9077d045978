/**
 * The TensorFlow Lite reader on float fixtures: shapes and options are right, and the outputs equal those of
 * TensorFlow Lite's reference kernels.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { readModel } from '../../models/read/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { runFloat } from '../graph/run-float.ts';
import { parseNpz } from './npy.ts';
import { fixtureNames, fixturesDir, readBytes, toFile, toGraph } from './tflite-helpers.ts';

const goldens = parseNpz(readBytes(fixturesDir, 'goldens.npz'));
const throwsCode = (fn: () => unknown, code: string) => assert.throws(fn, (e: unknown) => isRunletError(e) && e.code === code);

for (const name of fixtureNames) {
  test(`${name} gives the interpreter's outputs`, () => {
    const graph = readTflite(readBytes(fixturesDir, `${name}.tflite`));
    const [input, output] = [graph.inputs[0], graph.outputs[0]];
    const [rows, wanted] = [goldens[`${name}.in`], goldens[`${name}.out`]];
    if (!input || !output || !rows || !wanted) throw new Error('incomplete');
    assert.is(graph.format, 'tflite');
    assert.equal(input.fileShape, [1, ...rows.shape.slice(1)]);
    assert.equal(output.fileShape, [1, ...wanted.shape.slice(1)]);
    const largest = Math.max(...Array.from(wanted.data, Math.abs));
    const [inCount, outCount] = [rows, wanted].map((a) => a.data.length / (a.shape[0] as number)) as [number, number];
    for (let row = 0; row < (rows.shape[0] as number); row++) {
      const x = toGraph(graph, input, rows.data.subarray(row * inCount, (row + 1) * inCount));
      const y = toFile(graph, output, runFloat(graph, [x])[output.tensor] as Float32Array);
      for (const [i, value] of y.entries()) {
        const error = Math.abs(value - (wanted.data[row * outCount + i] as number));
        assert.ok(error <= 1e-5 * largest, `row ${row} output ${i}: ${error} of ${largest}`);
      }
    }
  });
}

const opsOf = (name: string) => readTflite(readBytes(fixturesDir, `${name}.tflite`)).nodes.map((n) => n.op);

test('the graphs have the expected operators', () => {
  assert.equal(opsOf('causal-tcn').slice(0, 3), ['conv', 'conv', 'add']);
  assert.equal(opsOf('conv2d'), ['conv', 'depthwise', 'conv', 'maxpool', 'globalavg', 'dense']);
  assert.equal(opsOf('separable'), [
    'depthwise',
    'conv',
    'activation',
    'depthwise',
    'activation',
    'globalmax',
    'dense',
    'activation',
  ]);
});

test('a constant after a convolution and a relu after an addition are folded', () => {
  const dilated = readTflite(readBytes(fixturesDir, 'strided-same.tflite'));
  assert.not.ok(dilated.nodes.some((n) => n.op === 'depthwise'));
  assert.ok(dilated.notes.some((note) => /ADD#\d+ is folded into BATCH_TO_SPACE_ND#\d+/.test(note)));
  assert.equal(opsOf('branches'), ['conv', 'conv', 'concat', 'activation', 'conv', 'activation', 'mul', 'conv']);
  assert.equal(opsOf('flat-input'), ['depthwise', 'conv', 'globalavg', 'dense']);
});

test('causal and dilated convolutions have explicit padding', () => {
  const graph = readTflite(readBytes(fixturesDir, 'causal-tcn.tflite'));
  const convs = graph.nodes.flatMap((n) => (n.op === 'conv' && n.attrs.kernelT === 3 ? [n.attrs] : []));
  assert.equal(
    convs.map((a) => [a.padT, a.dilationT]),
    [
      [[2, 0], 1],
      [[4, 0], 2],
      [[8, 0], 4],
    ],
  );
  const dilated = readTflite(readBytes(fixturesDir, 'strided-same.tflite')).nodes.find(
    (n) => n.op === 'conv' && n.attrs.dilationT === 2,
  );
  assert.equal(dilated?.op === 'conv' && dilated.attrs.padT, [3, 3]);
});

test('features stored in the channels become a kernel over features', () => {
  const graph = readTflite(readBytes(fixturesDir, 'merged-features.tflite'));
  const conv = graph.nodes[1];
  assert.equal(conv?.op === 'conv' && [conv.attrs.kernelT, conv.attrs.kernelF], [3, 6]);
  assert.equal(graph.tensors[conv?.output ?? -1]?.shape, { t: 16, f: 1, c: 5 });
});

test('the time axis can be chosen', () => {
  const bytes = readBytes(fixturesDir, 'conv2d.tflite');
  const graph = readTflite(bytes, { timeAxis: 2, name: 'turned', digest: 'ab' });
  assert.equal([graph.name, graph.sourceDigest], ['turned', 'ab']);
  assert.equal(graph.tensors[0]?.shape, { t: 12, f: 20, c: 1 });
  assert.equal(graph.inputs[0]?.order, ['f', 't']);
  const plain = readTflite(bytes);
  const rows = goldens['conv2d.in'];
  if (!rows || !graph.inputs[0] || !plain.inputs[0]) throw new Error('incomplete');
  const row = rows.data.subarray(0, 240);
  const [a, b] = [graph, plain].map((g) => runFloat(g, [toGraph(g, g.inputs[0] as never, row)]).at(-1) as Float32Array);
  assert.ok(a?.every((value, i) => Math.abs(value - (b?.[i] as number)) < 1e-5));
  throwsCode(() => readTflite(bytes, { timeAxis: 3 }), 'RN112');
  throwsCode(() => readTflite(bytes, { timeAxis: 0 }), 'RN112');
});

test('a channels-first input and a flat input keep their file order in the port', () => {
  assert.equal(readTflite(readBytes(fixturesDir, 'channels-first.tflite')).inputs[0]?.order, ['c', 't']);
  const flat = readTflite(readBytes(fixturesDir, 'flat-input.tflite'));
  assert.equal(flat.inputs[0]?.order, ['t', 'c']);
  assert.equal(flat.tensors[0]?.shape, { t: 12, f: 1, c: 5 });
});

test('readModel reads a valid file, and refuses other formats and a truncated one', async () => {
  const graph = await readModel(readBytes(fixturesDir, 'conv2d.tflite'), { timeAxis: 1 });
  assert.is(graph.nodes.length, 6);
  const code = async (bytes: Uint8Array) => {
    try {
      await readModel(bytes);
      return 'none';
    } catch (error) {
      return isRunletError(error) ? error.code : String(error);
    }
  };
  assert.is(await code(Uint8Array.of(0xfe, 1, 2, 3)), 'RN100');
  assert.is(await code(new TextEncoder().encode('RIFF....')), 'RN167');
  assert.is(await code(new TextEncoder().encode('{"format":"layers-model"}')), 'RN163');
  assert.is(await code(readBytes(fixturesDir, 'conv2d.tflite').subarray(0, 64)), 'RN101');
});

test.run();
