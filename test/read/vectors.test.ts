/**
 * A model with a signal and an input of one frame. The newest of that input's frames is used; onnxruntime
 * takes a single one. The streamed integers are compared with the windowed model.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../models/read/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { loadRuntime, ownOutputs, relativeError, seededNormal } from './onnx-oracle.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const [window, channels, values] = [12, 3, 5];
const draw = seededNormal(4);
const floats = (...dims: number[]) => ({ dims, floats: Array.from({ length: dims.reduce((a, b) => a * b) }, draw) });
const bytes = writeModel({
  nodes: [
    { op: 'Conv', inputs: ['signal', 'W'], outputs: ['a'], attributes: { kernel_shape: [3], pads: [1, 1] } },
    { op: 'ReduceMean', inputs: ['a'], outputs: ['m'], attributes: { axes: [2], keepdims: 0 } },
    { op: 'Concat', inputs: ['m', 'vector'], outputs: ['b'], attributes: { axis: 1 } },
    { op: 'Gemm', inputs: ['b', 'M'], outputs: ['y'] },
  ],
  inputs: { signal: [1, channels, window], vector: [1, values] },
  outputs: ['y'],
  tensors: { W: floats(8, channels, 3), M: floats(8 + values, 4) },
  opset: 13,
});

(runtime ? test : test.skip)('the newest frame of a vector input is used', async () => {
  if (!runtime) return;
  const graph = await readModel(bytes);
  assert.equal(graph.inputs.map(({ fileShape }) => fileShape), [[1, channels, window], [1, window, values]]); // biome-ignore format: one line
  const signal = Float32Array.from({ length: channels * window }, draw);
  const frames = Float32Array.from({ length: window * values }, draw);
  const session = await runtime.InferenceSession.create(bytes);
  const { y } = await session.run({
    signal: new runtime.Tensor('float32', signal, [1, channels, window]),
    vector: new runtime.Tensor('float32', frames.slice(-values), [1, values]),
  });
  const [own] = ownOutputs(graph, [signal, frames]);
  assert.ok(relativeError(own as Float32Array, y?.data as Float32Array) < 2e-5);
  await session.release();
});

test('the stream of a signal and a vector equals the windowed model', async () => {
  const graph = await readModel(bytes);
  const ticks = 3 * window;
  const signals = [channels, values].map((width) => Float32Array.from({ length: ticks * width }, draw));
  for (const hop of [1, 5]) {
    const { graph: int8 } = quantize(graph, signals, { hop, preset: 'fast', noReport: true });
    const quant = quantPlan(planStream(int8, { hop }));
    const stored = quantiseSignals(int8, signals);
    let n = 0;
    for await (const got of runStyles(quant, stored, [hop], false)) {
      const widths = [channels, values];
      const own = stored.map((s, i) => s.slice(n * hop * (widths[i] as number), (n * hop + window) * (widths[i] as number)));
      assert.is(differing(runWindow(quant, own).outputs, got), 0, `hop ${hop}, output ${n}`);
      n++;
    }
    assert.is(n, Math.floor((ticks - window) / hop) + 1);
  }
});

test.run();
