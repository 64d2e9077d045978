/**
 * Rows of a window that a file has elsewhere: in its channels, where a layer along time gave them, or in one
 * dimension with the features of a spectrogram.
 *
 * In: a tensor, and how its axes lie in the file.  Out: `permute`, and the layout behind it.
 */
import type { GraphBuilder } from '../graph/builder.ts';
import type { Axis, OpAttrs, PermuteAttrs } from '../graph/types.ts';
import { commonOf } from './broadcast.ts';
import { dim, type Factor, fileShapeOf, joined, type Layout, shapeOfLayout, wholeOrderOf } from './layout.ts';
import { pickingOf } from './picks.ts';
import type { AddNode } from './recurrent.ts';

/** What a reader adds nodes with. */
export interface Maker {
  builder: GraphBuilder;
  add: AddNode;
}

/** A tensor of the graph, and how its axes lie in the file. */
export interface Laid {
  tensor: number;
  layout: Layout;
}

const elementsIn = (factors: readonly Factor[]): number => factors.reduce((n, { length }) => n * length, 1);

/**
 * What stands in dimension `at` of the file as rows, and what stands in the other as channels, or as other
 * axes. Undefined where there are more dimensions, or where the rows are an inner part of an axis that both
 * have a part of.
 */
export function asRows(
  { layout }: Laid,
  at: number,
  as: { rows: Axis; others: Axis } = { rows: 't', others: 'c' },
): { attrs: PermuteAttrs; layout: Layout } | undefined {
  const held = [...layout.keys()].filter((d) => (layout[d] ?? []).length > 0);
  const [others, more] = held.filter((d) => d !== at);
  if (others === undefined || more !== undefined) return undefined;
  const axesOf = (d: number) => (layout[d] ?? []).map(({ axis }) => axis);
  const shared = axesOf(at).some((axis) => axesOf(others).includes(axis));
  if (shared && (at > others || new Set([...axesOf(at), ...axesOf(others)]).size > 1)) return undefined;
  // the outer one of both axes first, whatever the file has first
  const isFirst = 'tfc'.indexOf(as.rows) < 'tfc'.indexOf(as.others);
  if (shared && !isFirst) return undefined;
  const order = wholeOrderOf((isFirst ? [at, others] : [others, at]).map((d) => layout[d] ?? []));
  const own = layout.map((factors, d) => dim(d === at ? as.rows : as.others, elementsIn(factors)));
  const { t, f } = shapeOfLayout(own);
  return { attrs: { order, t, f }, layout: own };
}

/**
 * Frames as channels in the order of `to`, the same factors in other places of a file: by a layer that picks
 * each channel, where they do not lie in this order. Frames that `to` leaves as they are stay so.
 */
export function asChannels({ builder, add }: Maker, x: Laid, name: string, to: Layout = x.layout): Laid {
  const partsOf = (layout: Layout, ...axes: Axis[]) =>
    layout.flat().filter(({ axis, length }) => axes.includes(axis) && length > 1);
  const rows = partsOf(x.layout, 'f');
  const parts = [...rows, ...partsOf(x.layout, 'c')];
  const frame = partsOf(to, 'f', 'c');
  const isInOrder = parts.every((part, i) => part === frame[i]);
  const isMoved = partsOf(x.layout, 't').some((part, i) => part !== partsOf(to, 't')[i]);
  if (isMoved || (rows.length === 0 && isInOrder)) return x;
  const steps = new Map(parts.map((part, i) => [part, elementsIn(parts.slice(i + 1))]));
  const from = frame.reduce<number[]>(
    (places, part) =>
      places.flatMap((place) => Array.from({ length: part.length }, (_, i) => place + i * (steps.get(part) ?? 0))),
    [0],
  );
  const { f, c } = builder.shape(x.tensor);
  const attrs = from.length === f * c ? pickingOf(from) : undefined;
  if (!attrs) return x;
  const flat = f === 1 ? x.tensor : add('regroup', [x.tensor], { f: 1 }, `${name}/flat`);
  const layout = to.map((factors) => joined(factors.map((part) => (part.axis === 't' ? part : { ...part, axis: 'c' }))));
  return { tensor: isInOrder ? flat : add('conv', [flat], attrs, `${name}/shuffled`), layout };
}

/**
 * Two operands that meet in the file: where one has as channels and features what the other has as rows, or
 * as features the channels of a vector, it has rows too. What a layer along time gave is such an operand.
 */
