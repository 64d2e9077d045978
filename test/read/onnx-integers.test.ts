/**
 * Integer inputs of ONNX files that a Cast to float32 reads at once: samples, which the host gives as real
 * values.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { isQuantised } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type NodeOf, type ValueOf, writeModel } from '../../models/write/onnx/proto.ts';

const float32 = 1;
const cast = (to: number): NodeOf => ({ op: 'Cast', inputs: ['x'], outputs: ['r'], attributes: { to } });
const relu: NodeOf = { op: 'Relu', inputs: ['r'], outputs: ['y'] };
const read = (type: ValueOf['type'], nodes: NodeOf[]) =>
  readOnnx(writeModel({ inputs: [{ name: 'x', type, dims: [1, 2, 8] }], nodes, outputs: ['y'] }));

for (const type of ['int16', 'int32', 'uint8', 'int8'] as const)
  test(`${type} and a Cast is a float input`, () => {
    const graph = read(type, [cast(float32), relu]);
    assert.is(graph.inputs[0]?.hostType, 'float32');
    assert.not.ok(isQuantised(graph));
  });

test('integers that something else reads, or that become another type, are refused', () => {
  const refused = (nodes: NodeOf[]): void => assert.throws(() => read('int16', nodes), (e: unknown) => isRunletError(e) && e.code === 'RN156'); // biome-ignore format: one line
  refused([{ ...relu, inputs: ['x'] }]);
  refused([cast(6), relu]);
  refused([cast(float32), { op: 'Add', inputs: ['r', 'x'], outputs: ['y'] }]);
});

test.run();
