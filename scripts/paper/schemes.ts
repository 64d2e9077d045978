/**
 * The paper's ways to compute an embedding, as numerics: they save no work here.
 *
 * In: layers and a signal.  Out: rows.  Source: StreamiNNC sections 1.2 to 1.6. A window starts at a frame of
 * the signal; each scheme says which rows stand where the windowed model has zeros.
 */
import { cut, join, type Layer, type Rows, slide, zeros } from './trunk.ts';

/**
 * The model as it is: zeros at both ends of `x`. Over a whole signal this is exact streaming with look-ahead.
 * All layers' rows.
 */
export function zeroPadded(layers: Layer[], x: Rows): Rows[] {
  const all: Rows[] = [];
  let y = x;
  for (const layer of layers) {
    y = slide(layer, join(zeros(layer.pad[0], y.channels), y, zeros(layer.pad[1], y.channels)));
    all.push(y);
  }
  return all;
}

export const last = <T>(items: T[]): T => items[items.length - 1] as T;

/**
 * Hop by hop, each with zeros on its right. `history`: the left pad is the end of the layer's own previous
 * input, as the paper's code streams 'same' convolutions; without it the left pad is zeros, the approximate
 * mode. `x` is whole hops.
 */
export function hopByHop(layers: Layer[], x: Rows, hop: number, history: boolean): Rows {
  let y = x;
  let jump = 1;
  for (const layer of layers) {
    const rows = hop / jump;
    const [before, after] = layer.pad;
    const source: Rows = y;
    const hops = Array.from({ length: source.rows / rows }, (_, n) => {
      const known = history ? Math.min(before, n * rows) : 0;
      const left = [zeros(before - known, source.channels), cut(source, n * rows - known, known)];
      return slide(layer, join(...left, cut(source, n * rows, rows), zeros(after, source.channels)));
    });
    y = join(...hops);
    jump = layer.jump;
  }
  return y;
}

/**
 * Windows with `context` earlier frames in place of zero padding (signal padding, section 1.4): all layers'
 * rows of the window alone.
 */
export function signalPadded(layers: Layer[], x: Rows, start: number, window: number, context: number): Rows[] {
  const extended = zeroPadded(layers, cut(x, start - context, context + window));
  return extended.map((y, i) => cut(y, context / (layers[i] as Layer).jump, window / (layers[i] as Layer).jump));
}

/**
 * How far a layer's cached rows move at hop n: `floored` at every pool as the paper's code does, or such that
 * they follow time.
 */
export type Shift = 'floored' | 'by time';

/**
 * Each layer keeps a window of its rows, moves them and computes only the last ones (section 1.6, misaligned
 * pools). Seeded with signal padding, so that zero padding has no part in the result. Causal layers only.
 * Yields the embedding of window n, which starts at `start` + n * hop.
 */
export function* shifted(
  layers: Layer[],
  x: Rows,
  at: { start: number; window: number; hop: number; context: number },
  rule: Shift,
) {
  const { start, window, hop, context } = at;
  const caches = signalPadded(layers, x, start, window, context);
  yield last(caches);
  for (let n = 1; start + n * hop + window <= x.rows; n++) {
    let input = cut(x, start + n * hop, window);
    let moved = hop;
    let jump = 1;
    layers.forEach((layer, i) => {
      const stride = layer.jump / jump;
      jump = layer.jump;
      const byTime = Math.floor((n * hop) / jump) - Math.floor(((n - 1) * hop) / jump);
      moved = rule === 'floored' ? Math.floor(moved / stride) : byTime;
      const reach = moved * stride + layer.pad[0];
      const known = Math.min(reach, input.rows);
      const tail = join(zeros(reach - known, input.channels), cut(input, input.rows - known, known));
      const cache = caches[i] as Rows;
      input = join(cut(cache, moved, cache.rows - moved), slide(layer, tail));
      caches[i] = input;
    });
    yield last(caches);
  }
}
