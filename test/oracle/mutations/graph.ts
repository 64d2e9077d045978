/**
 * Mutations of the rest of the graph: scales, types, order, feedback, outputs, the options of layers.
 *
 * In: an Edit.  Out: false if the mutation does not apply.
 */
import type { OperatorOf, TensorOf } from '../file.ts';
import type { Edit, Mutation } from './edit.ts';

/** Returns the quantised tensors between a state and its layer: read, sliced, concatenated or assigned. */
function stateTensors(e: Edit): TensorOf[] {
  const ids = e.all('READ_VARIABLE', 'CONCATENATION', 'STRIDED_SLICE', 'SLICE').flatMap((o) => o.outputs);
  return [...ids, ...e.all('ASSIGN_VARIABLE').map((o) => o.inputs[1] as number)].map(e.tensor).filter((t) => t.quant);
}

/** Inserts `op` after the writer of `id`, and redirects one reader or all of them to its output. */
function through(e: Edit, id: number, op: 'RELU' | 'QUANTIZE' | 'MUL' | 'RESHAPE' | 'LOGISTIC' | 'AVERAGE_POOL_2D'): boolean {
  const writer = e.writerOf(id);
  const t = e.tensor(id);
  if (!writer || t.type !== 'int8') return false;
  const y = e.like(id);
  const readers = e.readersOf(id);
  const only = e.rng.chance(0.5) && readers.length > 0 ? e.rng.pick(readers) : undefined;
  if (only) only.inputs = only.inputs.map((x) => (x === id ? y : x));
  else e.redirect(id, y);
  const inputs = [id];
  let options = {};
  if (op === 'MUL') {
    const quant = { scales: [1 / 64], zeroPoints: [0], axis: 0 };
    inputs.push(
      e.add({ name: 'gain', type: 'int8', shape: [1, 1, 1, 1].slice(0, t.shape.length), quant, data: new Uint8Array([48]) }),
    );
    options = { activation: 0 };
  }
  if (op === 'RESHAPE') inputs.push(e.constants(t.shape));
  if (op === 'AVERAGE_POOL_2D')
    options = { padding: 0, strideW: 1, strideH: 1, filterW: 1, filterH: e.rng.int(1, 3), activation: 0 };
  if (op === 'LOGISTIC') e.tensor(y).quant = { scales: [1 / 256], zeroPoints: [-128], axis: 0 };
  e.insert(writer, 'behind', op, inputs, [y], options);
  return true;
}

const layers = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'AVERAGE_POOL_2D', 'MAX_POOL_2D'] as const;

