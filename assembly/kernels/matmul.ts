/**
 * matmul: products of two activations, for each head separately.
 *
 * In: x s8 [...][heads][terms], x2 s8, whose factors are where the steps say.  Out: rows first to first +
 * rows - 1 of y s8 [...][heads][outputs].  Exact: quant/ops/matmul.ts.  Cost: one multiply-add per product.
 */
import { clamp, requantise } from "./fixed-point";


@unmanaged
export class MatmulBlock {
  x: usize;
  y: usize;
  _8: i32;
  x2: usize; // address of the second input
  heads: i32;
  terms: i32; // products of an output
  outputs: i32; // outputs of a head in one row
  term_step: i32; // in x2, from one term to the next
  output_step: i32;
  head_step: i32;
  zero1: i32;
  zero2: i32;
  y_zero: i32;
  min: i32;
  max: i32;
  mult_y: i32;
  shift_y: i32;
}

export function matmul_s8(p: MatmulBlock, first: i32, rows: i32): void {
  const terms = p.terms;
  const term_step = p.term_step;
  const zero1 = p.zero1;
  let x = p.x + first * p.heads * terms;
  let y = p.y + first * p.heads * p.outputs;
  for (let row: i32 = 0; row < rows * p.heads; row++) {
    let sum: i32 = 0; // sum of x less its zero point; the zero point of x2 multiplies it
    for (let k: i32 = 0; k < terms; k++) sum += <i32>load<i8>(x + k) - zero1;
    let from = p.x2 + (row % p.heads) * p.head_step;
    for (let o: i32 = 0; o < p.outputs; o++) {
      let acc = -sum * p.zero2;
      let x2 = from;
      for (let k: i32 = 0; k < terms; k++) {
        acc += (<i32>load<i8>(x + k) - zero1) * <i32>load<i8>(x2);
        x2 += term_step;
      }
      store<i8>(y++, clamp(p.y_zero + requantise(acc, p.mult_y, p.shift_y), p.min, p.max));
      from += p.output_step;
    }
    x += terms;
  }
}
