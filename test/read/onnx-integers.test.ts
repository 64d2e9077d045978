/**
 * Integer inputs of ONNX files that are directly cast to float32: they are samples, which the host passes as
 * real values.
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
  test(`an input of type ${type} with a Cast becomes a float input`, () => {
    const graph = read(type, [cast(float32), relu]);
    assert.is(graph.inputs[0]?.hostType, 'float32');
    assert.not.ok(isQuantised(graph));
  });

test('an integer input with another reader, or cast to another type, is refused', () => {
  const refused = (nodes: NodeOf[]): void => assert.throws(() => read('int16', nodes), (e: unknown) => isRunletError(e) && e.code === 'RN156'); // biome-ignore format: one line
  refused([{ ...relu, inputs: ['x'] }]);
  refused([cast(6), relu]);
  refused([cast(float32), { op: 'Add', inputs: ['r', 'x'], outputs: ['y'] }]);
});

test.run();
