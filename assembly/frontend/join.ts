/**
 * A front end before a network, in one module: the generated source with `rn_push` on sound.
 *
 * In: the source of a module on rows, and expressions for where things are.  Out: the source of a module on samples; what was `rn_push` takes one row,
 * which the front end has written to the network's input.  Both styles of a module are wrapped so.
 */
import { readyMark } from '../emit/memory.ts';

/** Expressions in AssemblyScript: constants, or loads from a table's header. */
export interface SoundPlaces {
  /** The front end's parameter block, and where the host writes samples. */
  block: string;
  sound: string;
  /** The mark that rn_reset has run. */
  mark: string;
  hopRows: string;
  stepSamples: string;
}

const renamed: [from: string, to: string][] = [
  ['export function rn_push(frames: i32)', 'function push_rows(frames: i32)'],
  ['export function rn_reset()', 'function reset_rows()'],
  ['export function rn_input(which: i32)', 'function rows_input(which: i32)'],
];

export function joinFrontEnd(source: string, places: SoundPlaces): string {
  const { block, sound, mark, hopRows, stepSamples } = places;
  let rows = source;
  for (const [from, to] of renamed) rows = rows.replace(from, to);
  return [
    rows,
    'import { FrontEndBlock, frontend_push, frontend_reset } from "./kernels/frontend";',
    '',
    '// samples, a step at a time; each full window is a row for the network',
    'export function rn_push(frames: i32): i32 {',
    `  if (${mark} != ${readyMark}) return -1;`,
    `  const step = ${stepSamples};`,
    `  if (frames < 1 || frames > ${hopRows} * step) return -2;`,
    `  let from: usize = ${sound};`,
    '  let due = 0;',
    '  while (frames > 0) {',
    '    const take = min(frames, step);',
    `    if (frontend_push(changetype<FrontEndBlock>(${block}), from, take)) due |= push_rows(1);`,
    '    from += take << 1;',
    '    frames -= take;',
    '  }',
    '  return due;',
    '}',
    '',
    'export function rn_reset(): void {',
    `  frontend_reset(changetype<FrontEndBlock>(${block}));`,
    '  reset_rows();',
    '}',
    '',
    `export function rn_input(which: i32): i32 { return which == 0 ? ${sound} : 0; }`,
    '',
  ].join('\n');
}
