/**
 * dense: a fully connected layer over a whole window in int8.
 *
 * In: x s8 [per].  Out: y s8 [y_c].  acc = bias + sum w[u][i] * (x[i] - x_zero).  Exact: quant/ops/dense.ts.
 */
import { dot_s8 } from "./conv";
import { clamp, first_row, rescale } from "./fixed-point";
import { PlainBlock } from "./mac";

/**
 * Accumulators of waiting windows. Rows of the stream are numbered from the start of window n. In the stream,
 * two rows of a window are `step` rows apart.
 */
@unmanaged
export class DenseFoldBlock extends PlainBlock {
  new_at: usize; // address of the first new row
  new_rows: i32; // rows of the stream per hop
  newest: i32; // number of the newest row
  step: i32;
  open: usize; // address of the first interior row of the window that opens
  open_rows: i32; // rows of the opening window, `step` apart
  right: usize; // address of the right edge's rows
  right_rows: i32;
  left: usize; // address of the left edge's rows, of the window that opens
  left_rows: i32;
  queue: usize; // address of the accumulators, one per waiting window
  waiting: i32; // number of waiting windows
  totals: usize; // for globalavg and globalmax only
  row: i32; // elements of a row
}

// @ts-ignore: decorator
@inline
function finish(p: PlainBlock, u: i32, acc: i32): void {
  const m = load<i32>(p.multiplier + (u << 2));
  const s = <i32>load<i8>(p.shift + u);
  store<i8>(p.y + u, clamp(p.y_zero + rescale(acc, m, s), p.min, p.max));
}

export function dense_s8(p: PlainBlock): void {
  const n = p.per;
  for (let u: i32 = 0; u < p.y_c; u++) {
    const w = p.weights + u * n;
    finish(p, u, load<i32>(p.bias + (u << 2)) + dot_s8(p.x, w, n, p.x_zero));
  }
}

/**
 * Adds rows first to first + rows - 1 of a window to the accumulators of all units; the rows lie `pitch`
 * bytes apart.
 */
function add_rows(p: DenseFoldBlock, to: usize, x: usize, first: i32, rows: i32, pitch: i32): void {
  const n = p.per;
  const row = p.row;
  const zero = p.x_zero;
  for (let u: i32 = 0; u < p.y_c; u++) {
    const w = p.weights + u * n + first * row;
    let acc = load<i32>(to + (u << 2));
    for (let r: i32 = 0; r < rows; r++) acc += dot_s8(x + r * pitch, w + r * row, row, zero);
    store<i32>(to + (u << 2), acc);
  }
}

/**
 * Adds every row of a window once to the accumulator of the window, i32 [waiting][y_c] in all (edge-exact).
 */
export function dense_fold_s8(p: DenseFoldBlock, phase: i32): void {
  const units = p.y_c;
  const row = p.row;
  const step = p.step;
  const news = p.new_rows;
  const newest = p.newest;
  const slots = p.waiting;
  const left_rows = p.left_rows;
  for (let j: i32 = 0; j < slots; j++) {
    const slot = p.queue + ((phase + j) % slots) * (units << 2);
    const last = newest - j * news; // newest row, from the start of window n + j
    const first = first_row(last + 1 - news, step);
    const rows = last < first * step ? 0 : (last - first * step) / step + 1;
    add_rows(p, slot, p.new_at + (first * step - (last + 1 - news)) * row, first, rows, row * step);
  }
  const slot = p.queue + (phase % slots) * (units << 2);
  const right = newest / step + 1;
  add_rows(p, slot, p.right, right, p.right_rows, row);
  for (let u: i32 = 0; u < units; u++) {
    finish(p, u, load<i32>(slot + (u << 2)));
    store<i32>(slot + (u << 2), load<i32>(p.bias + (u << 2)));
  }
  add_rows(p, slot, p.left, 0, left_rows, row);
  add_rows(p, slot, p.open, left_rows, p.open_rows, row * step);
}
