/**
 * withAdaptivePools: replaces PyTorch's adaptive average pooling by slices and means.
 *
 * In: sorted nodes, initializers and outputs.  Out: nodes; those that become unused stay in the list.
 * Rule: the exporter gathers the places of all bins of two dimensions: [bins][places] of the rows, and of the
 * columns. If all bins have the same length, it takes the mean over both places. Otherwise it sets the
 * places after the end of a bin to 0, adds each pair of places, and divides by the lengths.
 * Source: PyTorch 2, adaptive_avg_pool2d of torch/_decomp; bin i is [floor(i n / b), ceil((i + 1) n / b)).
 */
import { Attributes } from './attributes.ts';
import { Instead, int, ints } from './instead.ts';
import { constantsOf } from './norms.ts';
import type { OnnxGraph, OnnxNode } from './proto.ts';
import { type Const, countOf } from './tensor.ts';

/** Elements [from, to) of a dimension. */
interface Bin {
  from: number;
  to: number;
}

/** What a Gather read of a value [n, c, rows, columns]. */
interface Gathered {
  x: string;
  /** Gathered rows and columns: [bins][places]. */
  places: readonly [rows: number[][], columns: number[][]];
  /** Places that count, by dimension: [bins][places]. */
  counted: readonly [rows: boolean[][], columns: boolean[][]];
}

type Form =
  | { kind: 'moved'; x: string }
  | { kind: 'taken' | 'gathered'; from: Gathered }
  | { kind: 'row'; from: Gathered; row: number }
  /** The sum of pairs of places; bit row * columns + column. */
  | { kind: 'sum'; from: Gathered; pairs: bigint };

/** Largest number of pairs of places in a bin. A choice: a minute at 50 frames a second has 3,000. */
const maxPairs = 1 << 13;

/** Largest number of nodes that are searched. A choice: a bin of 8,192 places takes three nodes for each. */
const maxSearched = 1 << 15;

const each = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));
const isPerm = (node: OnnxNode, perm: readonly number[]): boolean => `${new Attributes(node).ints('perm')}` === `${perm}`;

/** Returns rows and columns of indexes [bins][places][bins][places][2]; undefined if they are no grid. */
function gridOf({ dims, data }: Const): Gathered['places'] | undefined {
  const [rowBins = 0, rows = 0, columnBins = 0, columns = 0] = dims;
  if (dims.length !== 5 || dims[4] !== 2 || countOf(dims) === 0 || rows * columns > maxPairs) return undefined;
  const at = (a: number, b: number, c: number, d: number, i: number) =>
    Number(data[2 * (((a * rows + b) * columnBins + c) * columns + d) + i]);
  const row = each(rowBins, (a) => each(rows, (b) => at(a, b, 0, 0, 0)));
  const column = each(columnBins, (c) => each(columns, (d) => at(0, 0, c, d, 1)));
  const isGrid = row.every((places, a) =>
    places.every((r, b) =>
      column.every((others, c) => others.every((q, d) => at(a, b, c, d, 0) === r && at(a, b, c, d, 1) === q)),
    ),
  );
  return isGrid ? [row, column] : undefined;
}

/** Returns the value of a constant at an index of a larger shape, to which it is broadcast. */
function valueAt({ dims, data }: Const, index: readonly number[]): number {
  const own = index.slice(index.length - dims.length);
  return Number(data[dims.reduce((at, length, i) => at * length + (length === 1 ? 0 : (own[i] as number)), 0)]);
}

const fits = ({ dims }: Const, shape: readonly number[]): boolean =>
  dims.length <= shape.length && dims.every((n, i) => n === 1 || n === shape[shape.length - dims.length + i]);

