/**
 * What an edge-exact plan computes, keeps and queues (types): edges.ts, reuse.ts, fold.ts and taps.ts make
 * the values.
 *
 * Rows of a tensor's stream count from the start of window n: row f of window n is row f * step, row f of
 * window n + ahead is f * step + shift. Source: edge-exact proof, sections 2 to 6.
 */
import type { Node } from '../../graph/types.ts';

/** Geometry of a tensor's window: which of its rows other windows have too. */
export interface Edge {
  /** Units of time between two rows (clock.ts; with one input, frames). */
  jump: number;
  rows: number;
  /** Rows whose receptive field touches the left, the right window edge. */
  left: number;
  right: number;
  /** Rows between two windows of one phase: rows of the stream that arrive with one hop. */
  newRows: number;
  /** Phases alive: rows of the stream between two rows of a window. */
  phases: number;
}

export interface Choice {
  /** Windows by which left edges are computed ahead. 0: when their own window falls due. */
  ahead: number;
  /**
   * Nodes whose left edges read rows that are computed again at every output, in place of rows of the stream:
   * more work, and less history. All of them: the left edges come from the raw window.
   */
  again: ReadonlySet<Node>;
  /** Nodes [0, depth) may reuse rows; later ones are computed whole. */
  depth: number;
  /**
   * The first layer's edges as partial tap sums (taps.ts): less work, more state. So many rows of its left
   * edge have records. Those after them sum again what lies before the window.
   */
  taps?: number;
}

/** The stream of a tensor's interior rows: what is kept of it, and what is added to it at an output. */
export interface Stream extends Edge {
  /** Rows that arrive with one micro-hop. */
  microRows: number;
  /** Newest and oldest row held when window n falls due. */
  newest: number;
  oldest: number;
  /** Row 0 of window n + ahead. */
  shift: number;
  /**
   * Left edge of window n + ahead: `computed` rows from row 0 on, then interior rows up to `rows` that the
   * layers above read.
   */
  leftEdge?: { computed: number; rows: number };
  /** Rows [first, rows) of window n: interior rows, then `right` computed ones. */
  window?: { first: number; right: number };
  /** Left-edge rows in `window`, because somebody reads the whole window. */
  spliced: number;
}

export interface FoldReuse {
  /**
   * waiting: an accumulator per waiting window, into which every new row goes (maxima, first dense layer).
   * totals: the same for sums, with a running total per phase, so that only one accumulator is touched at an
   * output. ring: the rows of one window and their sum; new rows take the place of the oldest (mode stream,
   * where that is smaller). slide: partial maxima per hop, turned into maxima of all later ones once a cycle
   * (mode stream).
   */
  method: 'waiting' | 'totals' | 'ring' | 'slide';
  /** Places in the queue: accumulators, or rows. */
  slots: number;
  stream: Stream;
  /** Interior rows of window n + ahead that are there at output n. */
  openRows: number;
  /** Bytes of one place, and of the running total of one phase. */
  slotBytes: number;
  totalBytes: number;
  stateBytes: number;
}

/** A row of the first layer's left edge without a record. */
export interface TapsRow {
  /** Row of the left edge, of window n + `ahead`. */
  row: number;
  ahead: number;
  /** Row of the stream: it becomes complete in this hop. */
  at: number;
  /** So many of its taps lie before the window. */
  taps: number;
}

export interface Taps {
  /** Frames of the input between two rows of the stream. */
  grid: number;
  /**
   * Open rows of the stream when window n falls due: [accFirst, accFirst + accRows), the complete ones of
   * this hop first.
   */
  accFirst: number;
  accRows: number;
  /** Input frame, from the start of window n, at which window n + cutAhead starts. */
  cut: number;
  cutAhead: number;
  /** All left-edge rows of window n + completeAhead are complete. */
  completeAhead: number;
  /** Left-edge rows that have records; all of those of window n + recordsAhead are complete. */
  recorded: number;
  recordsAhead: number;
  /**
   * Records of windows between cutAhead and recordsAhead, and left edges of them that wait as int8 until
   * window n + ahead.
   */
  records: number;
  waiting: number;
  /**
   * The other left-edge rows, by row of the stream, and where that is the same by their taps. Windows whose
   * rows of them wait as int8; 0: all become complete when they are needed.
   */
  again: TapsRow[];
  againWaiting: number;
  /** Taps that are summed again at an output. */
  againTaps: number;
  stateBytes: number;
}

export interface Layout {
  choice: Choice;
  /** Nodes whose interior is streamed. */
  trunk: Set<Node>;
  /** By tensor id, graph inputs included. */
  streams: Map<number, Stream>;
  /** By the fold's node. */
  folds: Map<Node, FoldReuse>;
  /** First layers whose edges are partial tap sums. */
  taps: Map<Node, Taps>;
  /** Rows that each node computes at an output. */
  rows: Map<Node, number>;
  stateBytes: number;
}
