/**
 * The WASI form of a module: a command that reads frames from standard input and writes outputs to standard
 * output (docs/runtimes.md).
 *
 * In: the constants of rn_info.  Out: the initial content of the command's region of memory; the command is
 * assembly/runtime/command.ts. Frames are those of the ABI, one hop at a time, with input 0 first in each
 * hop. With one input the last hop may be shorter, by whole frames.
 *
 *   region  | iovec | bytes moved, padding | iovec of each message | messages |
 */
import { PUSH_STATUS, REGION } from '../runtime/numbers.ts';

/** Messages, in the order of their numbers in runtime/command.ts. */
const messages = (ends: string): string[] => [
  ends,
  'standard input cannot be read',
  'standard output cannot be written',
  `rn_push gave an error, ${PUSH_STATUS} less the exit status`,
];

/** Returns the region for `address`. `info`: the constants of rn_info. */
export function wasiData(
  address: number,
  info: readonly (readonly [what: number, value: number, ...rest: unknown[]])[],
): Uint8Array {
  const constants = new Map(info.map(([what, value]) => [what, value]));
  const get = (what: number) => constants.get(what) ?? 0;
  const tick = (i: number) => (constants.get(20 + 8 * i) ?? 1) * get(17 + 8 * i) * (get(16 + 8 * i) === 2 ? 2 : 1);
  const ticks = Array.from({ length: get(9) }, (_, i) => tick(i));
  const hop = ticks.map((bytes) => get(0) * bytes);
  const ends =
    ticks.length === 1
      ? `a frame of ${ticks[0]} byte${ticks[0] === 1 ? '' : 's'}`
      : `a hop of ${hop.reduce((a, b) => a + b)} bytes (${hop.join(' + ')})`;
  const texts = messages(`the input ends inside ${ends}`).map((text) => new TextEncoder().encode(`runlet: ${text}\n`));
  const data = new Uint8Array(REGION);
  const words = new DataView(data.buffer);
  let at = 16 + 8 * texts.length;
  for (const [i, text] of texts.entries()) {
    words.setInt32(16 + 8 * i, address + at, true);
    words.setInt32(20 + 8 * i, text.length, true);
    data.set(text, at);
    at += text.length;
  }
  return data.subarray(0, at);
}
