/**
 * Lowers Expand and Tile, which repeat dimensions of length 1, such as a value of the whole window per frame.
 *
 * In: an activation, constant lengths or counts.  Out: operators that repeat rows and channels
 * (models/read/broadcast.ts).
 * Source: ONNX Expand-13, Tile-13.
 */
import type { Axis } from '../../../graph/types.ts';
import { repeated } from '../../broadcast.ts';
import { dim, fileShapeOf, type Layout, raised } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { broadcastDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Activation, axisOfDim, type Value } from '../values.ts';

/** Returns the axis that dimension `at`, of length 1, belongs to once it is repeated. */
function axisFor(ctx: Lowering, node: NodeView, x: Activation, layout: Layout, at: number): Axis {
  const shape = ctx.builder.shape(x.tensor);
  const beside = layout.slice(0, at).flat().at(-1)?.axis;
  const readers = ctx.readersOf(node.outputs[0] ?? '');
  // Keras repeats rows in a dimension after them, and then reshapes
  const isRepeat = readers.length > 0 && readers.every((op) => op === 'Reshape' || op === 'Shape');
  const isFull = shape.t > 1 && shape.f > 1 && shape.c > 1;
  if (beside && beside !== 'c' && (isRepeat || isFull)) return beside;
  const axis = axisOfDim(layout, at);
  return shape[axis] === 1 ? axis : refuse(`axis ${axis} also lies in another dimension`);
}

export function lowerExpand(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const stated = [...ctx.constant(node, 1, 'shape').data];
  if (!stated.every((n) => Number.isInteger(n) && n >= 1)) refuse(`a shape of [${stated.slice(0, 8).join(', ')}]`);
  const own = fileShapeOf(x.layout);
  const counts = node.op === 'Tile' && stated.length !== own.length ? refuse(`${stated.length} counts`) : stated;
  const dims = node.op === 'Tile' ? own.map((length, i) => length * (counts[i] as number)) : broadcastDims(own, stated);
  let layout = raised(x.layout, dims.length);
  const counted = { t: 1, f: 1, c: 1 };
  for (const [at, length] of dims.entries()) {
    const before = fileShapeOf(layout)[at];
    if (length === before) continue;
    if (before !== 1) refuse(`it repeats dimension ${at} of length ${before}; only dimensions of length 1 can be repeated`);
    const axis = axisFor(ctx, node, x, layout, at);
    counted[axis] *= length;
    layout = layout.with(at, dim(axis, length));
  }
  if (counted.t * counted.f * counted.c === 1) return [{ ...x, layout }];
  if (ctx.quantised) refuse('it repeats rows in a quantised graph');
  return [
    ctx.activationOf(
      repeated(x.tensor, counted, (op, of, attrs) => ctx.emit(op, [of], attrs, node.name)),
      layout,
    ),
  ];
}
