/**
 * Lowers SELECT and SELECT_V2: a function of one value (pieces.ts), or a value under a constant mask.
 *
 * In: the mask m, a value x, and one number n for the elements that the mask drops.
 * Out: a product with the mask and a sum; before a softmax only a sum.
 * Formula: where(m, x, n) = m x + (1 - m) n.
 */
import { noClamp } from '../../../graph/types.ts';
import { raised, showLayout } from '../../layout.ts';
import { leavesNothing, masked } from '../../masked.ts';
import { spread, valuesOf } from '../../spread.ts';
import { isConstant, readFloats } from '../constants.ts';
import { type Context, Refusal, shapeOf } from '../context.ts';
import { maskAt } from '../masks.ts';
import type { TfOperator } from '../model.ts';
import { lowerPiece } from './pointwise.ts';

export function lowerSelect(context: Context, op: TfOperator): void {
  const mask = maskAt(context, op.inputs[0]);
  if (op.piece || !mask || context.isInt8) {
    lowerPiece(context, op);
    return;
  }
  const i = isConstant(context, context.input(op, 1)) ? 2 : 1;
  const tensor = context.input(op, 3 - i);
  if (!isConstant(context, tensor)) throw new Refusal('its mask chooses between two computed tensors');
  const [fill, ...more] = readFloats(context, op, tensor);
  if (fill === undefined || more.length > 0) throw new Refusal('its mask fills in more than one number');
  const given = context.value(op, i);
  const value = { ...given, layout: raised(given.layout, mask.dims.length) };
  const laid = spread(value.layout, mask.dims);
  if (!laid) throw new Refusal(`its mask of [${mask.dims.join(', ')}] does not fit ${showLayout(value.layout)}`);
  context.model.view.spend(0, 8 * laid.places.length);
  const kept = mask.data.map((v) => Number((v !== 0) === (i === 1)));
  const keeps = Float32Array.from(valuesOf(laid, kept, laid.over === 'c' ? shapeOf(value).c : undefined));
  const add = (id: number, number: number) => {
    const constant = { data: keeps.map((k) => (k ? 0 : number)) };
    context.emit(op, 'add', [id], { clamp: noClamp, constant }, () => value.layout);
  };
  if (fill >= masked) {
    add(context.node('mul', [value.id], { clamp: noClamp, constant: { data: keeps } }, `${op.name}/kept`, undefined), fill);
    return;
  }
  const readers = context.consumers.get(op.outputs[0] ?? -1) ?? [];
  if (readers.length === 0 || readers.some((reader) => reader.op !== 'SOFTMAX'))
    throw new Refusal(`its mask fills in ${fill}, and not only a softmax reads the result`);
  if (leavesNothing(kept, mask.dims.at(-1) ?? 1, (k) => k === 0)) throw new Refusal('its mask leaves nothing of a row');
  add(value.id, masked);
}
