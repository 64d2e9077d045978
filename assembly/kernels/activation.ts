/**
 * activation: a table of 256 int8 values applied to every element.
 *
 * In: X s8 [...][COUNT].  Out: rows first to first + rows - 1 of Y s8 [...][COUNT].  y = table[x + 128].  Exact: quant/ops/activation.ts made the table.
 */
import { COUNT, TABLE, X, Y } from "./block";

export function activation_s8(p: usize, first: i32, rows: i32): void {
  const count = load<i32>(p, COUNT);
  const table = load<i32>(p, TABLE) + 128; // s8 [256], from entry 0
  for (let i = first * count; i < (first + rows) * count; i++) {
    store<i8>(load<i32>(p, Y) + i, load<i8>(table + <i32>load<i8>(load<i32>(p, X) + i)));
  }
}
