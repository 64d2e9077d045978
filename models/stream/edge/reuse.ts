/**
 * The layout of mode edge-exact for one choice: what an output computes, keeps and queues.
 *
 * In: a Graph, a hop and a Choice.  Out: a Layout: streams of interior rows, edge rows per tensor, folds, and
 * their cost.
 *
 * The interior rows of all windows form one stream. Windows need a tensor of jump J at every multiple of
 * g = gcd(hop, J). So its stream interleaves J / g phases, and a window reads every (J / g)-th stream row
 * (layout.ts says how rows are counted). The network thus runs without its strides, and the dilation of a
 * layer is multiplied by the phases of its input (the "trous" form of a strided network).
 *
 * Output n adds two edges, computed by the windowed formula: the right edge of window n, and the left edge of
 * window n + ahead, which waits in a queue until that window is due. Both read only interior rows that are
 * among the newest, so the state does not grow with the window. A fold (global average, global maximum, first
 * dense layer) over such a tensor keeps one accumulator per waiting window instead of the tensor's rows.
 *
 * Source: edge-exact proof, sections 2 (phases), 4 (keep: ahead = 0; fork: ahead > 0; fold; cone: left edges
 * from raw rows), 5 and 6. Exact for any hop and any padding.
 */
import { lcm } from '../../graph/clock.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { type GraphView, viewOf } from '../../graph/view.ts';
import type { WindowRule } from '../timing.ts';
import { edgesOf, mayReuse } from './edges.ts';
import { foldsOf } from './folds.ts';
import type { Choice, Edge, Layout, Stream, Taps } from './layout.ts';
import { tapsOf } from './taps.ts';

/** Returns the rows that are kept from one micro-hop to the next. */
export const historyOf = (at: Stream): number => Math.max(0, at.newest - at.microRows + 1 - at.oldest);

interface Context {
  graph: Graph;
  view: GraphView;
  choice: Choice;
  edges: Map<number, Edge>;
  trunk: Set<Node>;
  /** Tensors that a fold keeps as accumulators, and tensors whose interior rows lie in a ring. */
  folded: Set<number>;
  ringed: Set<number>;
  taps: Map<Node, Taps>;
}

/** Returns the streamed layers that read rows of tensor `id`, without those that sum taps (oldestRow). */
const trunkReaders = (ctx: Context, id: number): Node[] =>
  ctx.view.readers(id).filter((n) => ctx.trunk.has(n) && !ctx.taps.has(n));
const edgeOf = (ctx: Context, id: number): Edge => ctx.edges.get(id) as Edge;
const windowRule = (ctx: Context, node: Node): WindowRule => ctx.view.rule(node) as WindowRule;

/** Checks whether a fold reads a tensor, so that its interior rows are not kept for whole windows. */
const isFolded = (ctx: Context, id: number): boolean => ctx.folded.has(id) || ctx.ringed.has(id);

/** Checks whether an output, or a node that computes whole windows, reads the whole window of a tensor. */
const isWhole = (ctx: Context, id: number): boolean =>
  ctx.view.isOutput(id) || (!isFolded(ctx, id) && ctx.view.readers(id).some((n) => !ctx.trunk.has(n)));

/** Returns those of nodes [0, depth) that may reuse rows and whose inputs all stream. */
export function reusingNodes(graph: Graph, edges: Map<number, Edge>, depth: number): Set<Node> {
  const reusing = new Set<Node>();
  const known = new Set(graph.inputs.map((p) => p.tensor));
  for (const node of graph.nodes.slice(0, depth)) {
    const e = edges.get(node.output);
    if (!e || !mayReuse(e) || !node.inputs.every((id) => known.has(id))) continue;
    reusing.add(node);
    known.add(node.output);
  }
  return reusing;
}

