/**
 * wasi: a command that reads hops from standard input and writes outputs to standard output (WASI preview 1).
 * On an error it ends with a message.
 *
 * In: the region of a command (emit/wasi.ts) at io: an iovec (address, bytes), the word in which the host
 * returns how many bytes it moved, and the iovecs of messages from byte 16 on.  Out: whole buffers.  Source:
 * WASI preview 1, fd_read, fd_write, proc_exit. A pipe moves as many bytes as it can, so calls repeat until
 * the buffer is complete. They also repeat after an interrupt, or if nothing was available yet.  Cost: one
 * host call per hop and one per output, if the pipe keeps up. `_start` uses only the ABI, so both styles and
 * front ends share it.
 */
import { rn_info, rn_input, rn_output, rn_push, rn_reset } from "./network";
import { ENDS_STATUS, HOST_STATUS, PUSH_STATUS, REGION } from "./numbers";

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovecs: usize, count: i32, moved: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovecs: usize, count: i32, moved: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(status: i32): void;

/** Error codes of WASI after which a call repeats: nothing available yet, and interrupted. */
const AGAIN: i32 = 6;
const INTERRUPTED: i32 = 27;

/** Numbers of the messages, in the region's order. */
const ENDS: i32 = 0;
const NO_READ: i32 = 1;
const NO_WRITE: i32 = 2;
const NO_PUSH: i32 = 3;

/** Ends the program with a message on standard error. */
function stop_wasi(io: usize, status: i32, message: i32): void {
  fd_write(2, io + 16 + (message << 3), 1, io + 8);
  proc_exit(status);
  unreachable();
}

/** Reads `bytes` bytes. Returns how many it read: fewer only at the end of the input. */
function read_wasi(
  io: usize,
  at: usize, // u8 [bytes]
  bytes: i32,
): i32 {
  let got: i32 = 0;
  while (got < bytes) {
    store<i32>(io, <i32>at + got);
    store<i32>(io, bytes - got, 4);
    const error = fd_read(0, io, 1, io + 8);
    if (error == AGAIN || error == INTERRUPTED) continue;
    if (error) stop_wasi(io, HOST_STATUS, NO_READ);
    const moved = load<i32>(io, 8);
    if (moved == 0) break;
    got += moved;
  }
  return got;
}

/** Writes all `bytes` bytes. */
function write_wasi(
  io: usize,
  at: usize, // u8 [bytes]
  bytes: i32,
): void {
  while (bytes > 0) {
    store<i32>(io, at);
    store<i32>(io, bytes, 4);
    const error = fd_write(1, io, 1, io + 8);
    if (error == AGAIN || error == INTERRUPTED) continue;
    const moved = load<i32>(io, 8);
    // a host that accepts no byte and reports no error would cause an endless loop
    if (error || moved == 0) stop_wasi(io, HOST_STATUS, NO_WRITE);
    at += moved;
    bytes -= moved;
  }
}

/** Reads hops from standard input and writes outputs to standard output, until the input ends. */
export function _start(): void {
  const io: usize = rn_info(8) - REGION;
  const hop = rn_info(0);
  const inputs = rn_info(9);
  let frames = hop;
  rn_reset();
  while (frames == hop) {
    for (let i: i32 = 0; i < inputs; i++) {
      const port = 16 + 8 * i;
      const frame = max(rn_info(port + 4), 1) * rn_info(port + 1) * (rn_info(port) == 2 ? 2 : 1);
      const got = read_wasi(io, rn_input(i), hop * frame);
      if (got == hop * frame) continue;
      if (got == 0 && i == 0) return;
      if (inputs > 1 || got % frame != 0) stop_wasi(io, ENDS_STATUS, ENDS);
      frames = got / frame;
    }
    const due = rn_push(frames);
    if (due < 0) stop_wasi(io, PUSH_STATUS - due, NO_PUSH);
    if (due) for (let i: i32 = 0; i < rn_info(10); i++) write_wasi(io, rn_output(i), rn_info(65 + 8 * i));
  }
}
