/**
 * Expand and Tile: dimensions of length 1 repeated, as a value of the whole window is for each of its frames.
 *
 * In: an activation, constant lengths or counts.  Out: what repeats rows and channels
 * (models/read/broadcast.ts).
 * Source: ONNX Expand-13, Tile-13.
 */
import { repeated } from '../../broadcast.ts';
import { dim, fileShapeOf, raised } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { broadcastDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { axisOfDim, type Value } from '../values.ts';

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
    const axis = axisOfDim(layout, at);
    if (ctx.builder.shape(x.tensor)[axis] !== 1) refuse(`axis ${axis} lies in another dimension, too`);
    counted[axis] = length;
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