/** Returns what counts after `mask` sets places to 0; undefined if it mixes dimensions. */
function without(from: Gathered, mask: Const): Gathered | undefined {
  const [rows, columns] = from.counted;
  const shape = [rows.length, rows[0]?.length ?? 0, columns.length, columns[0]?.length ?? 0];
  if (!fits(mask, shape)) return undefined;
  const overRows = mask.dims.length <= 2 || mask.dims.slice(-4, -2).every((n) => n === 1);
  const overColumns = mask.dims.slice(-2).every((n) => n === 1);
  if (!overRows && !overColumns) return undefined;
  const counted = [
    rows.map((places, a) => places.map((is, b) => is && (overRows || valueAt(mask, [a, b, 0, 0]) === 0))),
    columns.map((places, c) => places.map((is, d) => is && (overColumns || valueAt(mask, [0, 0, c, d]) === 0))),
  ] as const;
  return { ...from, counted };
}

/** Returns the bins of a dimension; undefined if the places of one do not follow one another. */
function binsOf(places: number[][], counted: boolean[][]): Bin[] | undefined {
  const bins = places.map((all, i): Bin => {
    const own = all.filter((_, k) => counted[i]?.[k]);
    const [from = 0] = own;
    return own.every((at, k) => at === from + k) ? { from, to: from + own.length } : { from: 0, to: 0 };
  });
  return bins.every(({ from, to }) => Number.isInteger(from) && from >= 0 && to > from) ? bins : undefined;
}

const lengthOf = ({ from, to }: Bin): number => to - from;

/** Adds the means of bins of dimension `axis` (2 or 3) of x. */
function meansOf(made: Instead, x: string, axis: number, bins: readonly Bin[]): string {
  if (bins.every(({ from, to }, i) => from === i && to === i + 1)) return x;
  const [first = { from: 0, to: 0 }, second = first] = bins;
  const [length, stride] = [lengthOf(first), bins.length > 1 ? second.from - first.from : 1];
  if (bins.every(({ from, to }, i) => from === i * stride && to === from + length)) {
    const along = (n: number) => (axis === 2 ? ints(n, 1) : ints(1, n));
    return made.add('AveragePool', [x], { kernel_shape: along(length), strides: along(stride) });
  }
  const parts = bins.map(({ from, to }) => {
    const part = made.add('Slice', [x, made.dims(from), made.dims(to), made.dims(axis)]);
    const mean = made.add('ReduceMean', [part, made.dims(axis)], { keepdims: int(0) });
    return made.add('Unsqueeze', [mean, made.dims(axis)]);
  });
  return made.add('Concat', parts, { axis: int(axis) });
}

class Finder {
  private readonly forms = new Map<string, Form>();
  private readonly constants: ReadonlyMap<string, Const>;
  constructor(constants: ReadonlyMap<string, Const>) {
    this.constants = constants;
  }

  /** Returns the nodes that replace the last node of a pooling; undefined if the node is none. */
  take(node: OnnxNode): OnnxNode[] | undefined {
    if (node.domain !== '' || node.outputs.length !== 1) return undefined;
    const pooled = this.pooled(node);
    if (pooled) {
      const [rows, columns] = [0, 1].map((i) => binsOf(pooled.places[i] as number[][], pooled.counted[i] as boolean[][]));
      if (!rows || !columns || !this.isMean(node, pooled, rows, columns)) return undefined;
      const made = new Instead(node);
      const mean = meansOf(made, meansOf(made, pooled.x, 3, columns), 2, rows);
      return made.nodes(mean === pooled.x ? made.add('Identity', [mean]) : mean);
    }
    const form = this.formOf(node);
    if (form) this.forms.set(node.outputs[0] as string, form);
    return undefined;
  }

  private formOf(node: OnnxNode): Form | undefined {
    const [first = '', second = '', third = ''] = node.inputs;
    const form = this.forms.get(first);
    if (node.op === 'Transpose') {
      if (form?.kind === 'taken' && isPerm(node, [4, 5, 0, 1, 2, 3])) return { ...form, kind: 'gathered' };
      return isPerm(node, [2, 3, 0, 1]) ? { kind: 'moved', x: first } : undefined;
    }
    if (node.op === 'GatherND' && form?.kind === 'moved') return this.gathered(node, form.x);
    if (node.op === 'Where') return this.masked(this.forms.get(third), first, second);
    if (node.op === 'Gather') return this.selected(node, form);
    const other = this.forms.get(second);
    if (node.op !== 'Add' || form?.kind !== 'sum' || other?.kind !== 'sum') return undefined;
    if (form.from !== other.from || (form.pairs & other.pairs) !== 0n) return undefined;
    return { ...form, pairs: form.pairs | other.pairs };
  }

