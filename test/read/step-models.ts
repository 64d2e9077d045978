/**
 * Step models as ONNX files: their states are inputs and outputs, and their weights are seeded.
 *
 * In: a kind.  Out: StepModel: the model, the pairs of states, and the options for the reader.
 */
import type { ReadOptions } from '../../models/read/index.ts';
import { type ModelOf, type NodeOf, type TensorOf, writeModel } from '../../models/write/onnx/proto.ts';
import { seededNormal } from './onnx-oracle.ts';

/** Returns a generator of seeded weights, one tensor after another. */
export function weightsOf(seed: number): (...dims: number[]) => TensorOf {
  const next = seededNormal(seed);
  return (...dims) => ({ dims, floats: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 0.4 * next()) });
}
const floats = weightsOf(5);
export const ints = (...values: number[]): TensorOf => ({ dims: [values.length], ints: values });
const scalar = (value: number): TensorOf => ({ dims: [], ints: [value] });
export const node = (op: string, inputs: string, outputs: string, attributes: NodeOf['attributes'] = {}): NodeOf => ({
  op,
  inputs: inputs.split(' ').map((name) => (name === '-' ? '' : name)),
  outputs: outputs.split(' '),
  name: outputs.split(' ')[0] as string,
  attributes,
});

/** A model whose steps take x with `shape`. `pairs` maps each state's input to its output. */
export interface StepModel {
  model: ModelOf;
  shape: number[];
  pairs: Record<string, string>;
  options?: ReadOptions;
  /** New frames per step. Default: a whole window. */
  hop?: number;
  /** Constant number inputs, passed to onnxruntime in every step. */
  numbers?: Record<string, number>;
  /** If true, the test also runs compiled calls, not only the layer table. */
  compiled?: boolean;
}

const c = 5;
const u = 6;
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;

/** Two layers whose states are parts of one tensor [1, 2, u, states]. */
export function packed(op: keyof typeof gates): StepModel {
  const count = op === 'LSTM' ? 2 : 1;
  const parts = Array.from({ length: count }, (_, s) => s);
  const nodes: NodeOf[] = [node('Transpose', 'x', 'in0', { perm: [1, 0, 2] })];
  const tensors: Record<string, TensorOf> = { head: floats(u, 3) };
  for (const layer of [0, 1]) {
    for (const s of parts) {
      const name = `s${layer}${s}`;
      Object.assign(tensors, {
        [`${name}a`]: ints(layer, s),
        [`${name}b`]: ints(layer + 1, s + 1),
        axes: ints(1, 3),
        ax: ints(0),
      });
      nodes.push(
        node('Slice', `state ${name}a ${name}b axes`, `${name}c`),
        node('Squeeze', `${name}c axes`, `${name}d`),
        node('Unsqueeze', `${name}d ax`, name),
      );
    }
    const [w, r, b] = ['W', 'R', 'B'].map((one) => `${one}${layer}`) as [string, string, string];
    const sums = gates[op] * u;
    Object.assign(tensors, { [w]: floats(1, sums, layer === 0 ? c : u), [r]: floats(1, sums, u), [b]: floats(1, 2 * sums) });
    const outputs = [`y${layer}`, ...parts.map((s) => `n${layer}${s}`)];
    nodes.push(
      node(op, [`in${layer}`, w, r, b, '-', ...parts.map((s) => `s${layer}${s}`)].join(' '), outputs.join(' '), {
        hidden_size: u,
      }),
      node('Squeeze', `y${layer} one`, `in${layer + 1}`),
    );
    for (const s of parts) nodes.push(node('Unsqueeze', `n${layer}${s} three`, `m${layer}${s}`));
    if (count === 2) nodes.push(node('Concat', `m${layer}0 m${layer}1`, `l${layer}`, { axis: 3 }));
    else nodes.push(node('Identity', `m${layer}0`, `l${layer}`));
  }
  Object.assign(tensors, { one: ints(1), three: ints(3), zero: floats(1) });
  nodes.push(node('Concat', 'l0 l1', 'joined', { axis: 0 }), node('Transpose', 'joined', 'state2', { perm: [1, 0, 2, 3] }));
  nodes.push(node('MatMul', 'in2 head', 'y'));
  const state = [1, 2, u, count];
  const outputs = [
    { name: 'y', type: 'float32' as const },
    { name: 'state2', type: 'float32' as const, dims: state },
  ];
  return { model: { nodes, inputs: { x: [1, 1, c], state }, outputs, tensors }, shape: [1, 1, c], pairs: { state: 'state2' } };
}

const padded = { name: 'y', type: 'float32' as const };

