/**
 * Generalised means in ONNX files: which powers, means and roots become one operator, and which stay apart.
 * test/property/pooling.test.ts compares random ones with onnxruntime.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { noClamp } from '../../models/graph/types.ts';
import { readOnnx } from '../../models/read/onnx/index.ts';
import { type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { refusalOf } from './refusal.ts';
import { node, weightsOf } from './step-models.ts';

interface Spec {
  frames?: number;
  /** Operator in front, whose output is raised to a power. */
  before?: string;
  power: TensorOf;
  root: TensorOf;
  more?: NodeOf[];
  outputs?: string[];
}

const all = (value: number): TensorOf => ({ dims: [], floats: [value] });
const each = (...floats: number[]): TensorOf => ({ dims: [1, floats.length, 1], floats });

const file = ({ frames = 9, before = 'Relu', power, root, more = [], outputs = ['y'] }: Spec): Uint8Array =>
  writeModel({
    nodes: [
      node('Conv', 'x k', 'a', { pads: [1, 1] }),
      node(before, 'a', 'b'),
      node('Pow', 'b power', 'p'),
      node('ReduceMean', 'p', 'm', { axes: [2], keepdims: 1 }),
      node('Pow', 'm root', 'y'),
      ...more,
    ],
    inputs: { x: [1, 2, frames] },
    outputs,
    tensors: { k: weightsOf(7)(4, 2, 3), power, root },
    opset: 17,
  });

const operators = (spec: Spec): string[] => readOnnx(file(spec)).nodes.map(({ op }) => op);

for (const [name, spec, powers] of [
  ['one power', { power: all(3), root: all(1 / 3) }, [3]],
  ['a power for each group', { power: each(1.5, 1.5, 4, 4), root: each(2 / 3, 2 / 3, 0.25, 0.25) }, [1.5, 1.5, 4, 4]],
  ['a group with power 1', { power: each(1, 1, 4, 4), root: each(1, 1, 0.25, 0.25) }, [1, 1, 4, 4]],
  ['equal powers in a list', { power: each(3, 3, 3, 3), root: all(1 / 3) }, [3]],
  ['an even power of both signs', { before: 'Tanh', power: all(2), root: all(0.5) }, [2]],
  ['magnitudes', { before: 'Abs', power: all(3), root: all(1 / 3) }, [3]],
] as [string, Spec, number[]][])
  test(`${name} is one operator`, () => {
    const { nodes } = readOnnx(file(spec));
    const last = nodes.at(-1);
    assert.is(last?.op, 'gem');
    assert.equal([...(last?.op === 'gem' ? last.attrs.powers : [])], [...Float32Array.from(powers)]);
    assert.equal(nodes.length, spec.before === 'Tanh' || spec.before === 'Abs' ? 3 : 2);
  });

for (const [name, spec] of [
  ['a root that is not the inverse of the power', { power: all(3), root: all(0.5) }],
  ['roots of other groups', { power: each(2, 2, 4, 4), root: each(0.5, 0.5, 0.5, 0.25) }],
  ['an odd power of both signs', { before: 'Tanh', power: all(3), root: all(1 / 3) }],
  ['a negative power', { before: 'Sigmoid', power: all(-2), root: all(-0.5) }],
  ['a power whose sum int64 does not hold', { frames: 1000, power: all(6.7), root: all(1 / 6.7) }],
  ['a mean that another operator reads', { power: all(3), root: all(1 / 3), more: [node('Add', 'm y', 'z')], outputs: ['z'] }],
  ['a mean that is an output', { power: all(3), root: all(1 / 3), outputs: ['y', 'm'] }],
] as [string, Spec][])
  test(`${name} stays apart`, () => {
    const found = operators(spec);
    assert.not.ok(found.includes('gem'), found.join(' '));
    assert.ok(found.includes('globalavg'), found.join(' '));
  });

/** Raises the halves of four channels to the powers of `p`, `second` half first if `turned`. */
const halves = (x: string, name: string, [first, second]: [string, string], turned: boolean): NodeOf[] => [
  node('Slice', `${x} zero two axis`, `${name}a`),
  node('Slice', `${x} two four axis`, `${name}b`),
  node('Pow', `${name}a ${first}`, `${name}c`),
  node('Pow', `${name}b ${second}`, `${name}d`),
  node('Concat', turned ? `${name}d ${name}c` : `${name}c ${name}d`, name, { axis: 1 }),
];

for (const turned of [false, true])
  test(`halves of the channels, ${turned ? 'turned round: stay apart' : 'in order: are one operator'}`, () => {
    const integers = (value: number): TensorOf => ({ dims: [1], ints: [value] });
    const bytes = writeModel({
      nodes: [
        node('Conv', 'x k', 'a', { pads: [1, 1] }),
        node('Relu', 'a', 'b'),
        ...halves('b', 'p', ['three', 'two_'], turned),
        node('ReduceMean', 'p', 'm', { axes: [2], keepdims: 1 }),
        ...halves('m', 'y', turned ? ['half', 'third'] : ['third', 'half'], false),
      ],
      inputs: { x: [1, 2, 9] },
      outputs: ['y'],
      tensors: {
        k: weightsOf(7)(4, 2, 3),
        ...{ zero: integers(0), two: integers(2), four: integers(4), axis: integers(1) },
        ...{ three: all(3), two_: all(2), third: all(1 / 3), half: all(0.5) },
      },
      opset: 17,
    });
    const found = readOnnx(bytes).nodes.map(({ op }) => op);
    assert.is(found.includes('gem'), !turned, found.join(' '));
  });

test('powers that do not fit are refused', () => {
  const made = (powers: number[]) => () => {
    const b = new GraphBuilder('gem');
    b.node(
      'gem',
      [b.input('x', { t: 9, f: 1, c: 65 })],
      { overF: true, clamp: noClamp, powers: Float32Array.from(powers) },
      'gem',
    );
  };
  const refused = (powers: number[], message: RegExp) =>
    assert.throws(made(powers), (e: unknown) => isRunletError(e) && e.code === 'RN301' && message.test(e.message));
  refused(
    Array.from({ length: 65 }, (_, c) => 1 + c / 64),
    /65 different powers/,
  );
  refused([2, 3], /2 powers for 65 channels/);
  for (const power of [Number.NaN, 0, -1, 8, Number.POSITIVE_INFINITY]) refused([power], /a mean of power/);
  made([3])();
});

test('exponents that differ between frames, or in many groups, are refused', async () => {
  const frames = { dims: [1, 1, 9], floats: Array.from({ length: 9 }, (_, t) => 1 + t) };
  assert.match((await refusalOf(() => readOnnx(file({ power: frames, root: all(1) })))).message, /RN150.*Pow.*9 values/);
  const many = writeModel({
    nodes: [node('Pow', 'x power', 'y')],
    inputs: { x: [1, 65, 3] },
    outputs: ['y'],
    tensors: { power: each(...Array.from({ length: 65 }, (_, c) => 1 + c / 64)) },
    opset: 17,
  });
  assert.match((await refusalOf(() => readOnnx(many))).message, /RN150.*Pow.*65 runs.*64 are supported/);
});

test.run();
