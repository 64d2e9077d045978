/**
 * Reasons for refusing layers that cannot stream (rules R10 and R13).
 *
 * In: an operator's name (ONNX or TensorFlow Lite) and what is known of its first input.  Out: the reason
 * with its numbers and a remedy, or undefined if neither rule applies.  Source: StreamiNNC section 2, R10
 * (statistics over time) and R13 (recurrence, attention, softmax over time, positional encodings);
 * docs/errors.md explains both.
 */
import type { Layout } from './layout.ts';

/** What is known of a refused operator. */
export interface Seen {
  /** Dimensions of the first input in the file. */
  dims?: readonly number[];
  /** Their layout, if the reader already knows it. */
  layout?: Layout;
  /**
   * Dimensions that the operator works over: a list, or all from `from` to the last. Default: all dimensions
   * after the channels, or only the last one, depending on the operator.
   */
  over?: readonly number[] | { from: number };
  /** The ONNX attribute `direction`. */
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

/** Returns the number of frames in a layout; 1 if no time axis is left. */
export const framesOf = (layout: Layout): number => layout.flat().reduce((n, f) => (f.axis === 't' ? n * f.length : n), 1);

const shape = ({ dims }: Seen): string => (dims ? ` of [${dims.join(', ')}]` : '');
const rows = ({ layout }: Seen, what: string): string => (layout ? `the ${framesOf(layout)} ${what}` : `all ${what}`);
const onHost = (seen: Seen): string =>
  `end the exported model at its input${shape(seen)} and run it on the host, behind the embedding`;
const fixed = 'use batch norm, whose statistics are fixed in training, or normalise the channels of each frame';

/** R13: one operator computes the whole attention. */
const attention = (seen: Seen): string =>
  `rule R13: attention reads ${rows(seen, 'rows of the window')} at every output; Runlet reads Attention and MultiHeadAttention without a mask, and attention as MatMul, Softmax and MatMul: export one of these, or ${onHost(seen)}`;

/** R13: a constant that differs from frame to frame. */
export const position = (frames: number): string =>
  `rule R13: a positional encoding gives a frame a different value in each window that contains it (${frames} places); add it on the host, behind the embedding`;

/** R13: a softmax whose divisor is a sum over time. */
export const softmaxOverTime = (frames: number): string =>
  `a softmax over time (rule R13): its divisor runs over ${frames} rows and changes with every frame; run it on the host, behind the embedding`;

/** R10: a value of the whole window is combined with its rows. */
export const feedback = (frames: number): string =>
  `rule R10: a statistic over the window (1 row) is combined with its ${frames} rows, so a frame that two windows share would have two values; ${fixed}`;

/** Returns the number of frames if exactly one of two operands has lost its time axis. */
export function feedsBack(a: Layout, b: Layout): number | undefined {
  const [x, y] = [framesOf(a), framesOf(b)];
  return Math.min(x, y) === 1 && Math.max(x, y) > 1 ? Math.max(x, y) : undefined;
}

/** Checks whether the operator works along time. Undefined if the layout is not known. */
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

/** Returns the reason for the refusal, or undefined. */
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
