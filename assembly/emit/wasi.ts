/**
 * The WASI form of a module: a command that reads frames on standard input and writes outputs on standard output (docs/runtimes.md).
 *
 * In: the source of a module of the ABI; the constants of rn_info.  Out: the source with `_start`; what the command's region of memory holds at first.
 * `_start` is written against the ABI alone, so that it is the same text for both styles and for a front end. Frames are those of the ABI, a hop at a time, input 0
 * first in each hop. With one input the last hop may be shorter, by whole frames.
 *
 *   region  | iovec | bytes moved, padding | iovec of each message | messages |
 */

/** Bytes of the region; it ends where rn_info(8) says. */
export const wasiBytes = 320;

/** What a command ends with. rn_push's error e gives pushStatus - e. */
const endsStatus = 1;
const pushStatus = 10;

/** In the order of stop_wasi's numbers; 1 and 2 are those of kernels/wasi.ts. */
const messages = (ends: string): string[] => [
  ends,
  'standard input cannot be read',
  'standard output cannot be written',
  `rn_push gave an error, ${pushStatus} less the exit status`,
];

/** The region, at `address`, for a module with these constants. */
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
  const data = new Uint8Array(wasiBytes);
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

/** `source`, and what makes a command of it. */
export const joinWasi = (source: string): string =>
  [
    source,
    'import { read_wasi, stop_wasi, write_wasi } from "./kernels/wasi";',
    '',
    '// the command: hops on standard input, outputs on standard output',
    'export function _start(): void {',
    `  const io: usize = rn_info(8) - ${wasiBytes};`,
    '  const hop = rn_info(0);',
    '  const inputs = rn_info(9);',
    '  let frames = hop;',
    '  rn_reset();',
    '  while (frames == hop) {',
    '    for (let i: i32 = 0; i < inputs; i++) {',
    '      const port = 16 + 8 * i;',
    '      const frame = max(rn_info(port + 4), 1) * rn_info(port + 1) * (rn_info(port) == 2 ? 2 : 1);',
    '      const got = read_wasi(io, rn_input(i), hop * frame);',
    '      if (got == hop * frame) continue;',
    '      if (got == 0 && i == 0) return;',
    `      if (inputs > 1 || got % frame != 0) stop_wasi(io, ${endsStatus}, 0);`,
    '      frames = got / frame;',
    '    }',
    '    const due = rn_push(frames);',
    `    if (due < 0) stop_wasi(io, ${pushStatus} - due, 3);`,
    '    if (due) for (let i: i32 = 0; i < rn_info(10); i++) write_wasi(io, rn_output(i), rn_info(65 + 8 * i));',
    '  }',
    '}',
    '',
  ].join('\n');
