/**
 * Graph models of TensorFlow.js that are refused: unsupported operators, listed by name, and damaged graphs,
 * weights and inputs.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ints, node, plane, refusal, window } from './tfjs-graphs.ts';

test('unsupported nodes are listed by name and operator, with the reason', async () => {
  const message = await refusal(
    plane(
      [
        node('turned', 'Conv3DBackpropInputV2', ['shape', 'k', 'c'], window([1, 2, 1, 1], 'SAME')),
        node('mirrored', 'MirrorPad', ['c', 'pads'], { mode: 'REFLECT' }),
        node('odd', 'ArgMax', ['c', 'shape']),
        node('loop', 'StatelessWhile', ['c']),
        node('y', 'AddN', ['turned', 'mirrored', 'odd', 'loop']),
      ],
      { shape: ints([1, 1, 1, 1]), pads: ints([0, 0, 0, 0, 1, 1, 0, 0], [4, 2]) },
    ),
    () => {},
    { timeAxis: 1 },
  );
  assert.match(message, /RN160: 4 operators are not supported/);
  assert.match(message, /Conv3DBackpropInputV2 turned: a transposed convolution/);
  assert.match(message, /MirrorPad mirrored: mode reflect along features/);
  assert.match(message, /ArgMax odd: the operator is not supported/);
  assert.match(message, /StatelessWhile loop: loops, as in recurrent layers/);
});

// biome-ignore lint/suspicious/noExplicitAny: a tree that is changed at will
type Tree = any;
const nodeOf = (tree: Tree, name: string) => tree.modelTopology.node.find((n: Tree) => n.name === name);

/** Changes to the file of a convolution and a ReLU, with the expected message. */
const cases: [message: RegExp, change: (tree: Tree) => void][] = [
  [
    /RN161: there are no nodes/,
    (t) => {
      t.modelTopology.node = [];
    },
  ],
  [
    /RN161: node nowhere is not there/,
    (t) => {
      nodeOf(t, 'y').input = ['nowhere'];
    },
  ],
  [
    /RN161: nodes read each other in a circle/,
    (t) => {
      nodeOf(t, 'c').input = ['y', 'k'];
    },
  ],
  [
    /RN161: two nodes are named y/,
    (t) => {
      nodeOf(t, 'c').name = 'y';
    },
  ],
  [
    /RN161: an input is no name/,
    (t) => {
      nodeOf(t, 'y').input = [3];
    },
  ],
  [
    /RN162: a constant is not among the weights/,
    (t) => {
      t.weightsManifest[0].weights[0].name = 'other';
    },
  ],
  [
    /RN162: weights and their files differ/,
    (t) => {
      t.weightsManifest[0].weights[0].shape = [3, 2, 3, 5];
    },
  ],
  [
    /RN160.*Conv2D c: data_format NCHW/,
    (t) => {
      nodeOf(t, 'c').attr.data_format.s = 'TkNIVw==';
    },
  ],
  [
    /RN160.*Conv2D c: padding/,
    (t) => {
      delete nodeOf(t, 'c').attr.padding;
    },
  ],
  [
    /RN160.*Conv2D c: its strides/,
    (t) => {
      nodeOf(t, 'c').attr.strides.list.i = ['2', '1', '1', '1'];
    },
  ],
  [
    /RN164: an input without a shape/,
    (t) => {
      nodeOf(t, 'x').attr.shape.shape = { unknownRank: true };
      t.signature.inputs.x.tensorShape = { unknownRank: true };
    },
  ],
  [
    /RN164: an input of type int32/,
    (t) => {
      nodeOf(t, 'x').attr.dtype.type = 'DT_INT32';
    },
  ],
  [
    /RN164: the batch is 2/,
    (t) => {
      nodeOf(t, 'x').attr.shape.shape.dim[0].size = '2';
    },
  ],
];

test('damaged graphs, weights and inputs give the error codes of TensorFlow.js files', async () => {
  const model = plane([node('y', 'Relu', ['c'])]);
  const of = (change: (tree: Tree) => void, options = {}) => refusal(model, change as never, { timeAxis: 1, ...options });
  assert.is(await of(() => {}), 'read');
  for (const [message, change] of cases) assert.match(await of(change), message);
});

test.run();
