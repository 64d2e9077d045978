/**
 * The generated AssemblyScript: numbers of this network and one call per layer, which connect the kernels and
 * the runtime (assembly/runtime). Readable; `--emit-as DIR` keeps it.
 *
 * In: a QuantPlan, its memory map and its program.  Out: the module's generated files.  The ABI is
 * docs/abi.md.
 */
import { streamingOf } from '../../models/stream/modes.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { PHASE } from '../runtime/numbers.ts';
import { callText, importLines } from './call-text.ts';
import type { Emitted } from './emit.ts';
import { doorLines, entrySource, type Generated, numberLines } from './entry.ts';
import { infoCases } from './info.ts';
import { type Instruction, kernelsOf, type Place, type Program, readsPhase, sectionNames } from './instruction.ts';
import type { Listed, ListedProgram, Lists } from './lists.ts';
import type { MemoryMap } from './memory.ts';

const placeText = (at: Place) => (typeof at === 'number' ? at : `${at.address} + (phase % ${at.slots}) * ${at.slotBytes}`);

/** Prints an instruction as a statement, without its note. */
function statement(i: Exclude<Instruction, { do: 'remark' }>): string {
  if (i.do === 'call') return callText(i.fn, i.block, i.range?.first ?? 0, i.range?.rows ?? 0);
  if (i.do === 'move') return `move_s8(${placeText(i.to)}, ${placeText(i.from)}, ${i.bytes});`;
  if (i.do === 'gather') return `gather_s8(${i.to}, ${i.from}, ${i.rows}, ${i.bytes}, ${i.pitch});`;
  if (i.do === 'fill') return `fill_s8(${i.to}, ${i.value}, ${i.bytes});`;
  if (i.do === 'store') return `store<i32>(${i.to}, ${i.value});`;
  return `store<i32>(${i.at}, (phase + 1) % ${i.period});`;
}

function lineOf(i: Listed): string {
  if (i.do === 'moves')
    return `moves(${i.at}, ${i.items.length}); // ${i.items.map(({ note, to }) => note ?? `to ${to}`).join(', ')}`;
  if (i.do === 'calls') return `calls(${i.at}, ${i.items.length}); // ${i.items.map(({ fn }) => fn).join(', ')}`;
  if (i.do === 'remark') return `// ${i.text}`;
  return `${statement(i)}${'note' in i && i.note !== undefined ? ` // ${i.note}` : ''}`;
}

/** Prints the loops over lists, for kinds of lists that the program has. */
function loops({ program, kernels }: Lists, { state, tables }: MemoryMap): string[] {
  const has = (kind: Listed['do']) => sectionNames.some((name) => program[name].some((i) => i.do === kind));
  const moves = [
    '// a list of moves: destination and source relative to the state, and bytes',
    'function moves(at: usize, count: i32): void {',
    '  for (; count > 0; count--) {',
    `    move_s8(${state.address} + load<u16>(at), ${state.address} + load<u16>(at, 2), load<u16>(at, 4));`,
    '    at += 6;',
    '  }',
    '}',
    '',
  ];
  const calls = [
    '// a list of calls: kernel and rows, and the block relative to the tables',
    'function calls(at: usize, count: i32): void {',
    '  for (; count > 0; count--) {',
    '    const kernel = <i32>load<u8>(at);',
    '    const rows = <i32>load<u8>(at, 1);',
    `    const block: usize = ${tables.address} + load<u16>(at, 2);`,
    ...kernels.map(
      (fn, i) =>
        `    ${i === 0 ? '' : 'else '}${i + 1 < kernels.length ? `if (kernel == ${i}) ` : ''}${callText(fn, 'block', 0, 'rows')}`,
    ),
    '    at += 4;',
    '  }',
    '}',
    '',
  ];
  return [...(has('moves') ? moves : []), ...(has('calls') ? calls : [])];
}

/** Prints the copies of `take` ticks of every input behind the `fill` ticks of the trunk. */
const receiveLines = ({ inputs }: MemoryMap): string[] =>
  inputs.map(
    ({ address, newRow, tickBytes }) =>
      `move_s8(${newRow} + fill * ${tickBytes}, ${address} + done * ${tickBytes}, take * ${tickBytes});`,
  );

