/** The TensorFlow Lite reader on third-party models, against TensorFlow Lite Micro's tensors. */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { stepTrunk } from '../../models/graph/stateful.ts';
import { elementsOf, isQuantised, type QuantParams, type Tensor } from '../../models/graph/types.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { parseNpy } from './npy.ts';
import { dequantised, hasSharedModels, readBytes, runOnGrid, sharedModels, sharedNames, toGraph } from './tflite-helpers.ts';

const modelBytes = (name: string) => readBytes(sharedModels, name, 'model.tflite');
const refusal = (name: string): string => {
  try {
    readTflite(modelBytes(name));
    return 'accepted';
  } catch (error) {
    return isRunletError(error) ? error.message : `not a RunletError: ${error}`;
  }
};

/** A tensor of the reference run, with the position of its bytes in one step of rand.tensors.bin. */
interface Reference {
  name: string;
  type: string;
  offset: number;
  bytes: number;
}

/** Returns the largest difference, in steps, between real values and int8 values of the same tensor. */
const largestStep = (values: Float32Array, reference: Int8Array, { scale, zeroPoint }: QuantParams): number =>
  values.reduce((most, x, i) => Math.max(most, Math.abs(x / scale + zeroPoint - (reference[i] as number))), 0);

if (!hasSharedModels) console.log('skipped: ../shared/models is not there; put the reference models there, or set RUNLET_SHARED');

for (const name of hasSharedModels ? sharedNames : []) {
  const folder = path.join(sharedModels, name);

  test(`${name}: every tensor agrees with the reference run`, () => {
    const graph = readTflite(modelBytes(name));
    assert.ok(isQuantised(graph));
    const real = dequantised(graph);
    const input = graph.inputs[0];
    if (!input) throw new Error('no input');
    const rows = parseNpy(readBytes(folder, 'rand.in0.npy'));
    const references = JSON.parse(new TextDecoder().decode(readBytes(folder, 'rand.tensors.json'))) as Reference[];
    const bytes = readBytes(folder, 'rand.tensors.bin');
    const stride = Math.max(...references.map((r) => r.offset + r.bytes));
    const elements = elementsOf((graph.tensors[input.tensor] as Tensor).shape);
    const quant = (graph.tensors[input.tensor] as Tensor).quant as QuantParams;
    const realInput = (q: number) => (rows.data instanceof Float32Array ? q : (q - quant.zeroPoint) * quant.scale);
    let compared = 0;
    const count = Math.min(2, Math.floor(bytes.length / stride));
    for (let row = 0; row < count; row++) {
      const window = rows.data.subarray(row * elements, (row + 1) * elements);
      runOnGrid(real, [toGraph(graph, input, Array.from(window, realInput))], (node, computed) => {
        const { name: tensorName, shape, quant: q } = graph.tensors[node.output] as Tensor & { quant: QuantParams };
        const reference = references.find((r) => r.name === tensorName && r.type === 'INT8' && r.bytes === elementsOf(shape));
        if (!reference) return computed;
        const from = row * stride + reference.offset;
        const wanted = new Int8Array(bytes.slice(from, from + reference.bytes).buffer);
        const most = largestStep(computed, wanted, q);
        assert.ok(most <= 1.01, `row ${row} ${node.name}: ${most.toFixed(2)} steps`);
        compared++;
        return Float32Array.from(wanted, (value) => (value - q.zeroPoint) * q.scale);
      });
    }
    assert.ok(
      compared >= count * graph.nodes.length,
      `${compared} tensors compared in ${count} runs of ${graph.nodes.length} nodes`,
    );
  });

  test(`${name}: the classes agree with the reference`, () => {
    const graph = readTflite(modelBytes(name));
    const [input, output] = [graph.inputs[0], graph.outputs[0]];
    if (!input || !output) throw new Error('no port');
    const rows = parseNpy(readBytes(folder, 'rand.in0.npy'));
    const wanted = parseNpy(readBytes(folder, 'rand.out0.npy'));
    const count = Math.min(rows.shape[0] as number, 6);
    const [inCount, outCount] = [rows, wanted].map((a) => a.data.length / (a.shape[0] as number)) as [number, number];
    const quant = (graph.tensors[input.tensor] as Tensor).quant as QuantParams;
    const real = dequantised(graph);
    let agree = 0;
    for (let row = 0; row < count; row++) {
      const window = Array.from(rows.data.subarray(row * inCount, (row + 1) * inCount), (q) =>
        rows.data instanceof Float32Array ? q : (q - quant.zeroPoint) * quant.scale,
      );
      const y = runOnGrid(real, [toGraph(graph, input, window)])[output.tensor] as Float32Array;
      const best = (a: ArrayLike<number>) => Array.from(a).indexOf(Math.max(...Array.from(a)));
      if (best(y) === best(wanted.data.subarray(row * outCount, (row + 1) * outCount))) agree++;
    }
    assert.ok(agree >= count - 1, `${agree} of ${count}`);
  });
}

if (hasSharedModels) {
  test('tensors have the expected shapes in normal form', () => {
    const shapes = (name: string) => readTflite(modelBytes(name)).tensors.map(({ shape: s }) => `${s.t}x${s.f}x${s.c}`);
    assert.equal(shapes('misc/heartbeats_quantized').slice(0, 4), ['260x1x1', '258x1x5', '129x1x5', '126x1x10']);
    assert.equal(shapes('mltk/keyword_spotting_on_off').slice(0, 5), ['49x32x1', '25x16x8', '13x8x16', '7x4x32', '1x4x32']);
    assert.equal(shapes('tflm/micro_speech_quantized'), ['49x40x1', '25x20x8', '1x1x4', '1x1x4']);
  });

  test('the host quantises float inputs and outputs', () => {
    const { inputs, outputs } = readTflite(modelBytes('misc/heartbeats_quantized'));
    assert.equal([inputs[0]?.hostType, inputs[0]?.fileShape, outputs[0]?.hostType], ['float32', [1, 260], 'float32']);
    assert.is(readTflite(modelBytes('mlperf-tiny/kws_ref_model')).inputs[0]?.hostType, 'int8');
  });

  test('the frame option splits a flat input into frames', () => {
    const bytes = modelBytes('mlperf-tiny/ad01_int8');
    assert.equal(readTflite(bytes, { frame: 128 }).tensors[0]?.shape, { t: 5, f: 1, c: 128 });
    assert.throws(() => readTflite(bytes, { frame: 100 }), /RN113/);
  });

  for (const name of ['mww/v2/okay_nabu', 'mww/v2/hey_jarvis', 'mww/v2/vad', 'mww/v1/okay_nabu']) {
    test(`${name}: its states become padding, and no copy remains`, () => {
      const { stateful, nodes } = readTflite(modelBytes(name));
      assert.is(stateful, true);
      const ops = new Set(nodes.map((n) => n.op));
      assert.not.ok(ops.has('history') || ops.has('dense'), [...ops].join());
      const trunk = stepTrunk(readTflite(modelBytes(name)));
      assert.is(trunk.size, nodes.length, 'every node streams');
    });
  }

  test('a file of Signal operators is reported as a front end, not a network', () => {
    assert.match(refusal('tflm/audio_preprocessor_int8'), /^RN114.*front end.*CUSTOM SignalWindow#0/);
  });
}

test.run();
