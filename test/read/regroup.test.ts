/**
 * Files that regroup the values of a frame: channel shuffles, groups of a linear layer, and concatenations of
 * channels and feature rows.
 *
 * In: ONNX files.  Checked: the float graph against onnxruntime, the streamed integers against the windowed
 * model.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameOf, type Shape } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runWindow } from '../../quant/reference.ts';
import { quantiseSignals } from '../../quant/report.ts';
import { differing } from '../property/harness.ts';
import { runStyles } from '../property/styles.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError, seededNormal } from './onnx-oracle.ts';
import { refusalOf } from './refusal.ts';
import { ints, node, weightsOf } from './step-models.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const floats = weightsOf(5);
const model = (x: number[], nodes: NodeOf[], tensors: Record<string, TensorOf>): ModelOf => ({
  nodes,
  inputs: { x },
  outputs: ['y'],
  tensors,
  opset: 17,
});
const conv = node('Conv', 'x k', 'a', { pads: [1, 1] });
/** Reshapes the channels of [1, 6, t] to 2 x 3 and transposes them. */
const shuffled = [
  conv,
  node('Reshape', 'a apart', 'p'),
  node('Transpose', 'p', 'q', { perm: [0, 2, 1, 3] }),
  node('Reshape', 'q joined', 'b'),
];
const shuffle = { k: floats(6, 3, 3), apart: ints(1, 2, 3, 8), joined: ints(1, 6, 8) };
/** Converts [1, 4, t, 6] to rows of 24 values, features first. */
const rows = [
  node('Conv', 'x k', 'a', { pads: [1, 1, 1, 1] }),
  node('Transpose', 'a', 'h', { perm: [0, 2, 3, 1] }),
  node('Reshape', 'h flat', 'r'),
];
const frames = { k: floats(4, 2, 3, 3), flat: ints(1, 8, 24) };

const models: Record<string, ModelOf> = {
  'a channel shuffle, then a convolution': model([1, 3, 8], [...shuffled, node('Conv', 'b k2', 'y')], {
    ...shuffle,
    k2: floats(4, 6, 3),
  }),
  'a shuffle of three factors of the channels, and halves as a batch': model(
    [1, 3, 8],
    [
      conv,
      node('Reshape', 'a apart', 'p'),
      node('Transpose', 'p', 'q', { perm: [0, 3, 2, 1, 4] }),
      node('Reshape', 'q halves', 'h'),
      node('Conv', 'h k2', 'c'),
      node('Reshape', 'c joined', 'y'),
    ],
    { k: floats(8, 3, 3), apart: ints(1, 2, 2, 2, 8), halves: ints(2, 4, 8), k2: floats(4, 4, 1), joined: ints(1, 8, 8) },
  ),
  'a grouped linear layer whose groups hold feature rows and channels': model(
    [1, 2, 8, 6],
    [...rows, node('Reshape', 'r grouped', 'g'), node('Einsum', 'g w', 'e', { equation: 'btgi,gih->btgh' }), node('Reshape', 'e out', 'y')], // biome-ignore format: one line
    { ...frames, grouped: ints(1, 8, 3, 8), w: floats(3, 8, 2), out: ints(1, 8, 6) },
  ),
  'rows of features and channels, minus rows of channels': model(
    [1, 2, 8, 6],
    [...rows, node('MatMul', 'r w', 'm'), node('Sub', 'r m', 's'), node('MatMul', 's v', 'y')],
    { ...frames, w: floats(24, 24), v: floats(24, 5) },
  ),
  'channels that become feature rows': model(
    [1, 2, 8, 6],
    [
      ...rows,
      node('MatMul', 'r w', 'm'),
      node('Reshape', 'm apart', 'p'),
      node('Transpose', 'p', 'q', { perm: [0, 3, 1, 2] }),
      node('Add', 'q a', 'y'),
    ],
    { ...frames, w: floats(24, 24), apart: ints(1, 8, 6, 4) },
  ),
};

for (const [name, made] of Object.entries(models)) {
  const bytes = writeModel(made);
  (runtime ? test : test.skip)(`${name}: gives the outputs of onnxruntime`, async () => {
    const graph = readOnnx(bytes);
    assert.ok(graph.nodes.some(({ op }) => op === 'regroup'));
    const inputs = randomInputs(graph, 7);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });
  test(`${name}: streamed integers equal the windowed model`, async () => {
    const graph = readOnnx(bytes);
    const frame = frameOf(graph.tensors[graph.inputs[0]?.tensor ?? 0]?.shape as Shape);
    const signal = Float32Array.from({ length: 24 * frame }, seededNormal(9));
    const int8 = quantize(graph, [signal], { hop: 8, preset: 'fast', noReport: true }).graph;
    const quant = quantPlan(planStream(int8, { hop: 3, mode: 'edge-exact' }));
    const ints = quantiseSignals(int8, [signal]);
    let n = 0;
    for await (const got of runStyles(quant, ints, [3], false)) {
      const reference = runWindow(
        quant,
        ints.map((s) => s.slice(n * 3 * frame, (n * 3 + 8) * frame)),
      );
      assert.is(differing(reference.outputs, got), 0);
      n++;
    }
    assert.ok(n >= 4);
  });
}

test('weights with another number of groups than the input are refused', async () => {
  const groups = { ...frames, grouped: ints(1, 8, 3, 8), w: floats(4, 6, 2) };
  const wrong = model([1, 2, 8, 6], [...rows, node('Reshape', 'r grouped', 'g'), node('Einsum', 'g w', 'y', { equation: 'btgi,gih->btgh' })], groups); // biome-ignore format: one line
  assert.is((await refusalOf(() => readOnnx(writeModel(wrong)))).code, 'RN150', 'weights of four groups for three');
});

test.run();
