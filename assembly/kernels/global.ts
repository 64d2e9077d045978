/**
 * The parameter blocks of globalavg, globalmax and gem. Fields of a fold come after those of a whole window.
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

/** Block of kernels with SIMD128. */
@unmanaged
export class GlobalSimdBlock extends GlobalBlock {
  mac: usize; // address of the SimdBlock that finishes the sums; 0 for a plain kernel
}

/**
 * Accumulators of waiting windows. Rows of the stream are numbered from the start of window n. In the stream,
 * two rows of a window are `step` rows apart.
 * The fields from new_at on have the same offsets as in DenseFoldBlock.
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
  totals: usize; // address of the running totals, i32 [step][count]; globalmax: address of the maximum of the cycle
  row: i32; // elements of a row
}

/** Block of gem. The fields of a fold are 0 if a window is computed at once. */
@unmanaged
export class GemBlock extends GlobalFoldBlock {
  channels: i32;
  groups: usize; // address of u8 [channels]: table and roots of each channel
  tables: usize; // i64 [groups][256]: value of each byte
  roots: usize; // i64 [groups][255]: smallest sum of each output from -127 on
  sums: usize; // i64 [count], workspace of a window computed at once
}
