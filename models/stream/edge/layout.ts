/**
 * What an edge-exact plan computes, keeps and queues (types).
 *
 * Made by edges.ts, reuse.ts, folds.ts and taps.ts. Source: edge-exact proof, sections 2 to 6.
 * The stream of a tensor holds its interior rows of all windows; a window reads every `phases`-th row. Stream
 * rows count from the start of window n, whose output is due: row f of window n is stream row f * phases, and
 * row f of window n + ahead is stream row f * phases + shift. A row is open while some of its taps have not
 * arrived, and complete afterwards.
 */
import type { Node } from '../../graph/types.ts';

/** Geometry of a tensor's window: which of its rows occur in other windows too. */
export interface Edge {
  /** Time between two rows, in units (graph/clock.ts; with one input, frames). */
  jump: number;
  /** Rows of one window. */
  rows: number;
  /** Rows whose receptive field touches the left window edge. */
  left: number;
  /** Rows whose receptive field touches the right window edge. */
  right: number;
  /** Stream rows that one hop adds. */
  newRows: number;
  /** Phases of the windows: the distance of two window rows in the stream. */
  phases: number;
}

/** What a layout is chosen by. */
export interface Choice {
  /** Left edges are computed this number of windows early. 0: when their window is due. */
  ahead: number;
  /**
   * Nodes that recompute, at every output, the interior rows that left edges of later layers read, instead of
   * keeping them: more work, less state. If all nodes do, left edges are computed from the raw window.
   */
  recomputed: ReadonlySet<Node>;
  /** Nodes [0, depth) may reuse rows; later nodes compute whole windows. */
  depth: number;
  /**
   * Edges of the first layer are partial tap sums (taps.ts): less work, more state. The value is the maximum
   * number of left-edge rows with records; the rows after them are summed again. Left out: no tap sums.
   */
  taps?: number;
}

/** A tensor's stream of interior rows, and the edge rows that an output adds. */
export interface Stream extends Edge {
  /** Stream rows that one micro-hop adds. */
  microRows: number;
  /** Newest stream row when window n is due. */
  newest: number;
  /** Oldest stream row that is read when window n is due. */
  oldest: number;
  /** Stream row of row 0 of window n + ahead. */
  shift: number;
  /**
   * Rows [0, rows) of window n + ahead, which left edges need. Rows [0, computed) are computed, the others
   * are interior rows of the stream.
   */
  leftEdge?: { computed: number; rows: number };
  /** Rows [first, rows) of window n: interior rows, of which the last `right` are the computed right edge. */
  window?: { first: number; right: number };
  /** Left-edge rows that are joined to the interior, because a reader needs the whole window; else 0. */
  spliced: number;
}

/** Rows [from, to) of a window that an output row reduces, as a ring of interior rows gives them. */
export interface Part {
  from: number;
  to: number;
  /** Stream rows from the part's last interior row to the newest; a sum adds that row. */
  enters: number;
  /** As `enters`. A sum subtracts this row, which left the part; a maximum takes this row as well. */
  leaves: number;
  /** A maximum: the level of both rows. */
  level: number;
  /** False if all rows of the part touch an edge of the window. */
  interior: boolean;
}

/** How a fold reads the rows of a ring. */
export interface SharedRing {
  /** True for the first fold of the ring, which adds the new rows. */
  first: boolean;
  /** Rows of each level. Level 0 holds the rows, level k the maxima of 2^k rows of a phase up to each row. */
  levels: readonly number[];
  parts: readonly Part[];
}

/** How a fold keeps partial results instead of rows. */
export interface FoldReuse {
  /**
   * waiting: one accumulator per waiting window; every new row goes into all of them (maxima, first dense
   * layer). totals: the same for sums, but a running total per phase takes the new rows, so an output touches
   * only one accumulator. parts: a ring of the input's interior rows, which all folds of the input share
   * (parts.ts). ring (mode stream): the rows of one window, and their sum. slide (mode stream): one partial
   * maximum per hop; once per cycle, each becomes the maximum of itself and all later ones.
   */
  method: 'waiting' | 'totals' | 'parts' | 'ring' | 'slide';
  /** Length of the queue: number of accumulators or, in a ring, of rows. */
  slots: number;
  /** Method parts. */
  shared?: SharedRing;
  stream: Stream;
  /** Interior rows of window n + ahead that are complete at output n. */
  openRows: number;
  /** Bytes of one queue entry. */
  slotBytes: number;
  /** Bytes of the running total of one phase; 0 if there is none. */
  totalBytes: number;
  stateBytes: number;
}

/** A left-edge row without a record. */
export interface TapsRow {
  /** Row of the left edge of window n + `ahead`. */
  row: number;
  ahead: number;
  /** The same row as stream row. It becomes complete in this hop. */
  at: number;
  /** Number of its taps that lie before the window. */
  taps: number;
}

/** Tap sums of a first layer (taps.ts). Fields `...Ahead` count windows after n, whose output is due. */
export interface Taps {
  /** Input frames between two stream rows. */
  grid: number;
  /** First stream row that has an accumulator. */
  accFirst: number;
  /** Number of accumulators: of the rows that become complete in this hop, then of the open rows. */
  accRows: number;
  /** Input frame, counted from the start of window n, where window n + cutAhead starts. */
  cut: number;
  /** The last window that starts before or at the end of window n. */
  cutAhead: number;
  /** The last window whose left-edge rows are all complete. */
  completeAhead: number;
  /** Left-edge rows with records: rows [0, recorded). */
  recorded: number;
  /** The last window whose left-edge rows with records are all complete. */
  recordsAhead: number;
  /** Windows that have records: those from recordsAhead to cutAhead. */
  records: number;
  /** Windows whose finished left-edge rows with records wait as int8 until they are needed. */
  waiting: number;
  /** Left-edge rows without records, ordered by stream row, then by taps. */
  unrecorded: TapsRow[];
  /** Windows whose unrecorded rows wait as int8. 0: these rows become complete when they are needed. */
  unrecordedWaiting: number;
  /** Taps that are summed again at an output, for the unrecorded rows. */
  repeatedTaps: number;
  stateBytes: number;
}

/** How one plan computes all tensors. */
export interface Layout {
  choice: Choice;
  /** Nodes whose interior rows are streamed. */
  trunk: Set<Node>;
  /** By tensor id, graph inputs included. */
  streams: Map<number, Stream>;
  /** Nodes that fold their input. */
  folds: Map<Node, FoldReuse>;
  /** First layers that compute interior and edges by tap sums. */
  taps: Map<Node, Taps>;
  /** Rows that each node computes per output. */
  rows: Map<Node, number>;
  stateBytes: number;
}
