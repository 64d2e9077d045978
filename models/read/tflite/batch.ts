/**
 * oneSignal: reduces a file with a fixed batch of several signals to one signal.
 *
 * In: a file whose inputs all have the same batch of 2 or more as dimension 0.
 * Out: the file for a batch of 1, if every operator works on each signal separately; else the file as it is,
 * and the operator that mixes signals. A rule for each operator follows the dimension whose outer part is the
 * batch. An operator without a rule counts as mixing signals. Constants along the batch must be equal for all
 * signals.
 * Cost: linear in operators and constants.
 * Source: TensorFlow Lite operator specifications.
 */
import { unaryOperators } from '../../ops/unary.ts';
import { product } from './integers.ts';
import type { TfModel, TfOperator, TfTensor } from './model.ts';

/** Returns the batch dimension of the outputs from that of an input, `at`; undefined if signals may mix. */
type Rule = (op: TfOperator, at: number, net: Net) => number | undefined;

class Net {
  readonly tensors: TfTensor[];
  readonly signals: number;
  /** The dimension whose outer part is the batch, by tensor. */
  readonly places = new Map<number, number>();

  constructor({ tensors, inputs }: TfModel, signals: number) {
    this.tensors = [...tensors];
    this.signals = signals;
    for (const index of inputs) this.places.set(index, 0);
  }

  shape = (index = -1): number[] => this.tensors[index]?.shape ?? [];

  ints(op: TfOperator, i: number): number[] {
    const { constant, type } = this.tensors[op.inputs[i] ?? -1] ?? {};
    return constant && type === 'int32' ? Array.from(new Int32Array(new Uint8Array(constant).buffer)) : [];
  }

  /** Adds a tensor for a single operator and returns its index. */
  add(tensor: TfTensor): number {
    return this.tensors.push({ ...tensor, index: this.tensors.length }) - 1;
  }
}

const only: Rule = (op, at, { places }) => (op.inputs.filter((index) => places.has(index)).length === 1 ? at : undefined);
const rows: Rule = (op, at, net) => (at === 0 ? only(op, at, net) : undefined);
const notLast: Rule = (op, at, net) => (at < net.shape(op.inputs[0]).length - 1 ? at : undefined);

/** Reshapes: the batch is the dimension with the same number of elements outside it. */
const reshaped: Rule = (op, at, net) => {
  const [from, to] = [net.shape(op.inputs[0]), net.shape(op.outputs[0])];
  const before = product(from.slice(0, at));
  const found = to.findIndex((n, d) => product(to.slice(0, d)) === before && n % net.signals === 0);
  return found < 0 || net.tensors[op.outputs[0] ?? -1]?.signature.includes(-1) ? undefined : found;
};

const dense: Rule = (op, at, net) => {
  const [from, [, width = 0]] = [net.shape(op.inputs[0]), net.shape(op.inputs[1])];
  const whole = product(from.slice(at)) % (net.signals * width) === 0 && !net.places.has(op.inputs[1] ?? -1);
  if (!whole || at === from.length - 1) return undefined;
  return from.length === net.shape(op.outputs[0]).length ? at : reshaped(op, at, net);
};

/** Broadcasts, aligned at the last dimension: all inputs must have the batch in one place. */
const broadcast: Rule = (op, _, { places, shape }) => {
  const rank = shape(op.outputs[0]).length;
  const found = op.inputs.flatMap((index) =>
    places.has(index) ? [rank - shape(index).length + (places.get(index) as number)] : [],
  );
  return new Set(found).size === 1 ? found[0] : undefined;
};

/** Reduces over constant axes other than the batch. */
const reduced: Rule = (op, at, net) => {
  const rank = net.shape(op.inputs[0]).length;
  const axes = net.ints(op, 1).map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes.length === 0 || axes.includes(at)) return undefined;
  return op.options?.bool(0) ? at : at - new Set(axes.filter((axis) => axis < at)).size;
};

const joined: Rule = (op, at, net) => {
  const { length } = net.shape(op.outputs[0]);
  const axis = op.options?.int32(0) ?? 0;
  const place = broadcast(op, at, net);
  return place === (axis < 0 ? axis + length : axis) ? undefined : place;
};

const padded: Rule = (op, at, net) => {
  const amounts = net.ints(op, 1).slice(2 * at, 2 * at + 2);
  return amounts.length === 2 && amounts.every((n) => n === 0) ? at : undefined;
};

/** Slices other dimensions, or drops them, and keeps the whole batch. */
const strided: Rule = (op, at, net) => {
  const [begin, end, stride] = [1, 2, 3].map((i) => net.ints(op, i)[at]);
  const mask = (field: number): number => op.options?.int32(field) ?? 0;
  const has = (field: number, dim: number): boolean => ((mask(field) >> dim) & 1) === 1;
  const all = (has(0, at) || begin === 0) && (has(1, at) || Number(end) >= (net.shape(op.inputs[0])[at] ?? 0));
  if (!all || stride !== 1 || mask(2) !== 0 || mask(3) !== 0 || has(4, at)) return undefined;
  return at - Array.from({ length: at }, (_, dim) => Number(has(4, dim))).reduce((a, b) => a + b, 0);
};

