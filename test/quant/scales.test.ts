/**
 * Edge cases of the conversion from ranges to scales and from float weights to int8, as the specification
 * defines it.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRunletError } from '../../models/error.ts';
import { GraphBuilder } from '../../models/graph/builder.ts';
import { type Graph, kernelOfOne, type NodeOf, noClamp, type QuantParams } from '../../models/graph/types.ts';
import { maxOf } from '../../models/lists.ts';
import { quantizeMultiplier } from '../../quant/fixed-point.ts';
import { legalise } from '../../quant/legalise.ts';
import { softmax } from '../../quant/ops/softmax.ts';
import { presets } from '../../quant/presets.ts';
import { widened } from '../../quant/rescale.ts';
import { asymmetric, chooseScales, symmetric } from '../../quant/scales.ts';
import { int8Node } from '../../quant/weights.ts';

const point = (fn: 'identity' | 'sigmoid') => ({ fn, clamp: noClamp });

/**
 * Returns a graph that concatenates a and b. `kind`: b has another reader, is an output, comes from a softmax
 * or a sigmoid, or none of these.
 */
function joined(kind: 'free' | 'shared' | 'output' | 'softmax' | 'sigmoid'): { graph: Graph; a: number; b: number; y: number } {
  const builder = new GraphBuilder('joined');
  const x = builder.input('x', { t: 4, f: 1, c: 2 });
  const a = builder.node('activation', [x], point('identity'), 'a');
  const b =
    kind === 'softmax'
      ? builder.node('softmax', [x], { beta: 1 }, 'b')
      : builder.node('activation', [x], point(kind === 'sigmoid' ? 'sigmoid' : 'identity'), 'b');
  const y = builder.node('concat', [a, b], { axis: 'c' }, 'y');
  builder.output(y, 'y');
  if (kind === 'shared') builder.output(builder.node('activation', [b], point('identity'), 'other'), 'other');
  if (kind === 'output') builder.output(b, 'b');
  return { graph: builder.build(), a, b, y };
}

test('the scale of a concat covers every part, and parts without other readers get the same scale', () => {
  for (const kind of ['free', 'shared', 'output', 'softmax', 'sigmoid'] as const)
    for (const [low, high] of [
      [-1, 2],
      [-6, 8],
    ] as const) {
      const { graph, a, b, y } = joined(kind);
      const ranges = new Map<number, [number, number]>([
        [a, [low, 3]],
        [b, [-2, high]],
      ]);
      const quant = chooseScales(graph, ranges);
      const whole = asymmetric(Math.min(low, -2), Math.max(3, high));
      assert.equal(quant.get(y), whole, `${kind}: the whole`);
      assert.equal(quant.get(a), whole, `${kind}: a part without other readers`);
      const fixed: Partial<Record<typeof kind, QuantParams>> = {
        softmax: { scale: 1 / 256, zeroPoint: -128 },
        sigmoid: { scale: 1 / 256, zeroPoint: -128 },
      };
      assert.equal(quant.get(b), fixed[kind] ?? (kind === 'free' ? whole : asymmetric(-2, high)), `${kind}: the other part`);
    }
});

test('a part with another scale or zero point is requantised before a concat, and a pool’s output after it', () => {
  const quant = { scale: 0.1, zeroPoint: 3 };
  for (const other of [
    { scale: 0.1, zeroPoint: 4 },
    { scale: 0.2, zeroPoint: 3 },
  ]) {
    const builder = new GraphBuilder('other');
    const x = builder.input('x', { t: 4, f: 1, c: 2 }, { quant });
    const z = builder.input('z', { t: 4, f: 1, c: 2 }, { quant: other });
    const y = builder.node('concat', [x, z], { axis: 'c' }, 'y', quant);
    const pool = { kernelT: 2, kernelF: 1, strideT: 2, strideF: 1, padT: [0, 0], padF: [0, 0], clamp: noClamp } as const;
    builder.output(builder.node('maxpool', [y], pool, 'pool', other), 'pool');
    const { nodes, tensors } = legalise(builder.build());
    assert.equal(
      nodes.map((node) => node.op),
      ['activation', 'concat', 'maxpool', 'activation'],
    );
    for (const node of nodes)
      if (node.op !== 'activation')
        for (const id of node.inputs) assert.equal(tensors[id]?.quant, tensors[node.output]?.quant, node.name);
  }
});

test('zero is an integer, both ends are accurate to half a step, and symmetric scales do not clip the largest value', () => {
  for (const [low, high] of [
    [-1, 1],
    [-0.3, 7],
    [-9, 0.01],
    [0, 5],
    [-5, 0],
    [2, 3],
    [-3, -2],
  ] as const) {
    const { scale, zeroPoint } = asymmetric(low, high);
    assert.ok(Number.isInteger(zeroPoint) && zeroPoint >= -128 && zeroPoint <= 127);
    const [bottom, top] = [scale * (-128 - zeroPoint), scale * (127 - zeroPoint)];
    // rounding the zero point moves neither end by more than half a step
    assert.ok(bottom <= Math.min(0, low) + 0.5001 * scale && bottom >= Math.min(0, low) - 0.5001 * scale, `${low} ${bottom}`);
    assert.ok(top >= Math.max(0, high) - 0.5001 * scale && top <= Math.max(0, high) + 0.5001 * scale, `${high} ${top}`);
    const both = symmetric(low, high);
    const reach = Math.max(-low, high);
    assert.is(both.zeroPoint, 0);
    assert.ok(127 * both.scale >= reach * (1 - 1e-6) && 127 * both.scale <= Math.max(reach, 1) * (1 + 1e-6));
  }
});

