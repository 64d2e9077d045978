/**
 * Lowers VAR_HANDLE, CALL_ONCE, READ_VARIABLE, ASSIGN_VARIABLE, CIRCULAR_BUFFER, and the CONCATENATION of a
 * state with new rows.
 *
 * In: a file whose graph is one step.
 * Out: a view of a stream's history. Joining r state rows with the n new rows of x gives x with r earlier
 * rows before it. Convolutions read these as padding (conv.ts), dense layers as kernel rows (dense.ts); for
 * other readers a `history` node makes them rows of a tensor. Files have two orders: concatenate and keep the
 * last rows, or drop the first rows, concatenate and keep all. A variable must be assigned the newest rows of
 * the same stream, as many as it holds; otherwise the operator is refused.
 * Source: streaming layers of kws_streaming (Rybakov et al., arXiv 2005.06720), as converted by TensorFlow.
 */
import { fileShapeOf, type Layout, showLayout } from '../../layout.ts';
import { readFloats, readStored } from '../constants.ts';
import { axisOf, type Context, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import { product } from '../integers.ts';
import type { TfOperator } from '../model.ts';
import { activationQuant, sameQuant } from '../quantisation.ts';
import { readOptions } from '../signal/flexbuffer.ts';
import type { StateRead, Variable } from '../variables.ts';

/** Lowers VAR_HANDLE and CALL_ONCE, which make no node: variables.ts has read them. */
export function lowerHandle(): void {}

function variableOf(context: Context, op: TfOperator): Variable {
  const variable = context.variables.ofResource.get(op.inputs[0] ?? -1);
  if (!variable) throw new Refusal('it uses a resource that is no variable of this graph');
  if (variable.problem) throw new Refusal(`variable '${variable.name.slice(0, 64)}': ${variable.problem}`);
  return variable;
}

export function lowerRead(context: Context, op: TfOperator): void {
  const variable = variableOf(context, op);
  const tensor = context.output(op);
  context.quantOf(tensor);
  const first = context.model.tensors[variable.reads[0]?.outputs[0] ?? -1];
  if (first?.shape.join() !== tensor.shape.join())
    throw malformed(
      op,
      `it reads [${tensor.shape.join(', ')}], and another operator [${first?.shape.join(', ')}] of the same variable`,
    );
  context.states.set(tensor.index, { variable, tensor, shape: tensor.shape });
}

/** Returns a state without its oldest rows. @throws Refusal if `ranges` drop other rows */
export function sliceState(op: TfOperator, state: StateRead, ranges: readonly { from: number; to: number }[]): StateRead {
  const cut = ranges.flatMap(({ from, to }, dim) => (from === 0 && to === state.shape[dim] ? [] : [dim]));
  const [dim] = cut;
  if (dim === undefined) return state;
  const length = state.shape[dim] as number;
  const { from, to } = ranges[dim] as { from: number; to: number };
  if (cut.length > 1 || to !== length || (state.dim !== undefined && state.dim !== dim))
    throw new Refusal('it keeps rows of a state other than the newest');
  if (to <= from) throw malformed(op, 'it keeps no row');
  return { ...state, shape: state.shape.with(dim, to - from), dim };
}

/** Lowers CONCATENATION of a state that is a graph input with new rows. Returns false for others. */
export function lowerInputStateConcat(context: Context, op: TfOperator, stated: number): boolean {
  const past = context.elements.get(op.inputs[0] ?? -1);
  if (past?.when !== 'now' || op.inputs.length !== 2 || context.elements.has(op.inputs[1] ?? -1)) return false;
  const x = context.value(op, 1);
  const shape = fileShapeOf(x.layout);
  const dim = stated < 0 ? stated + shape.length : stated;
  const { ids } = past;
  if (ids.dims.length !== shape.length || ids.dims.some((n, d) => d !== dim && n !== shape[d]))
    throw malformed(op, `axis ${stated} does not join [${ids.dims.join(', ')}] and [${shape.join(', ')}]`);
  checkTime(context, x, dim, {});
  for (const i of [0, 1]) sameQuant(context.input(op, i), context.output(op), op.name);
  const [rows, fresh] = [ids.dims[dim] as number, shape[dim] as number];
  const sides: [number, number, number] = [product(shape.slice(0, dim)), rows, product(shape.slice(dim + 1))];
  const next = context.inputStates.join(ids.data, sides, fresh, `${x.id} ${dim} ${othersOf(x.layout, dim)}`);
  if (!next) throw new Refusal('another layer uses the same state');
  const layout = x.layout.map((factors, d) => (d === dim ? [{ axis: 't' as const, length: rows + fresh }] : factors));
  context.bind(op, { ...x, layout, history: { before: rows, after: 0 }, next: { ...ids, dims: shape.with(dim, rows + fresh), data: next } }); // biome-ignore format: one line
  return true;
}

/** Lowers CONCATENATION of a variable's state with new rows. Returns false if no operand is a state. */
export function lowerStateConcat(context: Context, op: TfOperator, stated: number): boolean {
  const states = op.inputs.map((index) => context.states.get(index));
  if (states.every((s) => s === undefined)) return false;
  const [state] = states;
  if (!state || states.length !== 2 || states[1]) throw new Refusal('a state must be joined as (state, new rows)');
  const x = context.value(op, 1);
  const rank = x.layout.length;
  const dim = stated < 0 ? stated + rank : stated;
  const shape = fileShapeOf(x.layout);
  const fits = state.shape.length === rank && state.shape.every((n, d) => d === dim || n === shape[d]);
  if (!(dim >= 0 && dim < rank) || !fits)
    throw malformed(op, `axis ${stated} does not join [${state.shape.join(', ')}] and [${shape.join(', ')}]`);
  checkTime(context, x, dim, state);
  for (const tensor of [state.tensor, context.input(op, 0), context.input(op, 1)]) sameQuant(tensor, context.output(op), op.name);
  checkInitial(context, op, state);
  const source = { id: x.id, dim, others: othersOf(x.layout, dim) };
  const before = state.variable.source;
  if (before && (before.id !== source.id || before.dim !== dim || before.others !== source.others))
    throw new Refusal(`variable '${state.variable.name.slice(0, 64)}' is joined with two different tensors`);
  state.variable.source = source;
  const rows = state.shape[dim] as number;
  const layout = x.layout.map((factors, d) =>
    d === dim ? [{ axis: 't' as const, length: rows + (shape[dim] as number) }] : factors,
  );
  context.bind(op, { ...x, layout, history: { before: rows, after: 0 } });
  return true;
}

/**
 * Lowers CIRCULAR_BUFFER of TensorFlow Lite Micro: the last rows of a stream, one of them new.
 * @throws Refusal if the operators after it run only at some steps (cycles_max above 1)
 */
export function lowerCircularBuffer(context: Context, op: TfOperator): void {
  const x = context.value(op, 0);
  const [input, output] = [context.input(op, 0), context.output(op)];
  const cycles = readOptions(op.custom)?.get('cycles_max');
  if (cycles === undefined) throw new Refusal('the file does not state at which steps the operators after it run (cycles_max)');
  if (cycles !== 1) throw new Refusal(`the operators after it run only at one of ${cycles} steps, which no plan supports`);
  if (!output.isVariable) throw new Refusal('its rows are no variable, so the interpreter overwrites them with other tensors');
  const rows = output.shape[1] ?? 0;
  const others = (shape: number[]) => shape.filter((_, d) => d !== 1).join();
  if (input.shape[1] !== 1 || rows < 1 || others(input.shape) !== others(output.shape))
    throw malformed(op, `rows of [${input.shape.join(', ')}] do not fill [${output.shape.join(', ')}]`);
  checkTime(context, x, 1, {});
  sameQuant(input, output, op.name);
  const layout = x.layout.map((factors, d) => (d === 1 ? [{ axis: 't' as const, length: rows }] : factors));
  context.bind(op, { ...x, layout, history: { before: rows - 1, after: 0 } });
}

/** Checks that dimension `dim` is time, or can be, because the step has one frame. */
function checkTime(context: Context, x: Value, dim: number, state: Pick<StateRead, 'dim'>): void {
  const axis = axisOf(x.layout, dim);
  const whole = axis === 't' ? (x.layout[dim] ?? []).filter((f) => f.length > 1).length === 1 : axis === undefined;
  const elsewhere = x.layout.some((factors, d) => d !== dim && factors.some((f) => f.axis === 't' && f.length > 1));
  if (dim === 0 || !whole || elsewhere || (axis === undefined && shapeOf(x).t > 1))
    throw new Refusal(`its state lies along dimension ${dim} of ${showLayout(x.layout)}, which is not time`);
  if (state.dim !== undefined && state.dim !== dim) throw new Refusal('its state was cut along another dimension');
  if (!context.isStream(x.id))
    throw new Refusal(`its new rows ${showLayout(x.layout)} are no stream: a layer before it works on the rows of one step`);
}

/** Describes the file dimensions other than `dim`, without factors of length 1. */
const othersOf = (layout: Layout, dim: number): string =>
  showLayout(layout.map((factors, d) => (d === dim ? [] : factors.filter((f) => f.length !== 1))));

/** Checks that the state starts at the zero point, as the past of a stream does. */
function checkInitial(context: Context, op: TfOperator, { variable, tensor }: StateRead): void {
  const { initial } = variable;
  if (!initial) return;
  const zero = context.isInt8 ? activationQuant(tensor).zeroPoint : 0;
  if (initial.shape.join() !== tensor.shape.join()) throw malformed(op, `its state starts as [${initial.shape.join(', ')}]`);
  const values = context.isInt8 ? readStored(context, op, initial) : readFloats(context, op, initial);
  const other = values.find((v) => v !== zero);
  if (other !== undefined)
    throw new Refusal(`its state starts at ${other}; only ${context.isInt8 ? `the zero point ${zero}` : '0'} is read`);
}

/** Lowers ASSIGN_VARIABLE, which checkAssigns checks once the whole graph is known. */
export function lowerAssign(context: Context, op: TfOperator): void {
  variableOf(context, op);
}

/** Checks that every variable that is read is assigned the newest rows of the stream it is joined with. */
export function checkAssigns(context: Context, refuse: (op: TfOperator, reason: string) => void): void {
  for (const variable of context.variables.all) {
    const [assign] = variable.assigns;
    const [read] = variable.reads;
    if (variable.problem || !read || !assign || context.refused.has(assign.inputs[1] ?? -1)) continue;
    const why = variable.source ? wrongAssign(context, variable.source, read, assign) : neverJoined(context, variable);
    if (why) refuse(assign, `variable '${variable.name.slice(0, 64)}' ${why}`);
  }
}

/** Returns why a state without a concatenation is refused; undefined if a reader is refused anyway. */
function neverJoined({ consumers, refusedOps }: Context, { reads }: Variable): string | undefined {
  const readers = reads.flatMap((op) => op.outputs.flatMap((index) => consumers.get(index) ?? []));
  const isKnown = readers.length === 0 || readers.some((op) => refusedOps.has(op));
  return isKnown ? undefined : 'is read, but never as the rows before a tensor';
}

function wrongAssign(
  context: Context,
  source: NonNullable<Variable['source']>,
  read: TfOperator,
  assign: TfOperator,
): string | undefined {
  const { tensors } = context.model;
  const shape = tensors[read.outputs[0] ?? -1]?.shape ?? [];
  const value = context.values.get(assign.inputs[1] ?? -1);
  const isSource = value?.id === source.id && !value.pad && !value.batched;
  if (!isSource || othersOf(value.layout, source.dim) !== source.others || value.layout.length !== shape.length)
    return 'is joined with one tensor and assigned another';
  const rows = shape[source.dim] ?? 0;
  const { before, after } = value.history ?? { before: 0, after: 0 };
  const isNewest = after === 0 && before + context.builder.shape(value.id).t === rows;
  return isNewest ? undefined : `is not assigned the ${rows} newest rows of its tensor`;
}