  private gathered(node: OnnxNode, x: string): Form | undefined {
    const indexes = this.constants.get(node.inputs[1] ?? '');
    const places = indexes && new Attributes(node).int('batch_dims', 0) === 0 ? gridOf(indexes) : undefined;
    const all = (of: number[][]) => of.map((bin) => bin.map(() => true));
    return places && { kind: 'taken', from: { x, places, counted: [all(places[0]), all(places[1])] } };
  }

  private masked(form: Form | undefined, mask: string, zero: string): Form | undefined {
    const [condition, value] = [this.constants.get(mask), this.constants.get(zero)];
    if (form?.kind !== 'gathered' || !condition || value?.data.length !== 1 || Number(value.data[0]) !== 0) return undefined;
    const from = without(form.from, condition);
    return from && { kind: 'gathered', from };
  }

  /** One place of the rows, then one of the columns. */
  private selected(node: OnnxNode, form: Form | undefined): Form | undefined {
    const index = this.constants.get(node.inputs[1] ?? '');
    if (!index || index.dims.length > 0) return undefined;
    const [axis, place] = [new Attributes(node).int('axis', 0), Number(index.data[0])];
    if (form?.kind === 'gathered' && axis === 3) return { kind: 'row', from: form.from, row: place };
    if (form?.kind !== 'row' || axis !== 4) return undefined;
    const columns = form.from.places[1][0]?.length ?? 0;
    const [rows] = form.from.places;
    const isPlace = (at: number, count: number) => Number.isInteger(at) && at >= 0 && at < count;
    return isPlace(place, columns) && isPlace(form.row, rows[0]?.length ?? 0)
      ? { kind: 'sum', from: form.from, pairs: 1n << BigInt(form.row * columns + place) }
      : undefined;
  }

  /** Returns what the last node of a pooling reads, if it reads all places. */
  private pooled({ op, inputs: [x = ''] }: OnnxNode): Gathered | undefined {
    const form = this.forms.get(x);
    if (op === 'ReduceMean' && form?.kind === 'gathered') return form.from;
    if (op !== 'Div' || form?.kind !== 'sum') return undefined;
    const [rows, columns] = form.from.places;
    const pairs = BigInt((rows[0]?.length ?? 0) * (columns[0]?.length ?? 0));
    return form.pairs === (1n << pairs) - 1n ? form.from : undefined;
  }

  /** Checks that the last node divides each bin's sum by the number of its places. */
  private isMean(node: OnnxNode, { counted }: Gathered, rows: readonly Bin[], columns: readonly Bin[]): boolean {
    const attributes = new Attributes(node);
    const second = this.constants.get(node.inputs[1] ?? '');
    if (node.op === 'ReduceMean') {
      const axes = [...(attributes.ints('axes') ?? second?.data ?? [])].map((a) => (Number(a) + 6) % 6).sort();
      const isAll = counted.flat(2).every(Boolean);
      return isAll && attributes.int('keepdims', 1) === 0 && `${axes}` === '3,5';
    }
    return (
      second !== undefined &&
      fits(second, [rows.length, columns.length]) &&
      rows.every((r, a) => columns.every((q, c) => valueAt(second, [a, c]) === lengthOf(r) * lengthOf(q)))
    );
  }
}

export function withAdaptivePools(nodes: OnnxNode[], model: Pick<OnnxGraph, 'initializers' | 'outputs'>): OnnxNode[] {
  if (nodes.length > maxSearched || !nodes.some(({ op }) => op === 'GatherND')) return nodes;
  const finder = new Finder(constantsOf(nodes, model));
  return nodes.flatMap((node) => finder.take(node) ?? [node]);
}
