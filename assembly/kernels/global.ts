/**
 * The parameter blocks of globalavg and globalmax. A fold reads more than what sums at once, and stands
 * behind it.
 */

@unmanaged
export class GlobalBlock {
  x: usize; // address of the first input row
  y: usize;
  rows: i32; // input rows
  count: i32; // outputs
  x_elements: i32; // elements of an input row
  partials: usize; // address of the first slot: i32 [slots][count] or s8 [slots][count]
  slot: usize; // address of the i32 that holds the current slot
  slots: i32;
  min: i32;
  max: i32;
  y_zero: i32;
  rule: i32; // 0 = divide by `places` and round, 1 = requantise
  places: i32; // elements of a mean
  offset: i32; // places * zero point of the input, subtracted by rule 1
  mult: i32;
  shift: i32;
}

/** With SIMD128. */
@unmanaged
export class GlobalSimdBlock extends GlobalBlock {
  mac: usize; // address of the SimdBlock that finishes the sums; 0 where the kernel is a plain one
}

/**
 * Accumulators of waiting windows. Rows of the stream count from the start of window n; row f of a window
 * lies `step` rows after row f - 1.
 * The fields from new_at on stand where DenseFoldBlock has its own.
 */
@unmanaged
export class GlobalFoldBlock extends GlobalSimdBlock {
  _68: i32;
  _72: i64;
  _80: i64;
  _88: i64;
  _96: i64;
  _104: i64;
  new_at: usize; // address of the first new row
  new_rows: i32; // rows of the stream that a hop brings
  newest: i32; // row of the newest
  step: i32;
  open: usize; // address of the first interior row of the window that opens
  open_rows: i32; // its rows, `step` apart
  right: usize; // address of the right edge's rows
  right_rows: i32;
  left: usize; // address of the left edge's rows, of the window that opens
  left_rows: i32;
  queue: usize; // address of the accumulators, one a waiting window
  waiting: i32; // waiting windows
  totals: usize; // address of the running totals, i32 [step][count]; globalmax: of the cycle's maximum
  row: i32; // elements of a row
}
