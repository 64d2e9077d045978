/**
 * edge-exact: what is computed, kept and queued at every output, for one choice of depth and left-edge
 * method.
 *
 * In: a Graph, a hop and a Choice.  Out: a Layout: buffers of the interior, edge work per tensor, folds, with
 * their cost.
 *
 * The interior of all windows is one stream. A tensor of jump J is needed at every position that is a
 * multiple of g = gcd(hop, J), so its stream holds J / g phases, interleaved: the network without its
 * strides, where a layer's dilation grows by J / g of its input (the "trous" form of a strided network).
 * Window n reads every (J / g)-th row of it. At output n two edges are added, by the windowed formula: the
 * right edge of window n, and the left edge of window n + ahead, which waits in a queue until that window
 * falls due. Both read interior rows that are among the newest, so that what is kept does not grow with the
 * window. A fold (global average, global maximum, first dense layer) over such a tensor keeps one accumulator
 * per waiting window in place of the tensor's rows.
 *
 * Rows of the stream count from the start of window n: row f of window n is row f * step, row f of window n +
 * ahead is f * step + shift.
 *
 * Source: edge-exact proof, sections 2 (phases), 4 (keep: ahead = 0; fork: ahead > 0; fold; cone: left edges
 * from raw rows), 5 and 6. Exact for any hop and any padding.
 */
import { lcm } from '../../graph/clock.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { type GraphView, viewOf } from '../../graph/view.ts';
import type { WindowRule } from '../timing.ts';
import { edgesOf, mayReuse } from './edges.ts';
import { foldOf, foldsOf } from './folds.ts';
import type { Choice, Edge, FoldReuse, Layout, Stream, Taps } from './layout.ts';
import { tapsOf } from './taps.ts';

/** Rows kept from one micro-hop to the next. */
export const historyOf = (at: Stream): number => Math.max(0, at.newest - at.microRows + 1 - at.oldest);

interface Context {
  graph: Graph;
  view: GraphView;
  choice: Choice;
  edges: Map<number, Edge>;
  trunk: Set<Node>;
  folded: Set<number>;
  taps: Map<Node, Taps>;
}

/**
 * Streamed layers that read rows of tensor `id`; one that sums taps reads each new row once and no others.
 */
const trunkReaders = (ctx: Context, id: number): Node[] =>
  ctx.view.readers(id).filter((n) => ctx.trunk.has(n) && !ctx.taps.has(n));
const edgeOf = (ctx: Context, id: number): Edge => ctx.edges.get(id) as Edge;
const windowRule = (ctx: Context, node: Node): WindowRule => ctx.view.rule(node) as WindowRule;

/** Somebody reads the whole window: an output, or a node that is computed whole. */
const isWhole = (ctx: Context, id: number): boolean =>
  ctx.view.isOutput(id) || ctx.view.readers(id).some((n) => !ctx.trunk.has(n) && !ctx.folded.has(id));

/** Nodes [0, depth) that may reuse rows, where all that they read do. */
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

/** Last row of each tensor that the left chain needs, -1 if none; by tensor id, inputs included. */
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
    const own = isWhole(ctx, node.output) || ctx.folded.has(node.output) ? edgeOf(ctx, node.output).left - 1 : -1;
    tops.set(node.output, Math.max(own, reach(node.output)));
  }
  for (const port of ctx.graph.inputs) tops.set(port.tensor, reach(port.tensor));
  return tops;
}

/** Rows that the left chain computes. */
function leftRows(ctx: Context, node: Node, tops: Map<number, number>): number {
  const top = tops.get(node.output) ?? -1;
  const again = ctx.choice.again.has(node) && !ctx.taps.has(node);
  return again ? top + 1 : Math.min(edgeOf(ctx, node.output).left, top + 1);
}