/** Two convolutions whose states are their last rows; the second drops old rows and appends new ones. */
export const cached = (): StepModel => ({
  model: {
    nodes: [
      node('Concat', 'cache x', 'cat', { axis: 2 }),
      node('Conv', 'cat k1', 'c1', { dilations: [2] }),
      node('Slice', 'cat m4 big two', 'cache2'),
      node('Relu', 'c1', 'r1'),
      node('Slice', 'fifo three big two', 'kept'),
      node('Concat', 'kept r1', 'fifo2', { axis: 2 }),
      node('Conv', 'fifo2 k2', 'y'),
    ],
    inputs: { x: [1, 3, 3], cache: [1, 3, 4], fifo: [1, 4, 5] },
    outputs: [padded, { name: 'cache2', type: 'float32', dims: [1, 3, 4] }, { name: 'fifo2', type: 'float32', dims: [1, 4, 5] }],
    tensors: {
      k1: floats(4, 3, 3),
      k2: floats(2, 4, 3),
      m4: ints(-4),
      m5: ints(-5),
      m1: ints(-1),
      three: ints(3),
      two: ints(2),
      big: ints(2 ** 31),
    },
  },
  shape: [1, 3, 3],
  pairs: { cache: 'cache2', fifo: 'fifo2' },
});
/** A cell of single operators; x is [1, c], h [1, u]. `before`, `after`: GRUs, by the reset's position. */
export function spelt(kind: 'lstm' | 'before' | 'after'): StepModel {
  const sums = (kind === 'lstm' ? 4 : 3) * u;
  const tensors: Record<string, TensorOf> = {
    W: floats(sums, c),
    U: floats(sums, u),
    b: floats(sums),
    d: floats(sums),
    head: floats(u, 2),
    one: { dims: [], floats: [1] },
  };
  const nodes = [node('Gemm', 'x W b', 'a', { transB: 1 })];
  if (kind === 'lstm')
    nodes.push(
      node('Gemm', 'h U d', 'r', { transB: 1 }),
      node('Add', 'a r', 's'),
      node('Split', 's', 'i f g o', { axis: 1 }),
      node('Sigmoid', 'i', 'i2'),
      node('Sigmoid', 'f', 'f2'),
      node('Sigmoid', 'o', 'o2'),
      node('Tanh', 'g', 'g2'),
      node('Mul', 'f2 c', 'fc'),
      node('Mul', 'i2 g2', 'ig'),
      node('Add', 'fc ig', 'c2'),
      node('Tanh', 'c2', 'tc'),
      node('Mul', 'o2 tc', 'h2'),
    );
  else {
    nodes.push(node('Split', 'a', 'az ar an', { axis: 1 }));
    if (kind === 'after') nodes.push(node('Gemm', 'h U d', 'r', { transB: 1 }), node('Split', 'r', 'rz rr rn', { axis: 1 }));
    else {
      for (const gate of ['z', 'r', 'n']) tensors[`U${gate}`] = floats(u, u);
      nodes.push(node('MatMul', 'h Uz', 'rz'), node('MatMul', 'h Ur', 'rr'));
    }
    nodes.push(node('Add', 'az rz', 'z'), node('Add', 'ar rr', 'rs'), node('Sigmoid', 'z', 'z2'), node('Sigmoid', 'rs', 'r2'));
    if (kind === 'after') nodes.push(node('Mul', 'r2 rn', 'inner'));
    else nodes.push(node('Mul', 'r2 h', 'rh'), node('MatMul', 'rh Un', 'inner'));
    nodes.push(
      node('Add', 'an inner', 'n'),
      node('Tanh', 'n', 'n2'),
      node('Sub', 'one z2', 'keep'),
      node('Mul', 'keep n2', 'kn'),
      node('Mul', 'z2 h', 'zh'),
      node('Add', 'kn zh', 'h2'),
    );
  }
  nodes.push(node('MatMul', 'h2 head', 'y'));
  const states = kind === 'lstm' ? ['h', 'c'] : ['h'];
  return {
    model: {
      nodes,
      inputs: { x: [1, c], ...Object.fromEntries(states.map((name) => [name, [1, u]])) },
      outputs: [padded, ...states.map((name) => ({ name: `${name}2`, type: 'float32' as const, dims: [1, u] }))],
      tensors,
      opset: 13,
    },
    shape: [1, c],
    pairs: Object.fromEntries(states.map((name) => [name, `${name}2`])),
  };
}

/**
 * Overlapping windows of sound, each with padding inside the window, and an LSTM whose state continues. The
 * input `rate` selects a branch.
 */
