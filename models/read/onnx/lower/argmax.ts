/**
 * ArgMax over the channels: the index of the class with the largest score.
 *
 * In: an activation; `axis`, `keepdims`, `select_last_index`.  Out: argmax. Source: ONNX ArgMax-13.
 */
import { showLayout } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { axisOfDim, type Value, wholeAxis } from '../values.ts';

export function lowerArgMax(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { integer: true, raw: true });
  const at = axisIn(node.attributes.int('axis', 0), x.layout.length);
  const keep = node.attributes.int('keepdims', 1) === 1;
  const last = node.attributes.int('select_last_index', 0) === 1;
  if (axisOfDim(x.layout, at) !== 'c')
    refuse(`an index along dimension ${at} of ${showLayout(x.layout)}; only channels are supported`);
  wholeAxis(x.layout, at, 'c');
  const tensor = ctx.emit('argmax', [x.tensor], { last }, node.name);
  const layout = keep ? x.layout.map((d, i) => (i === at ? [] : d)) : x.layout.filter((_, i) => i !== at);
  return [ctx.activationOf(tensor, layout)];
}
