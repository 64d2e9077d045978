/**
 * The parameter blocks of kernels that slide over time and features.
 *
 * Kernels take (p, first, rows): they write rows first to first + rows - 1 of the output; x and y are the
 * addresses of row 0.
 * A field whose name begins with _ is free: nothing is stored there.
 */

@unmanaged
export class SlidingBlock {
  x: usize; // address of the first input row
  y: usize; // address of the first output row
  _8: i32;
  x_rows: i32; // input rows present; taps outside 0 to x_rows - 1 are padding
  pad_t: i32;
  kernel_t: i32;
  stride_t: i32;
  dilation_t: i32;
  x_f: i32; // feature rows of the input
  x_c: i32; // channels of the input
  y_f: i32;
  y_c: i32;
  pad_f: i32;
  kernel_f: i32;
  stride_f: i32;
  dilation_f: i32;
  x_zero: i32; // zero point of the input
  min: i32;
  max: i32;
}

/** Block of maxpool and avgpool. */
@unmanaged
export class PoolBlock extends SlidingBlock {
  include_pad: i32; // avgpool: 1 = padded positions count in the divisor
}
