/**
 * Why layers that have no streaming form are refused: rules R10 and R13, by the operator's name and what is
 * known of its input.
 *
 * In: an operator's name (ONNX or TensorFlow Lite) and its first input.  Out: the reason with its numbers and
 * what to do, or nothing where neither rule is the cause.  Source: StreamiNNC section 2, R10 (statistics over
 * time) and R13 (recurrence, attention, softmax over time, positional encodings); docs/errors.md explains
 * both.
 */
import type { Layout } from './layout.ts';

/** What is known of a refused operator. */
export interface Seen {
  /** Dimensions of the first input in the file. */
  dims?: readonly number[];
  /** How they lie, where the reader came so far. */
  layout?: Layout;
  /**
   * Dimensions that the operator works over: numbers, or `from` the one to the last. Left out: all behind the
   * channels.
   */
  over?: readonly number[] | { from: number };
  /** The ONNX attribute. */
  direction?: string;
}

type Kind = 'recurrent' | 'backwards' | 'attention' | 'position' | 'spatial' | 'normalise' | 'cumulative';

const operators: Record<Kind, string> = {
  recurrent: 'LSTM GRU RNN UNIDIRECTIONAL_SEQUENCE_LSTM UNIDIRECTIONAL_SEQUENCE_RNN',
  backwards: 'BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN',
  attention: 'GroupQueryAttention LinearAttention',
  position: 'RotaryEmbedding',
  spatial: 'InstanceNormalization GroupNormalization',
  normalise: 'LayerNormalization RMSNormalization SimplifiedLayerNormalization LpNormalization L2_NORMALIZATION',
  cumulative: 'CumSum CUMSUM',
};
const kinds = new Map(Object.entries(operators).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind as Kind])));

/** Frames in a layout: 1 where time has ended. */
export const framesOf = (layout: Layout): number => layout.flat().reduce((n, f) => (f.axis === 't' ? n * f.length : n), 1);

const shape = ({ dims }: Seen): string => (dims ? ` of [${dims.join(', ')}]` : '');
const rows = ({ layout }: Seen, what: string): string => (layout ? `the ${framesOf(layout)} ${what}` : `all ${what}`);
const onHost = (seen: Seen): string =>
  `end the exported model at its input${shape(seen)} and run it on the host, behind the embedding`;
const fixed = 'use batch norm, whose statistics are fixed in training, or normalise the channels of each frame';

/** R13: an operator that is attention as a whole. */
export const attention = (seen: Seen): string =>
  `rule R13: attention reads ${rows(seen, 'rows of the window')} at every output; Attention and MultiHeadAttention without a mask are read, and single operators (MatMul, Softmax, MatMul): export it so, or ${onHost(seen)}`;

/** R13: a constant that differs from frame to frame. */
export const position = (frames: number): string =>
  `rule R13: as a positional encoding it gives a frame another value in each of the windows that share it (${frames} places); add it on the host, behind the embedding`;

/** R13: a softmax whose divisor runs over time. */
export const softmaxOverTime = (frames: number): string =>
  `a softmax over time (rule R13): its divisor runs over ${frames} rows and changes with every frame; run it on the host, behind the embedding`;

/** R10: a value of the whole window meets its rows. */
export const feedback = (frames: number): string =>
  `rule R10: a statistic over the window (1 row) meets its ${frames} rows, so a frame that two windows share would have two values; ${fixed}`;

/** Two inputs of one operator, of which one has lost its time. */
export function feedsBack(a: Layout, b: Layout): number | undefined {
  const [x, y] = [framesOf(a), framesOf(b)];
  return Math.min(x, y) === 1 && Math.max(x, y) > 1 ? Math.max(x, y) : undefined;
}

/** Does the operator work along time? Undefined where that is not known. */
function overTime({ layout, over }: Seen, from: number): boolean | undefined {
  if (!layout) return undefined;
  const first = over && 'from' in over ? over.from : from;
  const rank = layout.length;
  const dims = Array.isArray(over)
    ? over.map((d) => (d < 0 ? d + rank : d))
    : layout.map((_, i) => i).slice(first < 0 ? first + rank : first);
  return dims.some((d) => (layout[d] ?? []).some((f) => f.axis === 't' && f.length > 1));
}

function normalisation(seen: Seen, from: number): string {
  const along = overTime(seen, from);
  if (along === false)
    return 'it normalises within each frame, which would stream (rule R10), but there is no kernel for it; use batch norm';
  return `rule R10: its statistics run over ${rows(seen, 'frames of the window')}, so a frame that two windows share would have two values; ${fixed}`;
}

/** The reason, or nothing. */
export function streamingReason(op: string, seen: Seen): string | undefined {
  const kind = seen.direction && seen.direction !== 'forward' && kinds.get(op) === 'recurrent' ? 'backwards' : kinds.get(op);
  switch (kind) {
    case 'recurrent':
      return `rule R13: recurrence runs through ${rows(seen, 'frames of the window')} from its first one at every output; ${onHost(seen)}`;
    case 'backwards':
      return `rule R13: it reads ${rows(seen, 'frames of the window')} backwards, so that every output needs all of them; ${onHost(seen)}`;
    case 'attention':
      return attention(seen);
    case 'position':
      return position(seen.layout ? framesOf(seen.layout) : 0);
    case 'spatial':
      return normalisation(seen, 2);
    case 'normalise':
      return normalisation(seen, -1);
    case 'cumulative':
      return `rule R10: its sum starts at the window's first frame, so a frame that two windows share would have two values; ${fixed}`;
  }
  return undefined;
}
