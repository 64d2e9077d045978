/**
 * When a module runs what: the text of `micro_hop` and `rn_push`, for both forms of a module.
 *
 * In: expressions for the module's constants (numbers, or loads from the header of a layer table) and the statements that run each section.
 * Out: lines of AssemblyScript.  Source: docs/pipeline.md, "The first micro-hop"; docs/abi.md.
 */
import { type counters, readyMark } from './memory.ts';
import type { Program } from './program.ts';

export interface Control {
  hop: string;
  microHop: string;
  /** Micro-hops of a hop. */
  blocks: string;
  /** Statements: before the first frame, and to move `take` ticks of every input behind the `fill` that the trunk has. */
  receive: { start: string[]; take: string[] };
  /** The host writes straight to where the trunk reads (hop 1). */
  direct: boolean;
  /** misaligned: micro-hops and outputs run on clocks of their own; `block` counts the frames until an output falls due. */
  ownClock: boolean;
  get(counter: keyof typeof counters): string;
  set(counter: keyof typeof counters, value: string): string;
  /** Statements of a section; none where it is empty. */
  run: Record<Exclude<keyof Program, 'reset'>, string[]>;
}

const indent = (lines: string[], by: string) => lines.map((line) => by + line);

export function controlLines(c: Control): string[] {
  if (c.ownClock) return ownClockLines(c);
  return [
    '// one micro-hop of input is complete: 1 if an output fell due',
    'function micro_hop(): i32 {',
    '  let due = 0;',
    ...indent(c.run.trunk, '  '),
    ...indent(c.blocks === '1' ? hopLines(c) : blockLines(c), '  '),
    '  // histories move down by the new rows',
    ...indent(c.run.slide, '  '),
    '  return due;',
    '}',
    '',
    'export function rn_push(frames: i32): i32 {',
    `  if (${c.get('ready')} != ${readyMark}) return -1;`,
    ...indent(c.direct ? ['if (frames != 1) return -2;', 'return micro_hop();'] : receive(c), '  '),
    '}',
  ];
}

/** A micro-hop that may complete a hop. */
const blockLines = (c: Control): string[] => [
  `const block = ${c.get('block')} + 1;`,
  `if (block == ${c.blocks}) {`,
  `  ${c.set('block', '0')}`,
  ...indent(hopLines(c), '  '),
  `} else ${c.set('block', 'block')}`,
];

/** A hop is complete: an output, once warm. */
const hopLines = (c: Control): string[] => [
  ...c.run.edges,
  `const skip = ${c.get('skip')};`,
  'if (skip > 0) {',
  `  ${c.set('skip', 'skip - 1')}`,
  '} else {',
  ...indent(c.run.head, '  '),
  '  due = 1;',
  '}',
  ...c.run.rotate,
];

/** Frames go to the trunk's input one micro-hop at a time. */
const receive = (c: Control): string[] => [
  `if (frames < 1 || frames > ${c.hop}) return -2;`,
  'let due = 0;',
  ...c.receive.start,
  'while (frames > 0) {',
  `  const fill = ${c.get('fill')};`,
  `  const take = min(frames, ${c.microHop} - fill);`,
  ...indent(c.receive.take, '  '),
  '  frames -= take;',
  `  ${c.set('fill', 'fill + take')}`,
  `  if (fill + take == ${c.microHop}) {`,
  `    ${c.set('fill', '0')}`,
  '    due |= micro_hop();',
  '  }',
  '}',
  'return due;',
];

/** Micro-hops and outputs apart: an output finds the newest rows in the histories. */
const ownClockLines = (c: Control): string[] => [
  'export function rn_push(frames: i32): i32 {',
  `  if (${c.get('ready')} != ${readyMark}) return -1;`,
  `  if (frames < 1 || frames > ${c.hop}) return -2;`,
  '  let due = 0;',
  ...indent(c.receive.start, '  '),
  '  while (frames > 0) {',
  `    const fill = ${c.get('fill')};`,
  `    const left = ${c.get('block')}; // frames until an output falls due`,
  `    const take = min(min(frames, left), ${c.microHop} - fill);`,
  ...indent(c.receive.take, '    '),
  '    frames -= take;',
  `    ${c.set('fill', `(fill + take) % ${c.microHop}`)}`,
  `    if (fill + take == ${c.microHop}) {`,
  ...indent([...c.run.trunk, ...c.run.slide], '      '),
  '    }',
  `    ${c.set('block', `left == take ? ${c.hop} : left - take`)}`,
  '    if (left == take) {',
  `      const skip = ${c.get('skip')};`,
  `      if (skip > 0) ${c.set('skip', 'skip - 1')}`,
  '      else {',
  ...indent(c.run.head, '        '),
  '        due = 1;',
  '      }',
  '    }',
  '  }',
  '  return due;',
  '}',
];
