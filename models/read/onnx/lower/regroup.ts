/**
 * Frames whose features and channels a file counts otherwise: a `regroup` before what needs them so.
 *
 * In: an activation, and what a file's operator does to its layout.  Out: the activation under the new
 * layout.
 */
import { isRunletError } from '../../../error.ts';
import { commonOf } from '../../broadcast.ts';
import { type Layout, type Regrouped, regroupedLayout } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import type { Activation } from '../values.ts';

/** The activation with its frames regrouped. */
export function regrouped(ctx: Lowering, node: NodeView, given: Activation, { f, layout }: Regrouped): Activation {
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { integer: true, raw: true });
  const tensor = ctx.emit('regroup', [x.tensor], { f }, `${node.name}/regrouped`);
  const [quant, made] = [ctx.quantOf(x.tensor), ctx.builder.tensors[tensor]];
  if (quant && made) made.quant = quant;
  return { ...x, tensor, layout };
}

/** With its frames as channels alone, where their features come first. */
export function withChannels(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const other = regroupedLayout(x.layout);
  return other?.f === 1 ? regrouped(ctx, node, x, other) : x;
}

/** Two operands; where their axes differ and agree once their frames are channels alone, they are. */
export function withSameAxes(ctx: Lowering, node: NodeView, ...operands: [Activation, Activation]): [Activation, Activation] {
  const flat = operands.map(({ layout }) => {
    const other = regroupedLayout(layout);
    return other?.f === 1 ? other : undefined;
  });
  const [a, b] = operands.map(({ layout }, i) => flat[i]?.layout ?? layout) as [Layout, Layout];
  if (commonOf(operands[0].layout, operands[1].layout) || !commonOf(a, b)) return operands;
  const made = operands.map((x, i) => {
    const other = flat[i];
    return other ? regrouped(ctx, { ...node, name: `${node.name}/${i}` }, x, other) : x;
  });
  return made as [Activation, Activation];
}

/**
 * Under the layout that `move` gives, which may cut a frame otherwise than it lies.
 * @throws RunletError of `move`
 */
export function relaid(ctx: Lowering, node: NodeView, x: Activation, move: (layout: Layout) => Layout): Activation {
  try {
    return { ...x, layout: move(x.layout) };
  } catch (error) {
    const other = regroupedLayout(x.layout);
    if (!other || !isRunletError(error)) throw error;
    const layout = move(other.layout);
    return { ...regrouped(ctx, node, x, other), layout };
  }
}