/** Adds to each stream what its edges need, graph inputs included (theirs computes nothing). */
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
    found.spliced = isWhole(ctx, id) ? e.left : 0;
    if (top >= 0) found.leftEdge = { computed: node ? leftRows(ctx, node, tops) : 0, rows: top + 1 };
    if (first < e.rows) found.window = { first, right: computes ? e.right : 0 };
  };
  for (const node of [...ctx.graph.nodes].reverse()) if (ctx.trunk.has(node)) add(node.output, node);
  for (const port of ctx.graph.inputs) add(port.tensor);
}

/** Oldest row of the stream that anybody reads when window n falls due. */
function oldestRow(ctx: Context, id: number, streams: Map<number, Stream>): number {
  const own = streams.get(id) as Stream;
  let oldest = own.newest - (ctx.folded.has(id) ? own.newRows : own.microRows) + 1;
  for (const node of trunkReaders(ctx, id)) {
    const out = streams.get(node.output) as Stream;
    const { pad } = windowRule(ctx, node);
    const ratio = out.jump / out.phases / (own.jump / own.phases);
    oldest = Math.min(oldest, (out.newest - out.microRows + 1) * ratio - pad[0] * own.phases);
  }
  for (const [node, { grid, again }] of ctx.taps)
    if (node.inputs[0] === id) for (const row of again) oldest = Math.min(oldest, row.at * grid - windowRule(ctx, node).pad[0]);
  const { left, right, rows, phases, window, leftEdge, shift } = own;
  const interiorFirst = Math.max(window?.first ?? rows, left);
  if (window && interiorFirst < rows - right) oldest = Math.min(oldest, interiorFirst * phases);
  if (leftEdge && leftEdge.rows > leftEdge.computed) oldest = Math.min(oldest, leftEdge.computed * phases + shift);
  if (ctx.folded.has(id) && left * phases + shift <= own.newest) oldest = Math.min(oldest, left * phases + shift);
  return oldest;
}

/** Outputs after which phases and queue slots repeat. */
export function periodOf({ streams, taps, choice }: Pick<Layout, 'streams' | 'taps' | 'choice'>): number {
  const phases = [...streams.values()].map((s) => s.phases);
  const slots = [...taps.values()].flatMap((t) => [t.records, t.waiting, t.againWaiting]);
  return [choice.ahead, ...phases, ...slots].filter((n) => n > 0).reduce(lcm, 1);
}

/** The output counter is an i32 with room for some windows more. */
const longestPeriod = 2 ** 30;

/**
 * The layout of one choice, or undefined where rows that it reads ahead are not there yet or the micro-hop
 * does not fit.
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
  const ctx: Context = { graph, view, choice, edges, trunk, folded: new Set(), taps: new Map() };
  const streams = streamsOf(ctx, hop, microHop);
  if (!streams) return undefined;
  for (const node of foldsOf(graph, streams, trunk, choice.ahead)) ctx.folded.add(node.inputs[0] as number);
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
  const folds = new Map(
    graph.nodes.flatMap((node): [Node, FoldReuse][] => {
      const [id] = node.inputs as [number];
      const isFolded = ctx.folded.has(id) && !trunk.has(node);
      return isFolded ? [[node, foldOf(graph, node, streams.get(id) as Stream, choice.ahead)]] : [];
    }),
  );
  const parts = { choice, trunk, streams, folds, taps: ctx.taps };
  const layout = { ...parts, rows: rowsOf(ctx, streams), stateBytes: stateOf(graph, parts) };
  return periodOf(layout) <= longestPeriod ? layout : undefined;
}

/**
 * Streams of the inputs and of what the trunk makes, without edges; undefined where the micro-hop does not
 * fit.
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

/** Rows that each node computes at an output. */
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

/** Bytes that are kept: rows of streams, left edges that wait, tap sums, accumulators. */
function stateOf(graph: Graph, { streams, choice, taps, folds }: Omit<Layout, 'rows' | 'stateBytes'>): number {
  const view = viewOf(graph);
  let bytes = 0;
  for (const [id, at] of streams) bytes += (historyOf(at) + choice.ahead * at.spliced) * view.frameBytes(id);
  for (const { stateBytes } of [...taps.values(), ...folds.values()]) bytes += stateBytes;
  return bytes;
}