const moved: Rule = (op, at, net) => {
  const to = net.ints(op, 1).indexOf(at);
  return to < 0 ? undefined : to;
};

const split: Rule = (op, at, net) => {
  const [axis = at] = net.ints(op, 0);
  return (axis < 0 ? axis + net.shape(op.inputs[1]).length : axis) === at ? undefined : at;
};

const each = (names: string, rule: Rule): [string, Rule][] => names.split(' ').map((name) => [name, rule]);
const rules = new Map<string, Rule>([
  ...each(unaryOperators('tflite').join(' '), only),
  ...each('QUANTIZE DEQUANTIZE LEAKY_RELU NEG SELECT SELECT_V2', only),
  ...each('CONV_2D DEPTHWISE_CONV_2D MAX_POOL_2D AVERAGE_POOL_2D', rows),
  ...each('SOFTMAX LOG_SOFTMAX L2_NORMALIZATION', notLast),
  ...each('RESHAPE SQUEEZE EXPAND_DIMS', reshaped),
  ...each('ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW PRELU', broadcast),
  ...each('MEAN SUM REDUCE_MAX REDUCE_MIN', reduced),
  ...each('PAD PADV2 MIRROR_PAD', padded),
  ['CONCATENATION', joined],
  ['FULLY_CONNECTED', dense],
  ['SPLIT', split],
  ['STRIDED_SLICE', strided],
  ['TRANSPOSE', moved],
]);
/** Rules whose constants may have the batch too. Other constants are weights or dimension numbers. */
const withBatchConstants = new Set<Rule>([broadcast, joined]);

/** Returns the constant for one signal; undefined if signals have different ones. */
function part(net: Net, tensor: TfTensor, at: number): TfTensor | undefined {
  const length = tensor.shape[at] ?? 1;
  if (length === 1) return tensor;
  const { constant, shape } = tensor;
  if (!constant || length % net.signals !== 0) return undefined;
  const block = constant.length / product(shape.slice(0, at));
  const perSignal = block / net.signals;
  const first = (i: number): number => i - (i % block) + (i % perSignal);
  if (constant.some((byte, i) => byte !== constant[first(i)])) return undefined;
  return { ...tensor, shape: shape.with(at, length / net.signals), constant: constant.filter((_, i) => i % block < perSignal) };
}

/** Returns the operator for one signal; undefined if it mixes signals. */
function one(net: Net, op: TfOperator): TfOperator | undefined {
  const [at] = op.inputs.flatMap((index) => net.places.get(index) ?? []);
  if (at === undefined || op.op === 'SHAPE') return op;
  const rule = rules.get(op.op);
  const to = rule?.(op, at, net);
  if (!rule || to === undefined || op.outputs.some((index) => (net.shape(index)[to] ?? 0) % net.signals !== 0)) return undefined;
  for (const index of op.outputs) net.places.set(index, to);
  const lengths = net.shape(op.outputs[0]);
  if (rule === reshaped && op.op === 'RESHAPE') {
    const constant = new Uint8Array(Int32Array.from(lengths.with(to, (lengths[to] as number) / net.signals)).buffer);
    const shape = { name: `${op.name} shape`, type: 'int32' as const, shape: [lengths.length], signature: [], quant: undefined };
    return { ...op, inputs: [op.inputs[0] as number, net.add({ ...shape, index: 0, constant, isVariable: false })] };
  }
  if (!withBatchConstants.has(rule)) return op;
  const inputs = op.inputs.map((index) => {
    const tensor = net.tensors[index];
    if (!tensor || net.places.has(index)) return index;
    const single = part(net, tensor, to - (lengths.length - tensor.shape.length));
    return single === tensor ? index : single && net.add(single);
  });
  return inputs.every((index) => index !== undefined) ? { ...op, inputs } : undefined;
}

/** Reduces the batch; see the header. `signals` or `joined` of the result states what was found. */
export function oneSignal(model: TfModel): TfModel {
  const shapes = model.inputs.map((index) => model.tensors[index]?.shape ?? []);
  const signals = shapes[0]?.[0] ?? 1;
  if (signals < 2 || shapes.some((shape) => shape.length < 2 || shape[0] !== signals)) return model;
  const net = new Net(model, signals);
  const operators: TfOperator[] = [];
  for (const op of model.operators) {
    const single = one(net, op);
    if (!single) return { ...model, joined: op.name };
    operators.push(single);
  }
  const whole = model.outputs.find((index) => !net.places.has(index));
  if (whole !== undefined) return { ...model, joined: `output ${net.tensors[whole]?.name}` };
  const tensors = net.tensors.map((tensor) => {
    const at = net.places.get(tensor.index);
    if (at === undefined) return tensor;
    const ofSignal = (list: number[]) => list.map((n, d) => (d === at && n > 0 ? n / signals : n));
    return { ...tensor, shape: ofSignal(tensor.shape), signature: ofSignal(tensor.signature) };
  });
  return { ...model, tensors, operators, signals };
}
