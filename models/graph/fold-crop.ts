/**
 * asPoolOfPart: writes a pool over the rows that a crop keeps as a pool over a part of the uncropped rows.
 *
 * In: a crop (history that only drops rows), a node that reads it, the crop's output shape.  Out: the node
 * with negative padding along time; undefined if it is no pool, or pads time itself. A tensor whose readers
 * are all pools over parts is kept once, in one ring (models/stream/edge/parts.ts).
 */
import { opOfNode } from '../ops/index.ts';
import type { Node, NodeOf, PoolAttrs, Shape } from './types.ts';

/** Whether a node only drops rows at the start or the end of a window. */
export const isCrop = (node: Node): node is NodeOf<'history'> =>
  node.op === 'history' && node.attrs.own === undefined && node.attrs.before <= 0 && node.attrs.after <= 0;

const isPool = (node: Pick<Node, 'op' | 'attrs'>): node is { op: 'avgpool' | 'maxpool'; attrs: PoolAttrs } =>
  node.op === 'avgpool' || node.op === 'maxpool';

export function asPoolOfPart(crop: NodeOf<'history'>, reader: Node, kept: Shape): Node | undefined {
  const pool = isPool(reader) ? reader : opOfNode(reader).slid?.(reader.attrs, kept, false);
  if (!pool || !isPool(pool) || pool.attrs.padT.some((rows) => rows !== 0)) return undefined;
  const { before, after } = crop.attrs;
  const attrs: PoolAttrs = { ...pool.attrs, padT: [before, after] };
  return { op: pool.op, name: reader.name, inputs: [...crop.inputs], output: reader.output, attrs };
}