/** Returns by tensor id the last row that left edges need, -1 if none. Graph inputs are included. */
function leftTops(ctx: Context): Map<number, number> {
  const tops = new Map<number, number>();
  const reach = (id: number): number => {
    let top = -1;
    for (const node of trunkReaders(ctx, id)) {
      const last = leftRows(ctx, node, tops) - 1;
      const { kernel, stride, dilation, pad } = windowRule(ctx, node);
      if (last >= 0) top = Math.max(top, Math.min(edgeOf(ctx, id).rows - 1, last * stride - pad[0] + (kernel - 1) * dilation));
    }
    return top;
  };
  for (const node of [...ctx.graph.nodes].reverse()) {
    if (!ctx.trunk.has(node)) continue;
    const lastOfEdge = isWhole(ctx, node.output) || isFolded(ctx, node.output) ? edgeOf(ctx, node.output).left - 1 : -1;
    tops.set(node.output, Math.max(lastOfEdge, reach(node.output)));
  }
  for (const port of ctx.graph.inputs) tops.set(port.tensor, reach(port.tensor));
  return tops;
}

/** Returns the rows that a node computes for left edges. */
function leftRows(ctx: Context, node: Node, tops: Map<number, number>): number {
  const top = tops.get(node.output) ?? -1;
  const isRecomputed = ctx.choice.recomputed.has(node) && !ctx.taps.has(node);
  return isRecomputed ? top + 1 : Math.min(edgeOf(ctx, node.output).left, top + 1);
}

/** Adds to each stream the rows that edges need. For graph inputs no row is computed. */
function addEdges(ctx: Context, tops: Map<number, number>, streams: Map<number, Stream>): void {
  const lowest = (id: number): number => {
    let low = isWhole(ctx, id) ? 0 : edgeOf(ctx, id).rows;
    for (const node of trunkReaders(ctx, id)) {
      const e = edgeOf(ctx, node.output);
      const { stride, pad } = windowRule(ctx, node);
      if (e.right > 0) low = Math.min(low, Math.max(0, (e.rows - e.right) * stride - pad[0]));
    }
    return low;
  };
  const add = (id: number, node?: Node) => {
    const e = edgeOf(ctx, id);
    const computes = node !== undefined;
    const top = tops.get(id) ?? -1;
    const first = Math.min(lowest(id), computes && e.right > 0 ? e.rows - e.right : e.rows);
    const found = streams.get(id) as Stream;
    // without waiting windows, a ring's folds read the left edge where it is computed
    found.spliced = isWhole(ctx, id) || (ctx.ringed.has(id) && ctx.choice.ahead > 0) ? e.left : 0;
    if (top >= 0) found.leftEdge = { computed: node ? leftRows(ctx, node, tops) : 0, rows: top + 1 };
    if (first < e.rows) found.window = { first, right: computes ? e.right : 0 };
  };
  for (const node of [...ctx.graph.nodes].reverse()) if (ctx.trunk.has(node)) add(node.output, node);
  for (const port of ctx.graph.inputs) add(port.tensor);
}

/** Returns the oldest stream row that is read when window n is due. */
function oldestRow(ctx: Context, id: number, streams: Map<number, Stream>): number {
  const stream = streams.get(id) as Stream;
  let oldest = stream.newest - (isFolded(ctx, id) ? stream.newRows : stream.microRows) + 1;
  for (const node of trunkReaders(ctx, id)) {
    const out = streams.get(node.output) as Stream;
    const { pad } = windowRule(ctx, node);
    const ratio = out.jump / out.phases / (stream.jump / stream.phases);
    oldest = Math.min(oldest, (out.newest - out.microRows + 1) * ratio - pad[0] * stream.phases);
  }
  for (const [node, { grid, unrecorded }] of ctx.taps)
    if (node.inputs[0] === id)
      for (const row of unrecorded) oldest = Math.min(oldest, row.at * grid - windowRule(ctx, node).pad[0]);
  const { left, right, rows, phases, window, leftEdge, shift } = stream;
  const interiorFirst = Math.max(window?.first ?? rows, left);
  if (window && interiorFirst < rows - right) oldest = Math.min(oldest, interiorFirst * phases);
  if (leftEdge && leftEdge.rows > leftEdge.computed) oldest = Math.min(oldest, leftEdge.computed * phases + shift);
  if (ctx.folded.has(id) && left * phases + shift <= stream.newest) oldest = Math.min(oldest, left * phases + shift);
  return oldest;
}

