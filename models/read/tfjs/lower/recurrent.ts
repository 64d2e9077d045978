/**
 * LSTM, GRU, SimpleRNN, and Bidirectional around one of them.
 *
 * In: [n, t, values]; kernel [values][gates * units], recurrent_kernel [units][gates * units], bias.  Out:
 * [n, t, units] if sequences are returned, else [n, units]. States begin at zero. Source: Keras recurrent
 * layers (gates i f c o; z r h; a gru with reset_after has one bias for each side).
 */
import { noClamp } from '../../../graph/types.ts';
import { dim, type Layout } from '../../layout.ts';
import { constantOf } from '../../onnx/constants.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { addCell, type Cell, lastRow, transposed } from '../../recurrent.ts';
import { asSteps } from '../../rows.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Layer } from '../model.ts';

const gatesOf = { LSTM: 4, GRU: 3, SimpleRNN: 1 } as const;
type Kind = keyof typeof gatesOf;
const ops = { LSTM: 'lstm', GRU: 'gru', SimpleRNN: 'rnn' } as const;

/** One direction: its config, and the prefix of its weights' names. */
interface Direction {
  layer: Layer;
  kind: Kind;
  /** Prefix: `forward` or `backward` in a Bidirectional, `cell0_` in a stack of cells, else empty. */
  side: string;
  reverse: boolean;
}

export function lowerRecurrent(ctx: Context, layer: Layer, xs: Value[]): AnyValue[] {
  const reverse = new Config(layer).boolean('go_backwards', false);
  return recurrent(ctx, layer, xs, [{ layer, kind: layer.className as Kind, side: '', reverse }]);
}

/** Lowers a layer around one cell, or around a stack of cells. */
export function lowerCells(ctx: Context, layer: Layer, [x]: Value[]): AnyValue[] {
  const { cell } = layer.config;
  const inner = isObject(cell) && isObject(cell.config) ? cell.config.cells : undefined;
  const cells = Array.isArray(inner) ? inner : [cell];
  const config = new Config(layer);
  const reverse = config.boolean('go_backwards', false);
  if (cells.length === 0) refuse('it has no cell');
  if (cells.length > 1 && config.boolean('return_state', false)) refuse('it returns the states of several cells');
  return cells.reduce<AnyValue[]>(
    (values, of: unknown, i) => {
      const kind = isObject(of) ? /^(LSTM|GRU|SimpleRNN)Cell$/.exec(String(of.class_name))?.[1] : undefined;
      if (!isObject(of) || !isObject(of.config) || !kind) return refuse('its cell is no LSTMCell, GRUCell or SimpleRNNCell');
      const isLast = i === cells.length - 1;
      const outer = isLast
        ? layer
        : { ...layer, name: `${layer.name}/${i}`, config: { ...layer.config, return_sequences: true } };
      const side = cells.length > 1 ? `cell${i}_` : '';
      return recurrent(
        ctx,
        outer,
        [values[0] as Value],
        [{ layer: { ...layer, config: of.config }, kind: kind as Kind, side, reverse }],
      );
    },
    [x as Value],
  );
}

export function lowerBidirectional(ctx: Context, layer: Layer, xs: Value[]): AnyValue[] {
  const side = (inner: unknown, side: string, reverse: boolean): Direction => {
    const kind = isObject(inner) ? inner.class_name : undefined;
    if (!isObject(inner) || !isObject(inner.config) || (kind !== 'LSTM' && kind !== 'GRU' && kind !== 'SimpleRNN'))
      return refuse('only an LSTM, a GRU or a SimpleRNN can run both ways');
    return { layer: { ...layer, config: inner.config }, kind, side, reverse };
  };
  const { layer: inner, backward_layer: backward } = layer.config;
  const ways = [side(inner, 'forward', false), side(isObject(backward) ? backward : inner, 'backward', true)] as const;
  if (new Config(ways[0].layer).boolean('go_backwards', false)) refuse('its forward layer goes backwards');
  const merge = layer.config.merge_mode === undefined ? 'concat' : layer.config.merge_mode;
  if (merge !== 'concat' && merge !== 'sum' && merge !== 'mul' && merge !== 'ave') refuse(`its outputs are joined by ${merge}`);
  return recurrent(ctx, ways[0].layer, xs, [...ways], merge as Merge);
}

/** Cell state of an LSTM, which can be returned but not read. */
const inCell: AnyValue = { kind: 'elements', when: 'next', ids: constantOf([], [0], 'float32') };

type Merge = 'concat' | 'sum' | 'mul' | 'ave';

/** Merges both directions into one tensor. */
function merged(ctx: Context, [a, b]: [number, number], merge: Merge, name: string): number {
  if (merge === 'concat') return ctx.add('concat', [a, b], { axis: 'c' }, name);
  if (merge === 'mul') return ctx.add('mul', [a, b], { clamp: noClamp }, name);
  const sum = ctx.add('add', [a, b], { clamp: noClamp }, merge === 'sum' ? name : `${name}/sum`);
  if (merge === 'sum') return sum;
  const { c } = ctx.builder.shape(sum);
  return ctx.scaleAndOffset(ctx.activationOf(sum, []), new Float32Array(c).fill(0.5), null, name).tensor;
}

