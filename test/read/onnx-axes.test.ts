/**
 * Values whose elements a file counts along other dimensions than the normal form, against onnxruntime.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { loadRuntime, oracle, ownOutputs, randomInputs, relativeError } from './onnx-oracle.ts';
import { ints, node, weightsOf } from './step-models.ts';

const runtime = await loadRuntime();
if (!runtime) console.log('onnxruntime-web does not load here: the float oracle is skipped');

const floats = weightsOf(11);

/** Of x with `dims`. */
const model = (dims: number[], nodes: NodeOf[], tensors: Record<string, TensorOf> = {}): Uint8Array =>
  writeModel({ nodes, inputs: { x: dims }, outputs: ['y'], tensors });

/** Networks, and the dimension that is time where it has to be said. */
const networks: Record<string, [Uint8Array, number?]> = {
  'Gemm whose C is computed': [
    model([1, 9], [node('Gemm', 'x w', 'a'), node('Gemm', 'x v a', 'y', { alpha: { float: 0.5 }, beta: { float: -2 } })], {
      w: floats(9, 4),
      v: floats(9, 4),
    }),
  ],
  'a window of one value a frame, less what a layer of all of it gives': [
    model(
      [1, 12, 1],
      [
        node('Squeeze', 'x last', 's'),
        node('MatMul', 's w', 'a'),
        node('Sub', 's a', 'b'),
        node('MatMul', 'b w', 'c'),
        node('Sub', 'b c', 'y'),
      ],
      { last: ints(2), w: floats(12, 12) },
    ),
    1,
  ],
  'a flattened window, less what a layer of all of it gives': [
    model(
      [1, 6, 6],
      [
        node('Transpose', 'x', 't', { perm: [0, 2, 1] }),
        node('Flatten', 't', 's'),
        node('MatMul', 's w', 'a'),
        node('Sub', 's a', 'y'),
      ],
      { w: floats(36, 36) },
    ),
    1,
  ],
};

for (const [name, [bytes, timeAxis]] of Object.entries(networks))
  (runtime ? test : test.skip)(name, async () => {
    const graph = readOnnx(bytes, timeAxis === undefined ? {} : { timeAxis });
    const inputs = randomInputs(graph, 5);
    const wanted = await oracle(runtime as NonNullable<typeof runtime>, bytes, graph, inputs);
    for (const [i, own] of ownOutputs(graph, inputs).entries()) assert.ok(relativeError(own, wanted[i] as Float32Array) < 2e-5);
  });

test.run();
