/**
 * Sorts the reports of the sanitizers by source: WAMR's or ours.
 *
 * In: a program's standard error.  Out: places in WAMR's source, each once, as `core/…/file.c:line: what`,
 * and lines about any other source.
 */

/** A place in WAMR 2.4.3 that sanitizers report: lines of a file, the message, why no bundle causes it. */
interface Known {
  file: string;
  lines: number[];
  what: string;
  why: string;
}

export const knownReports: Known[] = [
  {
    file: 'core/iwasm/interpreter/wasm_interp_fast.c',
    lines: [
      ...[1160, 1226, 1227, 1228, 1266, 1711, 1742, 7615, 7618, 7652, 7654, 7668, 7671, 7703, 7704, 7705, 7750, 7754, 7755, 7759],
      ...[7803, 7807, 7830],
    ],
    what: "member access within misaligned address an address for type 'struct WASMInterpFrame', which requires 8 byte alignment",
    why: 'frames are aligned to four bytes on the stack, which is their alignment on 32-bit cores',
  },
  {
    file: 'core/iwasm/interpreter/wasm_loader.c',
    lines: [11511, 11529],
    what: "misaligned address an address for type 'int16', which requires 2 byte alignment",
    why: 'offsets of the parameters of a block follow their bytes in one array; no module of Runlet has a block with parameters',
  },
];

/** Returns the reports that no entry describes. */
export const unknownReports = (reports: string[]): string[] =>
  reports.filter(
    (report) =>
      !knownReports.some(
        ({ file, lines, what }) => lines.some((line) => report.startsWith(`${file}:${line}: `)) && report.endsWith(what),
      ),
  );

/** Removes addresses, which differ from run to run. */
const plain = (text: string): string => text.replace(/0x[0-9a-f]+/g, 'an address').trim();

const undefinedBehaviour = /^(\S+?):(\d+):\d+: runtime error: (.*)$/gm;
const addressError = /^SUMMARY: AddressSanitizer: (\S+) (\S+?):(\d+) in (\S+)/gm;
const leak = /^SUMMARY: AddressSanitizer: \d+ byte.*leaked.*$/gm;

export interface Reports {
  wamr: string[];
  ours: string[];
}

export function reportsOf(stderr: string): Reports {
  const found: Reports = { wamr: [], ours: [] };
  const add = (file: string, line: string, what: string) => {
    const at = /\/source\/(core\/.*)$/.exec(file)?.[1]?.replace(/[^/]+\/\.\.\//g, '');
    (at ? found.wamr : found.ours).push(`${at ?? file}:${line}: ${plain(what)}`);
  };
  for (const [, file = '', line = '', what = ''] of stderr.matchAll(undefinedBehaviour)) add(file, line, what);
  for (const [, what = '', file = '', line = '', where = ''] of stderr.matchAll(addressError))
    add(file, line, `${what} in ${where}`);
  for (const [text] of stderr.matchAll(leak)) found.ours.push(text);
  return { wamr: [...new Set(found.wamr)].sort(), ours: [...new Set(found.ours)].sort() };
}
