/**
 * Rows of a window that a file keeps on other axes: in the channels, where a layer along time put them, or in
 * one dimension with the features of a spectrogram.
 *
 * In: a tensor and its layout in the file.  Out: `permute` nodes, and the layout after them.
 */
import type { GraphBuilder } from '../graph/builder.ts';
import type { Axis, OpAttrs, PermuteAttrs } from '../graph/types.ts';
import { commonOf } from './broadcast.ts';
import { dim, type Factor, fileShapeOf, joined, type Layout, shapeOfLayout, wholeOrderOf } from './layout.ts';
import { pickingOf } from './picks.ts';
import type { AddNode } from './recurrent.ts';

/** The graph that a reader builds, and the function that adds nodes to it. */
export interface Maker {
  builder: GraphBuilder;
  add: AddNode;
}

/** A tensor of the graph and its layout in the file. */
export interface Laid {
  tensor: number;
  layout: Layout;
}

const elementsIn = (factors: readonly Factor[]): number => factors.reduce((n, { length }) => n * length, 1);

/**
 * Returns the permutation that makes rows of dimension `at` of the file, and channels or another axis of the
 * other dimension. Undefined if there are more dimensions, or if both hold parts of one axis and the rows are
 * its inner part.
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
  // the outer of both axes comes first, whatever the order in the file
  const isFirst = 'tfc'.indexOf(as.rows) < 'tfc'.indexOf(as.others);
  if (shared && !isFirst) return undefined;
  const order = wholeOrderOf((isFirst ? [at, others] : [others, at]).map((d) => layout[d] ?? []));
  const permuted = layout.map((factors, d) => dim(d === at ? as.rows : as.others, elementsIn(factors)));
  const { t, f } = shapeOfLayout(permuted);
  return { attrs: { order, t, f }, layout: permuted };
}

/**
 * Turns frames into channels in the order of `to`, which has the same factors in other dimensions. Adds a
 * layer that selects channels if they are in another order. Returns frames that `to` does not change as they
 * are.
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
 * Gives two operands the same rows. One operand is permuted to rows if its channels and features are the
 * other's rows, or if its features are the channels of a vector. A layer along time gives such an operand.
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

/** Returns the dimension of `shape` that holds rows if the other operand has this layout; -1 if none does. */
function rowsBeside(shape: readonly number[], other: Layout): number {
  const otherShape = fileShapeOf(other);
  if (otherShape.join() === shape.join()) return other.findIndex((factors) => factors.some(({ axis }) => axis === 't'));
  const isVector = otherShape.length === shape.length && otherShape.every((n, d) => n === 1 || n === shape[d]);
  return isVector ? shape.findIndex((n, d) => n > 1 && otherShape[d] === 1) : -1;
}

/**
 * Returns a sequence for a recurrence over dimension `at` of the file. If its steps are not frames and the
 * frames are the values of a step, the steps become rows; otherwise it is unchanged.
 */
export function asSteps({ builder, add }: Maker, x: Laid, at: number, name: string): Laid {
  const holdsTime = (d: number) => (x.layout[d] ?? []).some(({ axis }) => axis === 't');
  const rows = holdsTime(x.layout.length - 1) && !holdsTime(at) ? asRows(x, at) : undefined;
  if (!rows) return x;
  const quant = builder.tensors[x.tensor]?.quant;
  return { tensor: add('permute', [x.tensor], rows.attrs, `${name}/steps`, quant), layout: rows.layout };
}

/** Returns the output of an equal node on the same tensor, or adds a new node. */
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
 * Makes rows of places that a file counts on other axes. If one dimension holds frames and features, its
 * places become rows: `[1, t * f, c]`. For a vector in two dimensions, as in a decoder, the places of the
 * first dimension become rows. Otherwise the tensor is unchanged. Equal nodes are shared.
 * @param last true if a vector's channels stand first and its rows in the other dimension
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
  // the rows are an inner part of the channels, so the outer part becomes features first
  const given = last
    ? {
        tensor: once(maker, 'regroup', x.tensor, { f: channels }, `${name}/parts`),
        layout: x.layout.with(first, dim('f', channels)),
      }
    : x;
  const rows = asRows(given, last ? second : first);
  return rows ? { tensor: once(maker, 'permute', given.tensor, rows.attrs, `${name}/rows`), layout: rows.layout } : x;
}
