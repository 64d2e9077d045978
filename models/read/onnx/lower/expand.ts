/**
 * Expand and Tile: dimensions of length 1 repeated, as a value of the whole window is for each of its frames.
 *
 * In: an activation, constant lengths or counts.  Out: what repeats rows and channels
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

/** The axis of which dimension `at`, of length 1, becomes a part. */
function axisFor(ctx: Lowering, node: NodeView, x: Activation, layout: Layout, at: number): Axis {
  const shape = ctx.builder.shape(x.tensor);
  const beside = layout.slice(0, at).flat().at(-1)?.axis;
  const readers = ctx.readersOf(node.outputs[0] ?? '');
  // Keras repeats rows beside themselves, and reshapes
  const isRepeat = readers.length > 0 && readers.every((op) => op === 'Reshape' || op === 'Shape');
  const isFull = shape.t > 1 && shape.f > 1 && shape.c > 1;
  if (beside && beside !== 'c' && (isRepeat || isFull)) return beside;
  const axis = axisOfDim(layout, at);
  return shape[axis] === 1 ? axis : refuse(`axis ${axis} lies in another dimension, too`);
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
    if (before !== 1) refuse(`it repeats the ${before} elements of dimension ${at}, one after the other`);
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
