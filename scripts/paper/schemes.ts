/**
 * The paper's schemes to compute an embedding. Only their numerical results are computed; they save no work
 * here.
 *
 * In: layers and a signal.  Out: rows.  Source: StreamiNNC sections 1.2 to 1.6. A window starts at a frame of
 * the signal. The schemes differ in the rows that replace the zeros of the windowed model.
 */
import { cut, join, type Layer, type Rows, slide, zeros } from './trunk.ts';

/**
 * Returns the rows of all layers, with zeros at both ends of `x`. Over a whole signal this is exact streaming
 * with look-ahead.
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
 * Returns rows computed hop by hop, each hop with zeros on its right.
 * @param x signal of whole hops
 * @param history true: the left padding is the end of the layer's previous input, as in the paper's code for
 * 'same' convolutions; false: it is zeros (the approximate mode)
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
 * Returns the rows of all layers for a window with `context` earlier frames instead of zero padding (signal
 * padding, section 1.4). Rows of the earlier frames are left out.
 */
export function signalPadded(layers: Layer[], x: Rows, start: number, window: number, context: number): Rows[] {
  const extended = zeroPadded(layers, cut(x, start - context, context + window));
  return extended.map((y, i) => cut(y, context / (layers[i] as Layer).jump, window / (layers[i] as Layer).jump));
}

/**
 * How a layer's cached rows are shifted at hop n: `floored` at every pool, as in the paper's code, or `by
 * time`.
 */
export type Shift = 'floored' | 'by time';

/**
 * Yields the embedding of window n, which starts at `start` + n * hop. Each layer caches a window of its
 * rows, shifts them and computes only the last ones (section 1.6, misaligned pools). The cache starts with
 * signal padding, so zero padding has no effect. Layers must be causal.
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
