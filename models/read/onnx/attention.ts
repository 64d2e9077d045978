/**
 * Rewrites attention as one operator to products, a scale and a softmax.
 *
 * In: a node without mask, cache or causal order.  Out: nodes, as PyTorch exports attention in single
 * operators.  Source: ONNX Attention-23; onnxruntime contrib operators Attention and MultiHeadAttention:
 * softmax(scale q k^T) v in each head; the default scale is 1 / sqrt(head size).
 */
import type { Attributes } from './attributes.ts';
import { type Instead, int, ints, type Rewrite } from './instead.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';

const float32 = 1;

/** Refuses inputs from index `from` on, further outputs, and flags that are not 0. */
function plain({ inputs, outputs }: OnnxNode, given: Attributes, from: number, flags: readonly string[]): void {
  if (inputs.slice(from).some((name) => name !== '')) refuse('it has a mask, a bias of its scores or a cache');
  if (outputs.slice(1).some((name) => name !== '')) refuse('its further outputs are used');
  for (const flag of flags) if (given.int(flag, 0) !== 0) refuse(`${flag} = 1`);
}

/** Adds the nodes. @param heads number of heads in the last dimension; 0: heads are the second dimension. */
function attention(made: Instead, [q, k, v]: readonly [string, string, string], heads: number, scale: number): string {
  const split = (x: string) => (heads > 0 ? made.add('Reshape', [x, made.dims(0, 0, heads, -1)]) : x);
  const turned = (x: string, ...perm: number[]) => made.add('Transpose', [x], { perm: ints(...perm) });
  const [rows, columns, values] = [split(q), split(k), split(v)];
  const size = () => made.add('Cast', [made.add('Shape', [rows], { start: int(3) })], { to: int(float32) });
  const factor = scale === 0 ? made.add('Reciprocal', [made.add('Sqrt', [size()])]) : made.number(scale);
  const scaled = made.add('Mul', [rows, factor]);
  const scores =
    heads > 0
      ? made.add('MatMul', [turned(scaled, 0, 2, 1, 3), turned(columns, 0, 2, 3, 1)])
      : made.add('MatMul', [scaled, turned(columns, 0, 1, 3, 2)]);
  const weights = made.add('Softmax', [scores], { axis: int(-1) });
  const mean = made.add('MatMul', [weights, heads > 0 ? turned(values, 0, 2, 1, 3) : values]);
  return heads > 0 ? made.add('Reshape', [turned(mean, 0, 2, 1, 3), made.dims(0, 0, -1)]) : mean;
}

const asHeads = (given: Attributes, name = 'num_heads'): number => {
  const heads = given.int(name, 0);
  return heads >= 1 && heads < 1 << 16 ? heads : refuse(`${name} = ${heads}`);
};

/** Returns third i of the last dimension of a constant. @param dims its other dimensions. */
const third = (made: Instead, constant: string, i: number, ...dims: number[]): string => {
  const parts = made.add('Reshape', [constant, made.dims(...dims, 3, -1)]);
  return made.add('Gather', [parts, made.add('Constant', [], { value_int: int(i) })], { axis: int(dims.length) });
};

type Three = [string, string, string];

export const attentions: Readonly<Record<string, Rewrite>> = {
  Attention: (made, node, given) => {
    plain(node, given, 3, ['is_causal']);
    given.ignore('softmax_precision', 'qk_matmul_output_mode');
    if (given.float('softcap', 0) !== 0) refuse('softcap');
    const heads = given.has('q_num_heads') ? asHeads(given, 'q_num_heads') : 0;
    if (given.int('kv_num_heads', heads) !== heads) refuse('several query heads share one key head');
    const [q = '', k = '', v = ''] = node.inputs;
    const scale = given.float('scale', 0);
    given.finish();
    return attention(made, [q, k, v], heads, scale);
  },
  'com.microsoft.Attention': (made, node, given) => {
    plain(node, given, 3, ['unidirectional', 'do_rotary']);
    given.ignore('mask_filter_value', 'past_present_share_buffer', 'rotary_embedding_dim');
    const sizes = given.ints('qkv_hidden_sizes') ?? [];
    if (sizes.some((size) => size !== sizes[0])) refuse('queries, keys and values of several sizes');
    const [x, w = '', bias] = node.inputs;
    const projected = [0, 1, 2].map((i) => {
      const product = made.add('MatMul', [x, third(made, w, i, 0)]);
      return bias ? made.add('Add', [product, third(made, bias, i)]) : product;
    });
    const [heads, scale] = [asHeads(given), given.float('scale', 0)];
    given.finish();
    return attention(made, projected as Three, heads, scale);
  },
  'com.microsoft.MultiHeadAttention': (made, node, given) => {
    plain(node, given, 4, ['unidirectional']);
    given.ignore('mask_filter_value');
    const [q = '', k, v, bias] = node.inputs;
    if (!k || !v) return refuse('queries, keys and values in one tensor');
    const [heads, scale] = [asHeads(given), given.float('scale', 0)];
    given.finish();
    const whole = [q, k, v].map((x, i) => (bias ? made.add('Add', [x, third(made, bias, i)]) : x));
    return attention(made, whole as Three, heads, scale);
  },
};
