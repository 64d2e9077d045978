/**
 * A file with two inputs, end to end: read as onnxruntime runs it, quantised, built, and run in pieces of any size.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession, requireSelfTest } from '../../host/session/index.ts';
import { isRunletError } from '../../models/error.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { rates, ticks, wristModel, wristSignals } from './inputs-model.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';

const runtime = await loadRuntime();

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isRunletError(error)) return error.code;
    throw error;
  }
  return 'none';
};

for (const padding of ['valid', 'same'] as const) {
  test(`two inputs, ${padding}: as onnxruntime runs it, each with its own time axis`, async () => {
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

  test(`two inputs, ${padding}: quantised and streamed, near onnxruntime and equal to the reference`, async () => {
    const graph = readOnnx(wristModel(padding));
    const options = { hop: 4 };
    const plan = planStream(graph, options);
    assert.is(plan.mode, padding === 'valid' ? 'stream' : 'edge-exact');
    assert.equal([plan.window, plan.clock], [ticks, { window: ticks, units: 2, rates: [1, 2] }]);
    assert.ok(plan.macsPerHop < plan.macsPerWindow / 5);
    const signals = wristSignals(800);
    const { graph: int8, report } = quantize(graph, options, signals);
    assert.ok(report.every((r) => r.sqnrDb > 20 && r.clipped < 1e-3));
    const quant = quantPlan(int8, options);
    const bundle = await build(quant);
    assert.equal(
      bundle.manifest.inputs.map((p) => p.rate),
      [1, 2],
    );
    const session = await openSession(bundle.wasm as BufferSource);
    await requireSelfTest(session);
    const stored = [...runSignal(quant, quantiseSignals(int8, signals))];
    const got: Int8Array[] = [];
    session.pushAll(signals, () => got.push(session.outputRaw().slice()));
    assert.is(got.length, stored.length);
    assert.equal(
      got,
      stored.map((r) => r.outputs[0]),
    );
    if (!runtime) return;
    const at = 100; // a window somewhere in the middle, in the file's order
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
    codeOf(() => plan([64, 128])),
    'none',
  );
  try {
    // both branches give 62 rows, so the file is sound, but nothing but 1 divides 64 and 129
    plan([64, 129]);
    assert.unreachable();
  } catch (error) {
    assert.ok(isRunletError(error) && error.code === 'RN203', String(error));
    assert.match(String(error), /64 and 129/);
  }
});

test('calibration: one signal per input, of the same duration', () => {
  const graph = readOnnx(wristModel());
  const [accel, ppg] = wristSignals(300) as [Float32Array, Float32Array];
  const run = (signals: Float32Array | Float32Array[]) => codeOf(() => quantize(graph, { hop: 4 }, signals, { noReport: true }));
  assert.is(run([accel, ppg]), 'none');
  assert.is(run(accel), 'RN410');
  assert.is(run([accel.subarray(1), ppg]), 'RN410');
  assert.is(run([accel.subarray(3), ppg]), 'RN410');
  assert.is(run([accel.subarray(0, 60), ppg.subarray(0, 40)]), 'RN411');
  assert.is(run([accel, new Float32Array(ppg.length)]), 'RN413');
  assert.is(run([accel, ppg.map((v, i) => (i === 7 ? Number.NaN : v))]), 'RN412');
});

test.run();
