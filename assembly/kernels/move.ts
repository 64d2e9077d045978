/**
 * move: copies bytes to lower addresses, or without overlap (history, input frames, outputs).
 *
 * In: src, bytes.  Out: dst.  Overlap is allowed if dst < src.  Sixteen bytes at a time, because not every
 * build of WAMR has the bulk-memory feature.
 */
import { EDGES, WIDE } from "./needs";

export function move_s8(
  dst: usize, // s8 [bytes]
  src: usize, // s8 [bytes]
  bytes: i32,
): void {
  let i: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 32 <= bytes; i += 32) {
      v128.store(dst + i, v128.load(src + i));
      v128.store(dst + i, v128.load(src + i, 16), 16);
    }
    for (; i + 16 <= bytes; i += 16) v128.store(dst + i, v128.load(src + i));
    for (; i + 8 <= bytes; i += 8) store<i64>(dst + i, load<i64>(src + i, 0, 1), 0, 1);
  } else if (WIDE) {
    for (; bytes >= 32; bytes -= 32) {
      store<i64>(dst, load<i64>(src, 0, 1), 0, 1);
      store<i64>(dst, load<i64>(src, 8, 1), 8, 1);
      store<i64>(dst, load<i64>(src, 16, 1), 16, 1);
      store<i64>(dst, load<i64>(src, 24, 1), 24, 1);
      src += 32;
      dst += 32;
    }
    for (; bytes >= 8; bytes -= 8) {
      store<i64>(dst, load<i64>(src, 0, 1), 0, 1);
      src += 8;
      dst += 8;
    }
  } else {
    for (; bytes >= 16; bytes -= 16) {
      store<i64>(dst, load<i64>(src, 0, 1), 0, 1);
      store<i64>(dst, load<i64>(src, 8, 1), 8, 1);
      dst += 16;
      src += 16;
    }
  }
  for (; i < bytes; i++) store<u8>(dst + i, load<u8>(src + i));
}

export function fill_s8(
  dst: usize, // s8 [bytes]
  value: i32,
  bytes: i32,
): void {
  let i: i32 = 0;
  if (EDGES) {
    // padding is written at every hop; without padding only the reset fills
    const eight = <i64>(value & 0xff) * 0x0101010101010101;
    for (; i + 8 <= bytes; i += 8) store<i64>(dst + i, eight, 0, 1);
  }
  for (; i < bytes; i++) store<u8>(dst + i, value);
}

/** Copies rows that lie `pitch` bytes apart to adjacent rows. */
export function gather_s8(
  dst: usize, // s8 [rows][bytes]
  src: usize,
  rows: i32,
  bytes: i32,
  pitch: i32,
): void {
  for (let r: i32 = 0; r < rows; r++) move_s8(dst + r * bytes, src + r * pitch, bytes);
}