/** Returns the number of outputs after which phases and queue positions repeat. */
export function periodOf({ streams, taps, folds, choice }: Pick<Layout, 'streams' | 'taps' | 'folds' | 'choice'>): number {
  const phases = [...streams.values()].map((s) => s.phases);
  const slots = [...taps.values()].flatMap((t) => [t.records, t.waiting, t.unrecordedWaiting]);
  const queues = [...folds.values()].map((f) => f.slots);
  return [choice.ahead, ...phases, ...slots, ...queues].filter((n) => n > 0).reduce(lcm, 1);
}

/** The output counter of a module is an i32 that also has to hold windows ahead. */
const maxPeriod = 2 ** 30;

/**
 * Returns the layout of a choice. Returns undefined if the choice reads rows that are not complete yet, has
 * no tap sums although it asks for them, repeats too late, or if the micro-hop does not bring whole rows.
 */
export function layoutOf(
  graph: Graph,
  hop: number,
  choice: Choice,
  microHop = hop,
  edges = edgesOf(graph, hop),
): Layout | undefined {
  const trunk = reusingNodes(graph, edges, choice.depth);
  const view = viewOf(graph);
  const ctx: Context = { graph, view, choice, edges, trunk, folded: new Set(), ringed: new Set(), taps: new Map() };
  const streams = streamsOf(ctx, hop, microHop);
  if (!streams) return undefined;
  const folds = foldsOf(graph, streams, trunk, choice.ahead);
  for (const [node, { shared }] of folds) (shared ? ctx.ringed : ctx.folded).add(node.inputs[0] as number);
  for (const node of choice.taps === undefined ? [] : trunk) {
    const taps = tapsOf(graph, node, streams, choice.ahead, choice.taps as number);
    if (taps) ctx.taps.set(node, taps);
  }
  if (choice.taps !== undefined && ctx.taps.size === 0) return undefined;
  addEdges(ctx, leftTops(ctx), streams);
  for (const [id, at] of streams) {
    const { leftEdge, phases, shift, newest } = at;
    if (leftEdge && leftEdge.rows > leftEdge.computed && (leftEdge.rows - 1) * phases + shift > newest) return undefined;
    at.oldest = oldestRow(ctx, id, streams);
  }
  const parts = { choice, trunk, streams, folds, taps: ctx.taps };
  const layout = { ...parts, rows: rowsOf(ctx, streams), stateBytes: stateOf(graph, parts) };
  return periodOf(layout) <= maxPeriod ? layout : undefined;
}

/**
 * Returns the streams of inputs and trunk tensors, still without edges. Returns undefined if the micro-hop
 * does not bring whole rows.
 */
function streamsOf({ graph, edges, trunk, choice }: Context, hop: number, microHop: number): Map<number, Stream> | undefined {
  const streams = new Map<number, Stream>();
  for (const id of [...graph.inputs.map((p) => p.tensor), ...[...trunk].map((n) => n.output)]) {
    const edge = edges.get(id) as Edge;
    const newest = (edge.rows - edge.right - 1) * edge.phases;
    const microRows = (edge.newRows * microHop) / hop;
    if (!Number.isInteger(microRows)) return undefined;
    streams.set(id, { ...edge, microRows, newest, oldest: newest, shift: choice.ahead * edge.newRows, spliced: 0 });
  }
  return streams;
}

/** Returns the rows that each node computes per output. */
function rowsOf(ctx: Context, streams: Map<number, Stream>): Map<Node, number> {
  return new Map(
    ctx.graph.nodes.map((node) => {
      const at = ctx.trunk.has(node) ? streams.get(node.output) : undefined;
      if (!at) return [node, ctx.view.rows(node.output)];
      const edgeRows = ctx.taps.has(node) ? 0 : (at.leftEdge?.computed ?? 0) + (at.window?.right ?? 0);
      return [node, at.newRows + edgeRows];
    }),
  );
}

/** Returns the bytes that are kept: stream rows, queued left edges, tap sums and accumulators. */
function stateOf(graph: Graph, { streams, choice, taps, folds }: Omit<Layout, 'rows' | 'stateBytes'>): number {
  const view = viewOf(graph);
  let bytes = 0;
  for (const [id, at] of streams) bytes += (historyOf(at) + choice.ahead * at.spliced) * view.frameBytes(id);
  for (const { stateBytes } of [...taps.values(), ...folds.values()]) bytes += stateBytes;
  return bytes;
}
