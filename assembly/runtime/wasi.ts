/**
 * wasi: bytes from standard input, to standard output, and a message before the end, as WASI preview 1 has them.
 *
 * In: the region of a command (emit/wasi.ts), io: an iovec (address, bytes), the word in which the host says how many bytes it moved, and iovecs of messages from
 * byte 16 on.  Out: whole buffers.  Source: WASI preview 1, fd_read, fd_write, proc_exit. A pipe gives what it has, so calls repeat until all is there;
 * they repeat too where the host was interrupted or had nothing yet.  Cost: one host call a hop and one an output, where the pipe keeps up.
 */
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovecs: usize, count: i32, moved: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovecs: usize, count: i32, moved: usize): i32;
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(status: i32): void;

/** Errors after which a call is made again: nothing there yet, and interrupted. */
const AGAIN: i32 = 6;
const INTERRUPTED: i32 = 27;

/** Ends the program with a message on standard error. */
export function stop_wasi(io: usize, status: i32, message: i32): void {
  fd_write(2, io + 16 + (message << 3), 1, io + 8);
  proc_exit(status);
  unreachable();
}

/** Reads `bytes` bytes; returns how many there were before the end of the input. */
export function read_wasi(
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
    if (error) stop_wasi(io, 2, 1);
    const moved = load<i32>(io, 8);
    if (moved == 0) break;
    got += moved;
  }
  return got;
}

/** Writes all of them. */
export function write_wasi(
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
    // a host that takes nothing and says that all is well would be asked for ever
    if (error || moved == 0) stop_wasi(io, 2, 2);
    at += moved;
    bytes -= moved;
  }
}
