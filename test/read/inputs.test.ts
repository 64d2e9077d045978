/**
 * A file with two inputs, end to end: the reader agrees with onnxruntime, and the quantised and compiled
 * model accepts its signals in pieces of any size.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, requireSelfTest, type Stored } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { readTflite } from '../../models/read/tflite/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { errorCode } from '../error-code.ts';
import { runFloat } from '../graph/run-float.ts';
import { rates, ticks, wristModel, wristSignals } from './inputs-model.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';
import { writeTflite } from './tflite-model.ts';

const runtime = await loadRuntime();

for (const padding of ['valid', 'same'] as const) {
  test(`two inputs, ${padding}: the graph agrees with onnxruntime, and each input has its own time axis`, async () => {
    const bytes = wristModel(padding);
    const graph = readOnnx(bytes);
    assert.equal(
      graph.inputs.map((p) => [p.name, p.order.join(''), graph.tensors[p.tensor]?.shape]),
      [
        ['accel', 'ct', { t: 64, f: 1, c: 3 }],
        ['ppg', 't', { t: 128, f: 1, c: 1 }],
      ],
    );
    if (!runtime) return;
    const inputs = randomInputs(graph, 4);
    const [theirs] = await oracle(runtime, bytes, graph, inputs);
    const error = relativeError(ownOutputs(graph, inputs)[0] as Float32Array, theirs as Float32Array);
    assert.ok(error < 1e-5, `${error}`);
  });

  test(`two inputs, ${padding}: the quantised stream is near onnxruntime and equal to the reference`, async () => {
    const graph = readOnnx(wristModel(padding));
    const options = { hop: 4 };
    const plan = planStream(graph, options);
    assert.is(plan.mode, padding === 'valid' ? 'stream' : 'edge-exact');
    assert.equal([plan.window, plan.clock], [ticks, { window: ticks, units: 2, rates: [1, 2] }]);
    assert.ok(plan.macsPerHop < plan.macsPerWindow / 5);
    const signals = wristSignals(800);
    const { graph: int8, report } = quantize(graph, signals, { ...options, preset: 'fast' }); // clips nothing
    assert.ok(report.every((r) => r.sqnrDb > 20 && r.clipped < 1e-3));
    const quant = quantPlan(planStream(int8, options));
    const bundle = await build(quant);
    assert.equal(
      bundle.manifest.inputs.map((p) => p.rate),
      [1, 2],
    );
    const session = await openSession(bundle.wasm as BufferSource);
    await requireSelfTest(session);
    const stored = [...runSignal(quant, quantiseSignals(int8, signals))];
    const got: Stored[] = [];
    session.pushAll(signals, () => got.push(session.outputRaw().slice()));
    assert.is(got.length, stored.length);
    assert.equal(
      got,
      stored.map((r) => r.outputs[0]),
    );
    if (!runtime) return;
    const at = 100; // a window in the middle, in the file's order
    const window = signals.map((s, i) => {
      const values = i === 0 ? 3 : 1;
      const length = ticks * (rates[i] as number);
      const from = at * plan.hop * (rates[i] as number);
      return Float32Array.from(
        { length: values * length },
        (_, n) => s[(from + (n % length)) * values + Math.floor(n / length)] as number,
      );
    });
    const [theirs] = await oracle(runtime, wristModel(padding), graph, window);
    const { scale, zeroPoint } = bundle.manifest.outputs[0] as { scale: number; zeroPoint: number };
    const own = Float32Array.from(got[at] as Int8Array, (q) => scale * (q - zeroPoint));
    const error = relativeError(own, theirs as Float32Array);
    assert.ok(error < 0.1, `window ${at} is off by ${error}`);
  });
}

test('windows without a useful common clock are refused', () => {
  const plan = (lengths: number[]) => planStream(readOnnx(wristModel('valid', lengths)), { hop: 1 });
  assert.is(
    errorCode(() => plan([64, 128])),
    'none',
  );
  try {
    // both branches give 62 rows, so the file is valid, but the only common divisor of 64 and 129 is 1
    plan([64, 129]);
    assert.unreachable();
  } catch (error) {
    assert.ok(isRunletError(error) && error.code === 'RN203', String(error));
    assert.match(String(error), /64 and 129/);
  }
});

test('open time dimensions: the name of an input sets its window', () => {
  const open = wristModel('valid', ['t', 'u']);
  const graph = readOnnx(open, { windows: { accel: 64, ppg: 128 } });
  assert.equal(planStream(graph, { hop: 2 }).clock.rates, [1, 2]);
  assert.is(
    errorCode(() => readOnnx(open, { windows: { accel: 64 } })),
    'RN156',
  );
});

test('calibration takes one signal per input, all of the same duration', () => {
  const graph = readOnnx(wristModel());
  const [accel, ppg] = wristSignals(300) as [Float32Array, Float32Array];
  const run = (signals: Float32Array | Float32Array[]) => errorCode(() => quantize(graph, signals, { hop: 4, noReport: true }));
  assert.is(run([accel, ppg]), 'none');
  assert.is(run(accel), 'RN410');
  assert.is(run([accel.subarray(1), ppg]), 'RN410');
  assert.is(run([accel.subarray(3), ppg]), 'RN410');
  assert.is(run([accel.subarray(0, 60), ppg.subarray(0, 40)]), 'RN411');
  assert.is(run([accel, new Float32Array(ppg.length)]), 'RN413');
  assert.is(run([accel, ppg.map((v, i) => (i === 7 ? Number.NaN : v))]), 'RN412');
});

test('TensorFlow Lite: two inputs, each with its own time axis, give the outputs of the same network in ONNX', () => {
  const next = seededNormal(2);
  const values = (count: number) => Array.from({ length: count }, next);
  const [wa, wp, ba, bp] = [values(5 * 3 * 3), values(4 * 6), values(5), values(4)];
  // VALID, strides along the width and the height, relu
  const conv = (inputs: string[], output: string, stride: number) => ({
    ...{ code: 3, inputs, outputs: [output] },
    options: { kind: 1, int8: { 0: 1, 3: 1 }, int32: { 1: 1, 2: stride } },
  });
  const tflite = writeTflite({
    tensors: {
      ppg: { shape: [1, 128, 1, 1] },
      accel: { shape: [1, 64, 1, 3] },
      wa: { shape: [5, 3, 1, 3], floats: wa },
      ba: { shape: [5], floats: ba },
      wp: { shape: [4, 6, 1, 1], floats: wp },
      bp: { shape: [4], floats: bp },
      a: { shape: [1, 62, 1, 5] },
      p: { shape: [1, 62, 1, 4] },
      joined: { shape: [1, 62, 1, 9] },
      axes: { shape: [2], ints: [1, 2] },
      y: { shape: [1, 9] },
    },
    operators: [
      conv(['accel', 'wa', 'ba'], 'a', 1),
      conv(['ppg', 'wp', 'bp'], 'p', 2),
      { code: 2, inputs: ['a', 'p'], outputs: ['joined'], options: { kind: 10, int32: { 0: 3 } } },
      { code: 40, inputs: ['joined', 'axes'], outputs: ['y'], options: { kind: 27 } },
    ],
    inputs: ['ppg', 'accel'],
    outputs: ['y'],
  });
  // [out][kernel][in] to [out][in][kernel]
  const turned = Array.from(
    { length: 45 },
    (_, i) => wa[Math.floor(i / 9) * 9 + (i % 3) * 3 + (Math.floor(i / 3) % 3)] as number,
  );
  const onnx = writeModel({
    nodes: [
      { op: 'Conv', inputs: ['accel', 'wa', 'ba'], outputs: ['a'] },
      { op: 'Relu', inputs: ['a'], outputs: ['ar'] },
      { op: 'Conv', inputs: ['ppg', 'wp', 'bp'], outputs: ['p'], attributes: { strides: [2] } },
      { op: 'Relu', inputs: ['p'], outputs: ['pr'] },
      { op: 'Concat', inputs: ['ar', 'pr'], outputs: ['c'], attributes: { axis: 1 } },
      { op: 'GlobalAveragePool', inputs: ['c'], outputs: ['y'] },
    ],
    inputs: { ppg: [1, 1, 128], accel: [1, 3, 64] },
    outputs: ['y'],
    tensors: {
      wa: { dims: [5, 3, 3], floats: turned },
      ba: { dims: [5], floats: ba },
      wp: { dims: [4, 1, 6], floats: wp },
      bp: { dims: [4], floats: bp },
    },
  });
  const [ours, theirs] = [readTflite(tflite), readOnnx(onnx)];
  assert.equal(
    ours.inputs.map((p) => [p.name, p.order.join(''), ours.tensors[p.tensor]?.shape.t]),
    [
      ['ppg', 't', 128],
      ['accel', 'tc', 64],
    ],
  );
  assert.equal(planStream(ours, { hop: 2 }).clock, { window: 64, units: 2, rates: [2, 1] });
  const [accel, ppg] = wristSignals(ticks) as [Float32Array, Float32Array];
  const [a, b] = [ours, theirs].map((g) => runFloat(g, [ppg, accel])[g.outputs[0]?.tensor ?? -1] as Float32Array);
  assert.ok(relativeError(a as Float32Array, b as Float32Array) < 1e-6);
});

test.run();
