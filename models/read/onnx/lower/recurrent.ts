/**
 * Lowers LSTM, GRU and RNN.
 *
 * In: x [t, 1, values] ([1, t, values] with layout 1), weights W [directions, gates * units, values], R and
 * B.
 * Out: Y, the outputs of all frames, and Y_h, the last one. States begin at zero, or are state inputs. Two
 * directions are two cells with joined outputs. Source: ONNX LSTM-14, GRU-14, RNN-14 (gates i o f c; z r h).
 */
import type { OpenFn, RecurrentAttrs } from '../../../graph/types.ts';
import { dim, type Layout } from '../../layout.ts';
import { addCell, type Cell, gateOrder, inGateOrder, lastRow } from '../../recurrent.ts';
import type { Lowering, NodeView } from '../context.ts';
import { MixedFloat, refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import type { Activation, Value } from '../values.ts';
import { withSteps } from './regroup.ts';

const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Op = keyof typeof gatesOf;

/** Functions that a state may have instead of tanh: ONNX's name, and the name here. */
const openFns: readonly (readonly [string, OpenFn])[] = [
  ['relu', 'relu'],
  ['affine', 'linear'],
];

/** Default functions of gates and of states. */
const defaultFns: Record<Op, string[]> = { LSTM: ['sigmoid', 'tanh', 'tanh'], GRU: ['sigmoid', 'tanh'], RNN: ['tanh'] };

export function lowerRecurrent(ctx: Lowering, node: NodeView): Value[] {
  const op = node.op as Op;
  if (ctx.quantised) throw new MixedFloat('a recurrence is not quantised in QDQ files');
  const { attributes } = node;
  const direction = attributes.string('direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const batchFirst = attributes.int('layout', 0) === 1;
  const x = withSteps(ctx, node, ctx.activation(node, 0), batchFirst ? 1 : 0);
  const { time, rows } = framesOf(ctx, x, batchFirst);
  const [w, r] = [ctx.constant(node, 1, 'weights W'), ctx.constant(node, 2, 'weights R')];
  const units = attributes.int('hidden_size', r.dims[2] ?? 0);
  const functions = functionsOf(node, op, directions);
  const clip = attributes.float('clip', 0);
  if (clip !== 0) refuse('its sums are clipped');
  if (attributes.int('input_forget', 0) !== 0) refuse('its input and forget gates are coupled');
  const resetAfter = op === 'GRU' ? attributes.int('linear_before_reset', 0) === 1 : false;
  checkOptions(ctx, node, op, rows);
  const states = initialStates(ctx, node, op, directions * units);
  const parts = Array.from({ length: directions }, (_, which) => {
    const reverse = which === 1 || direction === 'reverse';
    const cell = cellOf(ctx, node, { op, w, r, units, which, directions, resetAfter });
    const own = { ...cell, reverse, ...functions, ...(states.length > 0 && { carry: true }) };
    const shape = ctx.builder.shape(x.tensor);
    const name = directions === 2 ? `${node.name}/${reverse ? 'backward' : 'forward'}` : node.name;
    const from = { tensor: x.tensor, shape, factors: x.layout[2] ?? [] };
    return { tensor: addCell(ctx.add, from, own, name), reverse, name };
  });
  const joined = (tensors: number[]): number =>
    tensors.length === 1 ? (tensors[0] as number) : ctx.emit('concat', tensors, { axis: 'c' }, `${node.name}/both`);
  const side: Layout = directions === 2 ? [[{ axis: 'c', length: 2 }]] : [[]];
  const t = dim('t', rows);
  const sequence: Layout = time === 1 ? [[], t, ...side, dim('c', units)] : [t, ...side, [], dim('c', units)];
  const last: Layout = batchFirst ? [[], ...side, dim('c', units)] : [...side, [], dim('c', units)];
  const results: Value[] = [{ kind: 'poisoned' }, { kind: 'poisoned' }];
  if (node.outputs[0]) results[0] = ctx.activationOf(joined(parts.map((p) => p.tensor)), sequence);
  if (node.outputs[1]) {
    const ends = parts.map((p) => lastRow(ctx.add, p.tensor, rows, p.reverse, p.name));
    results[1] = ctx.activationOf(joined(ends), last);
  }
  const [h, c] = states;
  const next = (value: Value, ids: Const | undefined, dims: number[]): Value =>
    ids && value.kind === 'activation' ? { ...value, next: { ...ids, dims } } : value;
  const one = [1, 1, units];
  const [y, yh] = results as [Value, Value];
  if (!h) {
    if (node.outputs[2] && ctx.readersOf(node.outputs[2]).length > 0) refuse('its cell state is read, which no kernel outputs');
    return results;
  }
  return [
    rows === 1 ? next(y, h, time === 1 ? [1, 1, 1, units] : [1, ...one]) : y,
    next(yh, h, one),
    c ? { kind: 'elements', when: 'next', ids: { ...c, dims: one } } : { kind: 'poisoned' },
  ];
}

/** Returns which dimension is time, and the number of frames; the other dimension is the batch. */
function framesOf(ctx: Lowering, x: Activation, batchFirst: boolean): { time: number; rows: number } {
  const time = batchFirst ? 1 : 0;
  const of = (at: number) => (x.layout[at] ?? []).filter((f) => f.length > 1);
  if (x.layout.length !== 3) refuse(`its input has ${x.layout.length} dimensions`);
  if (of(1 - time).length > 0 || of(time).some((f) => f.axis !== 't')) refuse('it does not run along time');
  if (of(2).some((f) => f.axis === 't')) refuse('a frame of its input holds time');
  return { time, rows: ctx.builder.shape(x.tensor).t };
}

/** Returns the slope of gates that are HardSigmoid, and the function of states if it is not tanh. */
function functionsOf({ attributes }: NodeView, op: Op, directions: number): Pick<RecurrentAttrs, 'slope' | 'fn'> {
  const names = attributes.strings('activations')?.map((name) => name.toLowerCase());
  const alpha = attributes.floats('activation_alpha') ?? [];
  const beta = attributes.floats('activation_beta') ?? [];
  if (!names) return {};
  const all = Array.from({ length: directions }, () => defaultFns[op]).flat();
  const hard = names.includes('hardsigmoid');
  const open = openFns.find(([name]) => names.includes(name));
  const given: Record<string, string> = { sigmoid: hard ? 'hardsigmoid' : 'sigmoid', tanh: open?.[0] ?? 'tanh' };
  if (names.join() !== all.map((name) => given[name]).join())
    refuse(`activations ${names.join(', ')}; ${all.join(', ')} are supported, and relu or affine for tanh`);
  if (open?.[1] === 'linear' && (alpha.some((a) => a !== 1) || beta.some((b) => b !== 0)))
    refuse('Affine with alpha other than 1 or beta other than 0');
  const fn = open && { fn: open[1] };
  if (!hard) return { ...fn };
  const slopes = new Set(alpha.length > 0 ? alpha : [0.2]);
  if (slopes.size > 1 || beta.some((b) => b !== 0.5)) refuse('HardSigmoid with several slopes or beta other than 0.5');
  return { slope: [...slopes][0] as number, ...fn };
}

/**
 * Returns the elements of state inputs that are the previous output and cell state; empty if the states begin
 * at zero.
 */
function initialStates(ctx: Lowering, node: NodeView, op: Op, units: number): Const[] {
  const names = op === 'LSTM' ? ['initial_h', 'initial_c'] : ['initial_h'];
  const found = names.map((what, i) => {
    const value = node.inputs[5 + i];
    if (value?.kind === 'elements' && value.when === 'now') return value.ids;
    if (ctx.optional(node, 5 + i, what)?.data.some((v) => v !== 0)) refuse(`its ${what} is not zero`);
    return undefined;
  });
  if (found.every((ids) => ids === undefined)) return [];
  if (node.attributes.string('direction', 'forward') !== 'forward')
    refuse('a state that is an input, in a layer that runs backwards');
  return found.map((ids, i) => {
    if (ids?.data.length !== units || !ctx.states.keep(ids.data, `${node.name}/${names[i]}`))
      return refuse(`its ${names[i]} is not a state of this layer only`);
    return ids;
  });
}

/** Refuses sequence lengths and peepholes that change the result. */
function checkOptions(ctx: Lowering, node: NodeView, op: Op, rows: number): void {
  const lengths = ctx.optional(node, 4, 'sequence_lens');
  if (lengths && [...lengths.data].some((n) => Number(n) !== rows)) refuse('it runs over a part of the window (sequence_lens)');
  if (op === 'LSTM' && ctx.optional(node, 7, 'peepholes P')?.data.some((v) => v !== 0)) refuse('it has peepholes');
}

interface Parts {
  op: Op;
  w: Const;
  r: Const;
  units: number;
  /** Index of the direction. */
  which: number;
  directions: number;
  resetAfter: boolean;
}

function cellOf(ctx: Lowering, node: NodeView, { op, w, r, units, which, directions, resetAfter }: Parts): Omit<Cell, 'reverse'> {
  const sums = gatesOf[op] * units;
  const inputs = w.dims[2] ?? 0;
  if (w.dims.join() !== [directions, sums, inputs].join() || r.dims.join() !== [directions, sums, units].join())
    refuse(`weights W [${w.dims.join(', ')}] and R [${r.dims.join(', ')}] do not fit ${units} units`);
  const order = op === 'LSTM' ? gateOrder.lstmOnnx : gateOrder.same;
  const part = (from: Const, width: number): Float32Array => {
    const index = Uint32Array.from({ length: sums * width }, (_, i) => which * sums * width + i);
    return inGateOrder(ctx.weights(from, index, 1).data as Float32Array, units, width, order);
  };
  const b = ctx.optional(node, 3, 'bias B');
  if (b && b.dims.join() !== [directions, 2 * sums].join()) refuse(`a bias B of [${b.dims.join(', ')}]`);
  const bias = (from: number) => {
    const own = Float32Array.from({ length: sums }, (_, o) => (b ? (b.data[which * 2 * sums + from * sums + o] as number) : 0));
    return inGateOrder(own, units, 1, order);
  };
  const [ofInput, ofState] = [bias(0), bias(1)];
  if (![...ofInput, ...ofState].every(Number.isFinite)) refuse('its bias is not finite');
  // only the bias that the reset gate multiplies stays separate
  const resetBias = op === 'GRU' && resetAfter ? ofState.map((v, o) => (o >= 2 * units ? v : 0)) : undefined;
  return {
    op: op.toLowerCase() as Cell['op'],
    units,
    input: { data: part(w, inputs) },
    bias: ofInput.map((v, o) => v + (ofState[o] as number) - (resetBias?.[o] ?? 0)),
    recurrent: { data: part(r, units) },
    recurrentBias: resetBias ?? null,
    ...(op === 'GRU' && { resetAfter }),
  };
}
