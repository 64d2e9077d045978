/**
 * Boolean masks of attention that follow from shapes and constants only.
 *
 * In: operators on bool tensors.
 * Out: masks by tensor; a mask that is the same everywhere holds one value.
 * Source: TensorFlow Lite FILL, LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT.
 */
import type { Context, Mask } from './context.ts';
import type { TfOperator } from './model.ts';

export function maskAt({ masks, model }: Context, index = -1): Mask | undefined {
  const { type, constant, shape: dims = [] } = model.tensors[index] ?? {};
  const isWhole = type === 'bool' && constant?.length === dims.reduce((n, d) => n * d, 1);
  return masks.get(index) ?? (isWhole ? { dims, data: constant } : undefined);
}

/** Evaluates an operator on masks. Returns false for other operators. */
export function foldMask(context: Context, op: TfOperator): boolean {
  const made = maskOf(context, op);
  if (made) context.masks.set(op.outputs[0] as number, made);
  return made !== undefined;
}

function maskOf(context: Context, op: TfOperator): Mask | undefined {
  const [a, b] = op.inputs.map((index) => maskAt(context, index));
  if (op.op === 'FILL') return b;
  if (op.op === 'LOGICAL_NOT') return a && { dims: a.dims, data: a.data.map((v) => Number(v === 0)) };
  const isAnd = op.op === 'LOGICAL_AND';
  if (!a || !b || !(isAnd || op.op === 'LOGICAL_OR')) return undefined;
  const [wide, other] = a.data.length >= b.data.length ? [a, b] : [b, a];
  if (other.data.length !== 1 && other.dims.join() !== wide.dims.join()) return undefined;
  const both = (v: number, w: number) => Number(isAnd ? v !== 0 && w !== 0 : v !== 0 || w !== 0);
  return { dims: wide.dims, data: wide.data.map((v, i) => both(v, other.data[i % other.data.length] as number)) };
}
