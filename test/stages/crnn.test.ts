/**
 * The zoo's har-watch-gru (three convolutions and a GRU of 32), streamed with its state carried on.
 *
 * Checks the float scores against PyTorch window by window, the plan (one step of each layer per frame), and
 * the bytes in Node, in Chromium, and as C on this machine and two cores. test/wamr runs it on WAMR. With the
 * recordings (shared/data/har-uji): accuracy of float and int8 on the held-out subjects of fold 0.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { targets } from '../../assembly/emit/target.ts';
import { hop, frameOf as middleOf, readSubjects, window } from '../../host/demo/har-recordings.ts';
import { confusionOf, floatScores, moduleScores, readFloat, zooArray } from '../../host/demo/zoo.ts';
import { openSession } from '../../host/session/index.ts';
import { carries } from '../../models/graph/recurrent.ts';
import { maxOf } from '../../models/lists.ts';
import { planSummary } from '../../models/report/print.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { diagnose } from '../../quant/diagnose/diagnose.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal, windowedModel } from '../../quant/reference.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { coreTools, Folder, missing } from '../bare/run.ts';
import { chromiumPath, runInChromium } from '../browser/page.ts';
import { runnable } from '../relaxed/dot-product.ts';
import { shared } from '../shared.ts';

const mode = 'stream';
const calibration = zooArray('har', 'calib-watch.npy').data as Float32Array;
const graph = await readFloat('har', 'har-watch-gru.onnx');
const int8 = (of: typeof graph) => quantize(of, calibration, { hop, mode, noReport: true }).graph;
const quant = quantPlan(planStream(int8(graph), { hop, mode }));
const [port] = quant.plan.graph.inputs;
const stored = quantiseSignal(
  calibration,
  quant.plan.graph.tensors[port?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 },
) as Int8Array;
const expected = [...runSignal(quant, stored)].map(({ outputs }) => [...(outputs[0] as Int8Array)]);

test('har-watch-gru.onnx gives the scores of PyTorch on its golden windows', async () => {
  const windows = zooArray('har', 'golden-in-watch.npy').data as Float32Array;
  const scores = zooArray('har', 'golden-out-watch-gru.npy').data as Float32Array;
  const found = floatScores(graph, window, windows).flatMap((s) => [...s]);
  assert.is(found.length, 40);
  assert.ok(maxOf(found.map((v, i) => Math.abs(v - (scores[i] as number)))) < 1e-5);
});

test('a hop computes only its new rows: 4, 2 and 1 rows of convolutions, one step of the GRU', () => {
  const { plan } = quant;
  const gates = 3 * 32;
  const needed = 4 * 7 * 6 * 24 + 2 * 5 * 24 * 32 + 5 * 32 * 32 + 32 * gates + 32 * gates + 32 * 5;
  console.log(
    `  ${plan.macsPerHop} multiply-adds per hop, ${plan.macsPerWindow} per window, ${needed} needed; ${plan.stateBytes} bytes of state`,
  );
  assert.ok(plan.steps.some(({ node, section }) => section === 'trunk' && carries(node)));
  assert.ok(plan.macsPerHop <= 1.2 * needed, `${plan.macsPerHop}`);
});

test('the plan summary says what the outputs equal, and single windows equal mode windowed', () => {
  const { plan } = quant;
  assert.match(planSummary(plan).join('\n'), /every output equals the model over the signal so far/);
  assert.equal(
    plan.steps.filter((s) => s.exact).map((s) => s.node.op),
    ['conv', 'conv', 'conv', 'conv'],
  );
  const windowed = quantPlan(planStream(plan.graph, { hop, mode: 'windowed' }));
  const frames = stored.slice(0, (window + 40 * hop) * 6);
  const [own, other] = [windowedModel(quant), windowed].map((model) =>
    [...runSignal(model, frames)].map(({ outputs }) => [...(outputs[0] as Int8Array)]),
  );
  assert.equal(own, other);
  assert.is.not(own?.map(String).join(), expected.slice(0, 41).map(String).join(), 'a carried state gives other outputs');
});

test('diagnose measures the effect of streaming on pieces that are longer than a window', () => {
  const { output } = diagnose(planStream(graph, { hop, mode }), quant, [calibration], { windows: 4 });
  assert.ok(Number.isFinite(output.floatStreamedDb), 'the streamed error is measured');
});

for (const target of targets)
  test(`${target}: the module equals the reference in Node${chromiumPath ? ' and in Chromium' : ''}`, async () => {
    for (const style of ['calls', 'table'] as const) {
      const wasm = runnable((await build(quant, { target, style })).wasm);
      const session = await openSession(wasm as BufferSource);
      const own: number[][] = [];
      session.pushAll(stored, () => own.push([...session.outputRaw()]));
      assert.equal(own, expected, style);
      if (!chromiumPath) continue;
      const { runs } = await runInChromium(wasm, [{ frames: stored }]);
      assert.equal(runs[0]?.outputs, expected, `${style} in Chromium`);
    }
  });
if (!chromiumPath) console.log('skipped: no Chromium found; install the package chromium, or set CHROMIUM to its path');

const onHost = missing(['gcc']);
if (onHost) console.log(onHost);
(onHost ? test.skip : test)('the C code equals the reference on this machine and on two cores', async () => {
  const bundle = await build(quant, { target: 'native' });
  const outputs = expected.slice(0, 64);
  const frames = new Uint8Array(stored.buffer, 0, (quant.plan.window + (outputs.length - 1) * hop) * 6);
  const folder = new Folder(await buildC(quant, bundle.manifest), bundle, frames, Uint8Array.from(outputs.flat()));
  try {
    assert.is((await folder.onHost()).differing, 0);
    for (const core of ['rv32', 'm4'] as const) {
      const absent = missing(coreTools(core));
      if (absent) console.log(absent);
      else assert.is((await folder.onCore(core, ['-O2'])).differing, 0, core);
    }
  } finally {
    folder.remove();
  }
});

test('on held-out subjects, int8 with a carried state is as accurate as float', async () => {
  const folder = shared('data', 'har-uji');
  if (!folder) return;
  const float = await readFloat('har', 'folds/watch-gru-0.onnx');
  const { wasm } = await build(quantPlan(planStream(int8(float), { hop, mode })), { target: 'simd' });
  const session = await openSession(wasm as BufferSource);
  const plan = planStream(float, { hop, mode });
  const right = [0, 0];
  let all = 0;
  for (const { signal, labels } of readSubjects(folder, 'watch').filter((s) => s.fold === 0)) {
    const scores = [
      [...executeStream(plan, floatBlock(plan, signal), floatRunner)].map(({ outputs }) => outputs[0] as Float32Array),
      moduleScores(session, signal),
    ];
    all += scores[0]?.length ?? 0;
    assert.is(scores[0]?.length, scores[1]?.length);
    for (const [i, own] of scores.entries())
      confusionOf(own, (n) => labels[middleOf(n)] as number, 5).forEach((row, c) => {
        right[i] = (right[i] as number) + (row[c] as number);
      });
  }
  const [inFloat, inInt8] = right.map((n) => n / all) as [number, number];
  console.log(`  ${all} answers: float ${(100 * inFloat).toFixed(2)} %, int8 ${(100 * inInt8).toFixed(2)} %`);
  // the convolutional network reaches 0.928 on the same data (card.md), a guess 0.45
  assert.ok(inInt8 > 0.9, `${inInt8}`);
  assert.ok(Math.abs(inFloat - inInt8) < 0.01);
});

test.run();