export const overlapping = (): StepModel => {
  const branch = (kernel: string, y: string) => ({
    graph: {
      nodes: [
        node('Pad', 'x3 pads', `${y}p`, { mode: 'reflect' }),
        node('Conv', `${y}p ${kernel}`, `${y}c`, { strides: [4], pads: [1, 1] }),
        node('Relu', `${y}c`, y),
      ],
      outputs: [y],
    },
  });
  const sums = 4 * u;
  return {
    model: {
      nodes: [
        node('Unsqueeze', 'x one', 'x3'),
        node('Equal', 'rate wanted', 'is'),
        node('If', 'is', 'e', { then_branch: branch('k', 'ea'), else_branch: branch('k2', 'eb') }),
        node('Transpose', 'e', 'et', { perm: [2, 0, 1] }),
        node('LSTM', 'et W R - - h c', 'Y hn cn', { hidden_size: u }),
        node('Squeeze', 'hn zero', 'h1'),
        node('MatMul', 'h1 head', 'y'),
      ],
      inputs: [
        { name: 'x', type: 'float32', dims: [1, 20] },
        { name: 'rate', type: 'int64', dims: [] },
        { name: 'h', type: 'float32', dims: [1, 1, u] },
        { name: 'c', type: 'float32', dims: [1, 1, u] },
      ],
      outputs: [padded, ...['hn', 'cn'].map((name) => ({ name, type: 'float32' as const, dims: [1, 1, u] }))],
      tensors: {
        k: floats(3, 1, 6),
        k2: floats(3, 1, 6),
        W: floats(1, sums, 3),
        R: floats(1, sums, u),
        head: floats(u, 1),
        pads: ints(0, 0, 0, 0, 0, 4),
        one: ints(1),
        zero: ints(0),
        wanted: scalar(16),
      },
    },
    shape: [1, 20],
    pairs: { h: 'hn', c: 'cn' },
    options: { set: { rate: 16 } },
    hop: 16,
    compiled: true,
    numbers: { rate: 16 },
  };
};
/**
 * The model `overlapping` in the form of silero-vad 4. The shape of the window selects a branch. The mean of
 * each frame is smoothed over the step, which is mirrored at its ends by slices in reverse order.
 */
export const mirrored = (): StepModel => {
  const whole = overlapping();
  const { tensors = {}, nodes } = whole.model;
  const way = (op: string, y: string) => ({ graph: { nodes: [node(op, op === 'Squeeze' ? 'p4 zero' : 'p4', y)], outputs: [y] } });
  const first = [
    node('Unsqueeze', 'x places', 'x4'),
    node('Pad', 'x4 pads4', 'p4', { mode: 'reflect' }),
    node('Shape', 'p4', 'dims'),
    node('Gather', 'dims none', 'rank'),
    node('Equal', 'rank unit', 'is'),
    node('If', 'is', 'q', { then_branch: way('Squeeze', 'qa'), else_branch: way('Identity', 'qb') }),
    node('Conv', 'q k', 'e0', { strides: [4], pads: [1, 1] }),
    node('ReduceMean', 'e0', 'm', { axes: [1] }),
    node('Slice', 'm two zero axis back', 'l'),
    node('Slice', 'm second fourth axis back', 'r'),
    node('Concat', 'l m r', 'mm', { axis: 2 }),
    node('Conv', 'mm g', 'smooth'),
    node('Sub', 'e0 smooth', 'e'),
  ];
  const added = {
    ...{ places: ints(1, 2), pads4: ints(0, 0, 0, 0, 0, 0, 0, 4), none: scalar(0), unit: scalar(1), g: floats(1, 1, 5) },
    ...{ two: ints(2), second: ints(-2), fourth: ints(-4), axis: ints(2), back: ints(-1) },
  };
  const rest = nodes.slice(nodes.findIndex(({ op }) => op === 'Transpose'));
  const inputs = (whole.model.inputs as { name: string }[]).filter(({ name }) => name !== 'rate') as ModelOf['inputs'];
  const { options: _, numbers: __, ...step } = whole;
  return { ...step, model: { ...whole.model, nodes: [...first, ...rest], inputs, tensors: { ...tensors, ...added } } };
};

/** A convolution that pads the frames of each step. */
export const paddedInItself = (): StepModel => ({
  model: {
    nodes: [
      node('Conv', 'x k', 'a', { pads: [1, 1] }),
      node('Transpose', 'a', 'rows', { perm: [2, 0, 1] }),
      node('RNN', 'rows W R - - h', 'Y hn', { hidden_size: u }),
      node('Squeeze', 'hn zero', 'h1'),
      node('MatMul', 'h1 head', 'y'),
    ],
    inputs: { x: [1, 3, 4], h: [1, 1, u] },
    outputs: [padded, { name: 'hn', type: 'float32', dims: [1, 1, u] }],
    tensors: { k: floats(2, 3, 3), W: floats(1, u, 2), R: floats(1, u, u), head: floats(u, 1), zero: ints(0) },
  },
  shape: [1, 3, 4],
  pairs: { h: 'hn' },
});

/** Returns files that the reader reads without options. */
export function stepFiles(): Uint8Array[] {
  const models = [packed('LSTM'), packed('GRU'), cached(), spelt('lstm'), spelt('before'), spelt('after'), paddedInItself()];
  const { model } = overlapping();
  const inputs = (model.inputs as { name: string }[]).filter(({ name }) => name !== 'rate') as ModelOf['inputs'];
  const decided = { ...model, inputs, tensors: { ...model.tensors, rate: scalar(16) } };
  return [...models.map((one) => one.model), decided].map((one) => writeModel(one));
}