/**
 * Returns a convolution with kernel 1 and these weights and biases, in int8 for an input of scale 0.01.
 * @param outputs number of outputs. Default: one per weight.
 */
function layer(weights: number[], bias: number[], outputs = weights.length): NodeOf<'conv'> {
  const builder = new GraphBuilder('layer');
  const x = builder.input('x', { t: 4, f: 1, c: weights.length / outputs }, { quant: { scale: 0.01, zeroPoint: 0 } });
  const attrs = {
    ...kernelOfOne,
    groups: 1,
    outChannels: outputs,
    weights: { data: Float32Array.from(weights) },
    bias: Float32Array.from(bias),
    clamp: noClamp,
  };
  builder.output(builder.node('conv', [x], attrs, 'layer'), 'y');
  const { nodes, tensors } = builder.build();
  return int8Node(
    nodes[0] as NodeOf<'conv'>,
    tensors[0] as never,
    {},
    { ...presets.fast, biasCorrection: false },
  ) as NodeOf<'conv'>;
}

test('weights use all of [-127, 127], and a bias keeps its value even if it is much larger', () => {
  const { weights, bias } = layer([0.5, -0.25, 1e-7, 0], [0.3, -1, 4000, 2]).attrs;
  assert.equal([...weights.data.slice(0, 2)], [127, -127]);
  const [wanted, got] = [[0.3, -1, 4000, 2], [...(bias ?? [])].map((b, o) => b * 0.01 * (weights.scales?.[o] as number))];
  for (const [o, value] of wanted.entries())
    assert.ok(Math.abs((got[o] as number) - value) <= 1e-3 * Math.abs(value), `bias ${o}: ${got[o]} for ${value}`);
});

test('weights that are multiples of a step lose nothing, and others use all of int8', () => {
  const step = 0.0123;
  const wholes = [40, -7, 3, 0, 11, -29, 1, -1, 0, 1, 1, -1, 127, -127, 64, 5, -2, 1];
  const real = Float32Array.from(wholes, (k) => k * step);
  const { weights } = layer([...real], [0, 0, 0], 3).attrs;
  for (const [i, w] of real.entries()) {
    const apart = (weights.data[i] as number) * (weights.scales?.[Math.floor(i / 6)] as number) - w;
    assert.ok(Math.abs(apart) < 1e-5 * step, `${i}: ${apart}`);
  }
  assert.is(maxOf(layer([40.5, -7, 3.1, 0, 11, -29], [0], 1).attrs.weights.data), 127);
});

test('int8 instead of int16 has the same range, and int16 instead of int8 has steps 128 times as fine', () => {
  const wide = { scale: Math.fround(1 / 3000), zeroPoint: 0, type: 'int16' as const };
  const int8 = { scale: Math.fround((wide.scale * 32767) / 127), zeroPoint: 0 };
  const step = int8.scale / wide.scale;
  assert.ok(Math.abs(127 * step - 32767) <= 1, `${127 * step} for 32767`);
  const byte = { scale: Math.fround(0.1), zeroPoint: 5 };
  assert.ok(Math.abs(byte.scale / widened(byte).scale - 128) < 1e-4);
});

test('a softmax may have 4,095 classes, but not 4,096', () => {
  const made = (c: number) => {
    const builder = new GraphBuilder('softmax');
    const x = builder.input('x', { t: 1, f: 1, c }, { quant: { scale: 0.1, zeroPoint: 0 } });
    builder.output(builder.node('softmax', [x], { beta: 1 }, 's', { scale: 1 / 256, zeroPoint: -128 }), 'y');
    const { nodes, tensors } = builder.build();
    return softmax.prepare(nodes[0] as NodeOf<'softmax'>, [tensors[0] as never], tensors[1] as never);
  };
  made(4095);
  assert.throws(
    () => made(4096),
    (e: unknown) => isRunletError(e) && e.code === 'RN403',
  );
});

test('multipliers outside the range of a Q31 number with a shift become 0 or are refused', () => {
  assert.equal(quantizeMultiplier(2 ** -32), { multiplier: 2 ** 30, shift: -31 });
  assert.equal(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 });
  quantizeMultiplier(2 ** 30 - 1);
  for (const real of [2 ** 30, Number.POSITIVE_INFINITY, Number.NaN, -1])
    assert.throws(
      () => quantizeMultiplier(real),
      (e: unknown) => isRunletError(e) && e.code === 'RN402',
    );
});

test.run();