export const graphMutations: Record<string, Mutation> = {
  'scale of a state': (e) => {
    const tensors = stateTensors(e);
    if (tensors.length === 0) return false;
    const t = e.rng.pick(tensors);
    t.quant = {
      scales: [Math.fround((t.quant?.scales[0] ?? 1) * e.rng.pick([0.5, 1.0001, 2]))],
      zeroPoints: t.quant?.zeroPoints ?? [],
      axis: 0,
    };
    return true;
  },
  'zero point of a state': (e) => {
    const tensors = stateTensors(e);
    if (tensors.length === 0) return false;
    const t = e.rng.pick(tensors);
    t.quant = { scales: t.quant?.scales ?? [1], zeroPoints: [e.rng.int(-128, 127)], axis: 0 };
    return true;
  },
  'scale missing': (e) => {
    const t = e.rng.pick(e.main.tensors);
    if (t.quant) delete t.quant;
    else return false;
    return true;
  },
  'type of a tensor': (e) => {
    const tensors = e.rng.chance(0.7) ? stateTensors(e) : e.main.tensors;
    if (tensors.length === 0) return false;
    e.rng.pick(tensors).type = e.rng.pick(['uint8', 'int16', 'float32', 'int32', 'bool']);
    return true;
  },
  'output from the state': (e) => {
    const ids = e.all('READ_VARIABLE', 'CONCATENATION', 'STRIDED_SLICE', 'CONV_2D').flatMap((o) => o.outputs);
    if (ids.length === 0) return false;
    if (e.rng.chance(0.5)) e.main.outputs.push(e.rng.pick(ids));
    else e.main.outputs[e.rng.int(0, e.main.outputs.length - 1)] = e.rng.pick(ids);
    return true;
  },
  'order of two operators': (e) => {
    const { operators } = e.main;
    const i = e.rng.int(0, operators.length - 1);
    const [moved] = operators.splice(i, 1) as [OperatorOf];
    operators.splice(e.rng.int(0, operators.length), 0, moved);
    return true;
  },
  'an operator missing': (e) => {
    const o = e.rng.pick(e.main.operators);
    if (o.inputs.length === 0 || o.outputs.length !== 1) return false;
    e.remove(o);
    e.redirect(o.outputs[0] as number, o.inputs[0] as number);
    return true;
  },
  'an input replaced': (e) => {
    const o = e.rng.pick(e.main.operators.filter((x) => x.inputs.length > 0));
    const i = e.rng.int(0, o.inputs.length - 1);
    const known = e.before(o);
    const others = e.sameShape(o.inputs[i] ?? -1).filter((id) => known.has(id));
    if (o.inputs[i] === -1 || others.length === 0) return false;
    o.inputs[i] = e.rng.pick(others);
    return true;
  },
  feedback: (e) => {
    const read = e.any('READ_VARIABLE');
    return (
      read !== undefined &&
      through(e, read.outputs[0] as number, e.rng.pick(['RELU', 'QUANTIZE', 'MUL', 'LOGISTIC', 'AVERAGE_POOL_2D']))
    );
  },
  'an operator before the assign': (e) => {
    const assign = e.any('ASSIGN_VARIABLE');
    return (
      assign !== undefined && through(e, assign.inputs[1] as number, e.rng.pick(['RELU', 'QUANTIZE', 'MUL', 'AVERAGE_POOL_2D']))
    );
  },
  'an operator after the join': (e) => {
    const concat = e.any('CONCATENATION');
    return (
      concat !== undefined &&
      through(e, concat.outputs[0] as number, e.rng.pick(['RELU', 'QUANTIZE', 'MUL', 'RESHAPE', 'AVERAGE_POOL_2D']))
    );
  },
  'reshape without effect': (e) => {
    const o = e.any('READ_VARIABLE', 'CONCATENATION', 'STRIDED_SLICE', 'CONV_2D');
    return o !== undefined && through(e, o.outputs[0] as number, 'RESHAPE');
  },
  'axes exchanged': (e) => {
    // A TRANSPOSE whose output shape keeps its values only if two dimensions are equal.
    const o = e.any('READ_VARIABLE', 'CONCATENATION', 'STRIDED_SLICE', 'CONV_2D');
    if (!o) return false;
    const id = o.outputs[0] as number;
    const { shape } = e.tensor(id);
    const order = e.rng.pick([
      [0, 3, 2, 1],
      [0, 2, 1, 3],
      [0, 1, 3, 2],
    ]);
    const y = e.like(id, { shape: order.map((axis) => shape[axis] as number) });
    e.redirect(id, y);
    e.insert(o, 'behind', 'TRANSPOSE', [id, e.constants(order)], [y]);
    return shape.length === 4;
  },
  'rows of a step': (e) => {
    const id = e.main.inputs[0] as number;
    const { shape } = e.tensor(id);
    e.tensor(id).shape = shape.map((d, i) => (i === 1 ? Math.max(1, d + e.rng.pick([-1, 1, 2])) : d));
    return true;
  },
  'stride of a layer': (e) => {
    const o = e.any(...layers);
    if (o) o.options[e.rng.pick(['strideH', 'strideH', 'strideW'])] = e.rng.int(1, 4);
    return o !== undefined;
  },
  'dilation of a layer': (e) => {
    const o = e.any('CONV_2D', 'DEPTHWISE_CONV_2D');
    if (o) o.options[e.rng.pick(['dilationH', 'dilationH', 'dilationW'])] = e.rng.int(1, 3);
    return o !== undefined;
  },
  'padding of a layer': (e) => {
    const o = e.any(...layers);
    if (o) o.options.padding = 0;
    return o !== undefined;
  },
  'activation of a layer': (e) => {
    const o = e.any('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'ADD', 'CONCATENATION', 'AVERAGE_POOL_2D');
    if (o) o.options.activation = e.rng.int(0, 3);
    return o !== undefined;
  },
  'kernel of a pool': (e) => {
    const o = e.any('AVERAGE_POOL_2D', 'MAX_POOL_2D');
    if (o) o.options.filterH = Math.max(1, Number(o.options.filterH) + e.rng.pick([-1, 1]));
    return o !== undefined;
  },
  'axes of a mean': (e) => {
    const o = e.any('MEAN');
    if (o) e.ownConstant(o, 1)[e.rng.int(0, 1)] = e.rng.int(0, 3);
    return o !== undefined;
  },
  'outputs in another order': (e) => {
    e.main.outputs.push(e.rng.pick(e.main.outputs));
    if (e.rng.chance(0.5)) e.main.outputs.reverse();
    return true;
  },
};