export function withSameRows(maker: Maker, pair: readonly [Laid, Laid], name: string): readonly [Laid, Laid] {
  const { builder, add } = maker;
  for (const [i, x] of pair.entries()) {
    const other = pair[1 - i] as Laid;
    const at = builder.shape(x.tensor).t > 1 ? -1 : rowsBeside(fileShapeOf(x.layout), other.layout);
    const forms = at < 0 ? [] : [asRows(x, at), asRows(x, at, { rows: 't', others: 'f' })];
    const rows = forms.find((form) => form && commonOf(form.layout, other.layout));
    if (!rows) continue;
    const tensor = add('permute', [x.tensor], rows.attrs, `${name}/${i}/permuted`, builder.tensors[x.tensor]?.quant);
    return pair.with(i, { tensor, layout: rows.layout }) as [Laid, Laid];
  }
  return pair;
}

/** The dimension of `shape` that holds rows where another operand has this layout; -1: none. */
function rowsBeside(shape: readonly number[], other: Layout): number {
  const own = fileShapeOf(other);
  if (own.join() === shape.join()) return other.findIndex((factors) => factors.some(({ axis }) => axis === 't'));
  const isVector = own.length === shape.length && own.every((n, d) => n === 1 || n === shape[d]);
  return isVector ? shape.findIndex((n, d) => n > 1 && own[d] === 1) : -1;
}

/**
 * A sequence whose steps are dimension `at` of the file, for a recurrence over them: with the steps as rows,
 * where they are something else than frames and the frames are the values of a step. Else as it is.
 */
export function asSteps({ builder, add }: Maker, x: Laid, at: number, name: string): Laid {
  const holdsTime = (d: number) => (x.layout[d] ?? []).some(({ axis }) => axis === 't');
  const rows = holdsTime(x.layout.length - 1) && !holdsTime(at) ? asRows(x, at) : undefined;
  if (!rows) return x;
  const quant = builder.tensors[x.tensor]?.quant;
  return { tensor: add('permute', [x.tensor], rows.attrs, `${name}/steps`, quant), layout: rows.layout };
}

/** The node that was added of the same tensor before, or a new one. */
function once<K extends 'permute' | 'regroup'>(
  { builder, add }: Maker,
  op: K,
  from: number,
  attrs: OpAttrs[K],
  name: string,
): number {
  const made = builder.nodes.find(
    (node) => node.op === op && node.inputs[0] === from && JSON.stringify(node.attrs) === JSON.stringify(attrs),
  );
  return made?.output ?? add(op, [from], attrs, name, builder.tensors[from]?.quant);
}

/**
 * As rows, what a file counts otherwise. Of a tensor of which one dimension holds frames and features, the
 * places of that dimension: `[1, t * f, c]`.
 * Of a vector in two dimensions, as a decoder has it, the places of the first one.
 * Otherwise as it is. The same tensor is put in this order once.
 * @param last of a vector the places of the other dimension, where channels stand first
 */
export function asLine(maker: Maker, x: Laid, name: string, last = false): Laid {
  const { t, f } = maker.builder.shape(x.tensor);
  if (t === 1 && f === 1) return vectorAsRows(maker, x, name, last);
  const at = x.layout.findIndex(
    (factors) => factors.some(({ axis }) => axis === 't') && factors.some(({ axis }) => axis === 'f'),
  );
  const held = joined(x.layout[at] ?? []);
  const order = [...held.map(({ axis }) => axis), 'c' as const];
  if (last || t === 1 || f === 1 || order.length !== 3 || elementsIn(held) !== t * f) return x;
  const tensor = once(maker, 'permute', x.tensor, { order, t: t * f, f: 1 }, `${name}/rows`);
  return { tensor, layout: x.layout.with(at, dim('t', t * f)) };
}

function vectorAsRows(maker: Maker, x: Laid, name: string, last: boolean): Laid {
  const [first, second, ...more] = [...x.layout.keys()].filter((d) => (x.layout[d] ?? []).length > 0);
  if (first === undefined || second === undefined || more.length > 0) return x;
  const channels = elementsIn(x.layout[first] ?? []);
  // rows that are an inner part of the channels, once these are features
  const given = last
    ? {
        tensor: once(maker, 'regroup', x.tensor, { f: channels }, `${name}/parts`),
        layout: x.layout.with(first, dim('f', channels)),
      }
    : x;
  const rows = asRows(given, last ? second : first);
  return rows ? { tensor: once(maker, 'permute', given.tensor, rows.attrs, `${name}/rows`), layout: rows.layout } : x;
}
