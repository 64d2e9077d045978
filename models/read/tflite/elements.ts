/**
 * State elements by their numbers, and the operators that move them.
 *
 * In: an operator with an input that stands for state elements (models/read/states.ts).
 * Out: the numbers of the elements in its outputs. The ONNX reader's constant folding computes the moves.
 */
import { constantOf, foldConstant } from '../onnx/constants.ts';
import type { AttributeValue } from '../onnx/proto.ts';
import { Unsupported } from '../onnx/refuse.ts';
import { type Const, countOf } from '../onnx/tensor.ts';
import { type Context, type Elements, malformed, Refusal } from './context.ts';
import { integersAt } from './integers.ts';
import { sliceRanges, splitRanges, stridedRanges } from './lower/cut.ts';
import type { TfOperator } from './model.ts';

export const idsOf = (data: Float64Array, dims: number[]): Const => ({ kind: 'const', type: 'int64', dims, data });
const ints = (...data: number[]): Const => constantOf(data, [data.length], 'int64');

function onnx(op: string, inputs: Const[], attributes: Record<string, number | number[]> = {}): Const {
  const values = Object.entries(attributes).map(([name, value]): [string, AttributeValue] => [
    name,
    typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value },
  ]);
  const names = inputs.map((_, i) => `${i}`);
  const node = { name: op, op, domain: '', inputs: names, outputs: ['y'], attributes: new Map(values) };
  try {
    return foldConstant(node, { inputs }) as Const;
  } catch (error) {
    throw error instanceof Unsupported ? new Refusal(`it moves a state in a malformed way: ${error.message}`) : error;
  }
}

interface Range {
  from: number;
  to: number;
  shrink?: boolean;
}

function cut(x: Const, ranges: readonly Range[]): Const {
  const [from, to] = [ranges.map((r) => r.from), ranges.map((r) => r.to)];
  const part = onnx('Slice', [x, ints(...from), ints(...to)]);
  return onnx('Reshape', [part, ints(...part.dims.filter((_, d) => !ranges[d]?.shrink))]);
}

export const moving = new Set(
  'RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE STRIDED_SLICE SLICE SPLIT SPLIT_V UNPACK PACK CONCATENATION'.split(' '),
);

/** Returns the state elements that a tensor stands for. */
function numbersOf(context: Context, index: number): Elements | undefined {
  const next = context.values.get(index)?.next;
  return context.elements.get(index) ?? (next && { when: 'next', ids: next });
}

/** Returns the state elements of all outputs; undefined if the operator does not only move state elements. */
export function movedElements(context: Context, op: TfOperator): Elements[] | undefined {
  const found = op.inputs.map((index) => numbersOf(context, index));
  const one = found.find((v) => v !== undefined);
  if (!one || !moving.has(op.op)) return undefined;
  const several = op.op === 'PACK' || op.op === 'CONCATENATION';
  if (several && !found.every((v) => v?.when === one.when)) return undefined;
  const made = several ? [joined(context, op, found.map((v) => (v as Elements).ids))] : moved(context, op, one.ids); // biome-ignore format: one line
  return made.map((ids) => {
    context.model.view.spend(0, 8 * ids.data.length);
    return { when: one.when, ids };
  });
}

function joined(context: Context, op: TfOperator, parts: Const[]): Const {
  const [first] = parts as [Const];
  const isPack = op.op === 'PACK';
  const stated = context.options(op)?.int32(isPack ? 1 : 0) ?? 0;
  const rank = first.dims.length + (isPack ? 1 : 0);
  const axis = stated < 0 ? stated + rank : stated;
  if (axis < 0 || axis >= rank) throw malformed(op, `axis ${stated} of ${rank} dimensions does not exist`);
  const own = isPack ? parts.map((p) => onnx('Unsqueeze', [p, ints(axis)])) : parts;
  return onnx('Concat', own, { axis });
}

function moved(context: Context, op: TfOperator, x: Const): Const[] {
  const { dims } = x;
  const whole = (d: number): Range => ({ from: 0, to: dims[d] as number });
  switch (op.op) {
    case 'TRANSPOSE':
      return [onnx('Transpose', [x], { perm: integersAt(context, op, 1) ?? [] })];
    case 'STRIDED_SLICE':
      return [cut(x, stridedRanges(op, context.options(op), dims, [1, 2, 3].map((i) => integersAt(context, op, i))))]; // biome-ignore format: one line
    case 'SLICE':
      return [cut(x, sliceRanges(context, op, dims))];
    case 'SPLIT':
    case 'SPLIT_V':
      return splitRanges(context, op, dims).map(({ dim, ...range }) => cut(x, dims.map((_, d) => (d === dim ? range : whole(d))))); // biome-ignore format: one line
    case 'UNPACK': {
      const stated = context.options(op)?.int32(1) ?? 0;
      const dim = stated < 0 ? stated + dims.length : stated;
      return op.outputs.map(
        (_, at) =>
        cut(x, dims.map((_n, d) => (d === dim ? { from: at, to: at + 1, shrink: true } : whole(d)))), // biome-ignore format: one line
      );
    }
  }
  const { shape } = context.output(op);
  if (countOf(shape) !== x.data.length) throw malformed(op, `[${dims.join(', ')}] does not fit [${shape.join(', ')}]`);
  return [{ ...x, dims: shape }];
}
