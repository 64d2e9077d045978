/**
 * MultiHeadAttention: projections, two products of activations with a softmax between them, and a projection.
 * Attention: only the products.
 *
 * In: query, value and key [n, t, c]; the key defaults to the value.  Out: [n, t, c].  Source: Keras'
 * MultiHeadAttention: kernels [c][heads][d] of query, key and value, [heads][d][c] of the output, scores
 * times 1 / sqrt(d).
 */
import { type Axis, kernelOfOne, noClamp } from '../../../graph/types.ts';
import { dim, type Layout, showLayout } from '../../layout.ts';
import { constantOf } from '../../onnx/constants.ts';
import type { Const } from '../../onnx/tensor.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Json, type Layer } from '../model.ts';

/**
 * Projects a frame's channels to others.
 * @param kernelDims dims of the kernel, inputs first
 * @param biasDims dims of the bias
 */
function project(ctx: Context, layer: Layer, x: Value, part: string, kernelDims: number[], biasDims: number[], scale = 1): Value {
  const inputs = ctx.shape(x).c;
  const outputs = biasDims.reduce((a, b) => a * b, 1);
  const kernel = ctx.weight(layer, [`${part}/kernel`], kernelDims);
  const data = new Float32Array(kernel.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) data[o * inputs + i] = scale * (kernel[i * outputs + o] as number);
  const bias = new Config(layer).boolean('use_bias', true)
    ? ctx.weight(layer, [`${part}/bias`], biasDims).map((b) => scale * b)
    : null;
  const attrs = { ...kernelOfOne, groups: 1, outChannels: outputs, weights: { data }, bias, clamp: noClamp };
  return ctx.put('conv', [x], attrs, `${layer.name}/${part}`, () => [...x.layout.slice(0, -1), dim('c', outputs)]);
}

/** Returns query, value and key; the key defaults to the value. */
function operandsOf([query, value, key = value]: Value[]): [Value, Value, Value] {
  if (!query || !value || !key) return refuse('it reads a query and a value, and may read a key');
  const isOf = (factors: Layout[number] | undefined, wanted: Axis) => factors?.every(({ axis }) => axis === wanted);
  for (const { layout } of [query, value, key])
    if (layout.length !== 3 || !isOf(layout[1], 't') || !isOf(layout[2], 'c'))
      refuse(`it reads ${showLayout(layout)}, not [n, t, c]`);
  return [query, value, key];
}

/** Keys that a query sees: all, those not after it, or those that a constant selects. */
type Sight = 'all' | 'past' | readonly unknown[];

function sightOf(causal: boolean, { use_causal_mask, attention_mask }: Json): Sight {
  const isPast = causal || use_causal_mask === true;
  if (attention_mask === undefined || attention_mask === null) return isPast ? 'past' : 'all';
  const given = isObject(attention_mask) && isObject(attention_mask.config) ? attention_mask.config.value : attention_mask;
  return Array.isArray(given) && !isPast ? given : refuse('its attention_mask is no constant, or stands beside another mask');
}

/** Returns 0 for keys that a query sees, -1e9 for others. @param rows of queries. @param columns of keys */
function maskOf(sight: Exclude<Sight, 'all'>, rows: number, columns: number): Const {
  const size = rows * columns;
  const seen = sight === 'past' ? Array.from({ length: size }, (_, i) => i % columns <= Math.floor(i / columns)) : sight.flat(4);
  if (seen.length !== size || !seen.every((x) => x === 0 || x === 1 || typeof x === 'boolean'))
    refuse(`its attention_mask is not ${rows} x ${columns} numbers of 0 and 1`);
  for (let row = 0; row < size; row += columns)
    if (!seen.slice(row, row + columns).some(Boolean)) refuse('its attention_mask leaves a query nothing');
  return constantOf(Float32Array.from(seen, (x) => (x ? 0 : -1e9)), [rows, columns], 'float32'); // biome-ignore format: one line
}

/** Returns the means of `v`, weighted by the similarity of each query to the keys that it sees. */
function meansOf(ctx: Context, layer: Layer, [q, k, v]: readonly [Value, Value, Value], heads: number, sight: Sight): Value {
  const scores = ctx.put('matmul', [q, k], { heads, over: 'channels' }, `${layer.name}/scores`, ({ t, f, c }) => [
    [],
    dim('f', f),
    dim('t', t),
    dim('c', c),
  ]);
  const { t, c } = ctx.shape(scores);
  const seen = sight === 'all' ? scores : ctx.onnx('Add', [scores, maskOf(sight, t, c)], {}, `${layer.name}/mask`);
  const weights = ctx.onnx('Softmax', [seen], { axis: -1 }, `${layer.name}/softmax`) as Value;
  return ctx.put('matmul', [weights, v], { heads, over: 'rows' }, `${layer.name}/values`, ({ t, c }) => [
    [],
    dim('t', t),
    dim('c', c),
  ]);
}

/** Lowers attention with one head and without projections; scores may have a factor. */
export function lowerAttention(ctx: Context, layer: Layer, xs: Value[], kwargs: Json): Value {
  const config = new Config(layer);
  const [query, value, key] = operandsOf(xs);
  const mode = config.text('score_mode', 'dot');
  if (mode !== 'dot') refuse(`scores by ${mode}: dot is read`);
  const sight = sightOf(config.boolean('causal', false), kwargs);
  const { c } = ctx.shape(query);
  const scaled = (x: Value) => {
    const by = new Float32Array(c).fill(ctx.weight(layer, ['scale'], [])[0] as number);
    return ctx.scaleAndOffset(x, by, new Float32Array(c), `${layer.name}/scale`);
  };
  return meansOf(ctx, layer, [config.boolean('use_scale', false) ? scaled(query) : query, key, value], 1, sight);
}

export function lowerMultiHeadAttention(ctx: Context, layer: Layer, xs: Value[], kwargs: Json): Value {
  const config = new Config(layer);
  const [query, value, key] = operandsOf(xs);
  if (config.has('attention_axes') && config.integers('attention_axes').join() !== '1')
    refuse('attention over other axes than time');
  if (config.has('output_shape')) refuse('an output_shape of its own');
  if (config.boolean('use_gate', false) || config.has('sliding_window')) refuse('a gate or a sliding window');
  const [heads, depth] = ['num_heads', 'key_dim'].map((name) => config.lengths(name, 1, 0)[0]) as [number, number];
  const [wide] = config.lengths('value_dim', 1, depth) as [number];
  const channels = (x: Value) => ctx.shape(x).c;
  const parts = [heads, depth];
  const q = project(ctx, layer, query, 'query', [channels(query), ...parts], parts, 1 / Math.sqrt(depth));
  const k = project(ctx, layer, key, 'key', [channels(key), ...parts], parts);
  const v = project(ctx, layer, value, 'value', [channels(value), heads, wide], [heads, wide]);
  const out = channels(query);
  return project(
    ctx,
    layer,
    meansOf(ctx, layer, [q, k, v], heads, sightOf(false, kwargs)),
    'attention_output',
    [heads, wide, out],
    [out],
  );
}