function recurrent(ctx: Context, layer: Layer, [x]: Value[], directions: Direction[], merge: Merge = 'concat'): AnyValue[] {
  ctx.plain(x as Value);
  const value = { ...(x as Value), ...asSteps(ctx, x as Value, 1, layer.name) };
  const { layout } = value;
  const factors = layout[2] ?? [];
  if (layout.length !== 3 || (layout[1] ?? []).some((f) => f.axis !== 't') || factors.some((f) => f.axis === 't'))
    refuse('it does not run along time');
  const config = new Config(layer);
  if (config.boolean('stateful', false)) refuse('stateful is set');
  const all = config.boolean('return_sequences', false);
  const returnsState = config.boolean('return_state', false);
  const shape = ctx.shape(value);
  const { add } = ctx;
  const states: AnyValue[] = [];
  const ends = directions.map((direction) => {
    const name = directions.length > 1 ? `${layer.name}/${direction.side}` : layer.name;
    const cell = cellOf(ctx, direction, shape.f * shape.c);
    const tensor = addCell(add, { tensor: value.tensor, shape, factors }, cell, name);
    if (all && direction.reverse && directions.length === 1) refuse('it returns its outputs from the last frame to the first');
    if (all && !returnsState) return tensor;
    const last = lastRow(add, tensor, shape.t, direction.reverse, name);
    states.push(ctx.activationOf(last, [[], dim('c', ctx.builder.shape(last).c)]));
    if (direction.kind === 'LSTM') states.push(inCell);
    return all ? tensor : last;
  });
  const [first, second] = ends as [number, number?];
  const tensor = second === undefined ? first : merged(ctx, [first, second], merge, `${layer.name}/both`);
  const units = dim('c', ctx.builder.shape(tensor).c);
  const out: Layout = all ? [[], dim('t', shape.t), units] : [[], units];
  return [ctx.activationOf(tensor, out), ...(returnsState ? states : [])];
}

/** Returns the slope of straight-line gates; undefined for the logistic function. */
function slopeOf(ctx: Context, config: Config, fallback: string): number | undefined {
  const name = config
    .text('recurrent_activation', fallback)
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
  if (name === 'sigmoid') return undefined;
  return name === 'hard_sigmoid'
    ? ctx.keras3
      ? 1 / 6
      : 0.2
    : refuse(`its gates are ${name}; sigmoid and hard_sigmoid are read`);
}

function cellOf(ctx: Context, { layer, kind, side, reverse }: Direction, inputs: number): Cell {
  const config = new Config(layer);
  const units = config.lengths('units', 1, 0)[0] as number;
  const sums = gatesOf[kind] * units;
  const fn = config.text('activation', 'tanh');
  if (fn !== 'tanh' && fn !== 'relu' && fn !== 'linear') refuse(`its function is ${fn}; tanh, relu and linear are read`);
  const of = (weight: string, dims: number[]) => ctx.weight(layer, namesOf(ctx, layer, side, weight), dims);
  const kernel = of('kernel', [inputs, sums]);
  const inner = of('recurrent_kernel', [units, sums]);
  const resetAfter = kind === 'GRU' && config.boolean('reset_after', ctx.keras3);
  const bias = config.boolean('use_bias', true) ? of('bias', resetAfter ? [2, sums] : [sums]) : new Float32Array(sums);
  const cell: Cell = {
    op: ops[kind],
    units,
    input: { data: transposed(kernel, inputs, sums) },
    bias: bias.slice(0, sums),
    recurrent: { data: transposed(inner, units, sums) },
    recurrentBias: null,
    reverse,
    ...(kind === 'GRU' && { resetAfter }),
    ...(fn !== 'tanh' && { fn }),
  };
  const slope = kind === 'SimpleRNN' ? undefined : slopeOf(ctx, config, 'hard_sigmoid');
  if (slope !== undefined) cell.slope = slope;
  if (bias.length === sums) return cell;
  // only the part that the reset gate multiplies stays a separate bias
  const second = bias.subarray(sums);
  const first = cell.bias as Float32Array;
  for (let o = 0; o < 2 * units; o++) first[o] = (first[o] as number) + (second[o] as number);
  return { ...cell, recurrentBias: Float32Array.from(second, (b, o) => (o < 2 * units ? 0 : b)) };
}

/** Returns the names of a weight below its layer: directly, in a cell, or in one direction of two. */
const namesOf = (ctx: Context, layer: Layer, side: string, weight: string): string[] => {
  const found = ctx.below(layer).filter((name) => {
    const parts = name.split('/');
    return parts.at(-1) === weight && (side === '' || parts.some((part) => part.startsWith(side) || part === layer.config.name));
  });
  return found.length > 0 ? found : [weight];
};