/** Prints a function of the ABI that returns an address by its number. */
const addressLines = (name: string, addresses: number[]): string[] => [
  `export function ${name}(which: i32): i32 {`,
  ...addresses.map((address, i) => `  if (which == ${i}) return ${address};`),
  '  return 0;',
  '}',
];

const inputLines = ([first = 0, ...more]: number[]): string[] =>
  more.length > 0
    ? addressLines('rn_input', [first, ...more])
    : ['export function rn_input(which: i32): i32 {', `  return which == 0 ? ${first} : 0;`, '}'];

const functionLines = (signature: string, body: string[], inline = true): string[] => [
  ...(inline ? ['@inline'] : []),
  `export function ${signature} {`,
  ...body.map((line) => `  ${line}`),
  '}',
  '',
];

/** Returns the numbers of the network, except addresses of layers. */
function numbers({ plan }: QuantPlan, map: MemoryMap, info: number): Record<string, number | boolean> {
  const [one, other] = map.inputs;
  const only = other ? undefined : one;
  return {
    TABLE: false,
    HOP: plan.hop,
    MICRO_HOP: plan.microHop,
    BLOCKS: Math.floor(plan.hop / plan.microHop),
    WHOLE_HOPS: plan.hop === plan.microHop,
    DIRECT: map.directInput,
    ALONE: only !== undefined,
    NEW_ROW: only?.newRow ?? 0,
    FIRST: only?.address ?? 0,
    TICK: only?.tickBytes ?? 1,
    STATE: map.state.address,
    INFO: map.program.address,
    INFO_END: map.program.address + 8 * info,
  };
}

/** Prints the files. `bare`: true for C, with its own memory and names of constants (assembly/c). */
export function moduleSource(
  quant: QuantPlan,
  { memory: map, program: plain, lists }: Pick<Emitted, 'memory' | 'program' | 'lists'>,
  producer: string,
  bare = false,
): Generated {
  const { plan } = quant;
  const { sound } = map;
  const program: ListedProgram = lists?.program ?? plain;
  const info = infoCases(quant, map);
  const section = (name: keyof Program, inline = true) => {
    const phase = plain[name].some(readsPhase) ? [`const phase = load<i32>(${map.state.address + PHASE});`] : [];
    return functionLines(`${name}(): void`, [...phase, ...program[name].map(lineOf)], inline);
  };
  const title = `// ${plan.graph.name}: window ${plan.window}, hop ${plan.hop}, micro-hop ${plan.microHop}, mode ${plan.mode}. Generated by runlet ${producer}; do not edit.`;
  const wasi = map.wasi !== undefined;
  const network = [
    title,
    ...importLines(kernelsOf(plain)),
    ...doorLines({ style: 'calls', sound: sound !== undefined, wasi, ownClock: streamingOf(plan.mode).outputClock }),
    '',
    ...numberLines(numbers(quant, map, info.length)),
    '',
    ...info.map(([what, value, comment]) => `// rn_info(${what}) ${comment}: ${value}`),
    '',
    ...(lists ? loops(lists, map) : []),
    '// every micro-hop',
    ...section('trunk'),
    '// every hop: the right edge of this window, the left edge of a later one',
    ...section('edges', program.edges.length === 0),
    '// every output',
    ...section('head', false),
    '// every hop: the next partial results',
    ...section('rotate'),
    '// every micro-hop, last: histories move down by the new rows',
    ...section('slide'),
    '// the start of the stream',
    ...section('reset'),
    ...functionLines('receive(fill: i32, done: i32, take: i32): void', receiveLines(map)),
    ...inputLines(sound ? [sound.samples] : map.inputs.map(({ address }) => address)),
    ...addressLines(
      'rn_output',
      plan.graph.outputs.map((port) => map.outputs.get(port.tensor) ?? 0),
    ),
    ...(sound
      ? [
          ...functionLines('sound_block(): usize', [`return ${sound.block};`]),
          ...functionLines('sound_samples(): usize', [`return ${sound.samples};`]),
          ...functionLines('sound_step(): i32', [`return ${sound.frontEnd.stepSamples};`]),
        ]
      : []),
    '',
  ];
  return { 'module.ts': entrySource(title, wasi, bare ? undefined : map, bare), 'runtime/network.ts': network.join('\n') };
}
