/**
 * The generated AssemblyScript: one call per layer on top of the kernels, readable, kept on request (`--emit-as DIR`).
 *
 * In: a QuantPlan, its memory map and its program.  Out: the text of the module's entry file.  The ABI is docs/abi.md.
 */
import type { QuantPlan } from '../../quant/plan.ts';
import { joinFrontEnd } from '../frontend/join.ts';
import { type Control, controlLines } from './control.ts';
import type { Emitted } from './emit.ts';
import { infoCases } from './info.ts';
import type { Listed, ListedProgram, Lists } from './lists.ts';
import { counters, type MemoryMap } from './memory.ts';
import { type Instruction, type Place, type Program, readsPhase, sectionNames } from './program.ts';
import { joinWasi } from './wasi.ts';

/** Kernel functions in use, by file. */
function imports(program: Program): string[] {
  const used = new Map<string, Set<string>>([['move', new Set(['move_s8', 'fill_s8', 'gather_s8'])]]);
  for (const i of sectionNames.flatMap((name) => program[name]))
    if (i.do === 'call') used.set(i.file, (used.get(i.file) ?? new Set()).add(i.fn));
  return [...used].map(([file, fns]) => `import { ${[...fns].sort().join(', ')} } from "./kernels/${file}";`);
}

const placeText = (at: Place) => (typeof at === 'number' ? at : `${at.address} + (phase % ${at.slots}) * ${at.slotBytes}`);

/** An instruction as a statement, without its note. */
function statement(i: Exclude<Instruction, { do: 'remark' }>): string {
  if (i.do === 'call') {
    const range = i.range ? `, ${i.range.first}, ${i.range.rows}` : '';
    return `${i.fn}(${i.block}${range}${i.phase ? ', phase' : ''});`;
  }
  if (i.do === 'move') return `move_s8(${placeText(i.to)}, ${placeText(i.from)}, ${i.bytes});`;
  if (i.do === 'gather') return `gather_s8(${i.to}, ${i.from}, ${i.rows}, ${i.bytes}, ${i.pitch});`;
  if (i.do === 'fill') return `fill_s8(${i.to}, ${i.value}, ${i.bytes});`;
  if (i.do === 'store') return `store<i32>(${i.to}, ${i.value});`;
  return `store<i32>(${i.at}, (phase + 1) % ${i.period});`;
}

function lineOf(i: Listed): string {
  if (i.do === 'moves')
    return `  moves(${i.at}, ${i.items.length}); // ${i.items.map(({ note, to }) => note ?? `to ${to}`).join(', ')}`;
  if (i.do === 'calls') return `  calls(${i.at}, ${i.items.length}); // ${i.items.map(({ fn }) => fn).join(', ')}`;
  if (i.do === 'remark') return `  // ${i.text}`;
  return `  ${statement(i)}${'note' in i && i.note !== undefined ? ` // ${i.note}` : ''}`;
}

/** The loops over lists, as far as there are lists. */
function loops({ program, kernels }: Lists, { state, tables }: MemoryMap): string[] {
  const has = (kind: Listed['do']) => sectionNames.some((name) => program[name].some((i) => i.do === kind));
  const moves = [
    '// a list of moves: to and from, less the address of the state, and bytes',
    'function moves(at: usize, count: i32): void {',
    '  for (; count > 0; count--) {',
    `    move_s8(${state.address} + load<u16>(at), ${state.address} + load<u16>(at, 2), load<u16>(at, 4));`,
    '    at += 6;',
    '  }',
    '}',
    '',
  ];
  const calls = [
    '// a list of calls: kernel and rows, and the block less the address of the tables',
    'function calls(at: usize, count: i32): void {',
    '  for (; count > 0; count--) {',
    '    const kernel = <i32>load<u8>(at);',
    '    const rows = <i32>load<u8>(at, 1);',
    `    const block: usize = ${tables.address} + load<u16>(at, 2);`,
    ...kernels.map(
      (fn, i) => `    ${i === 0 ? '' : 'else '}${i + 1 < kernels.length ? `if (kernel == ${i}) ` : ''}${fn}(block, 0, rows);`,
    ),
    '    at += 4;',
    '  }',
    '}',
    '',
  ];
  return [...(has('moves') ? moves : []), ...(has('calls') ? calls : [])];
}

/** Where the host's frames of each input are read from, and how `take` ticks of them move to the trunk. */
function takeLines({ inputs }: MemoryMap): { start: string[]; take: string[] } {
  const [only] = inputs;
  if (inputs.length === 1 && only)
    return {
      start: [`let from = ${only.address};`],
      take: [
        `move_s8(${only.newRow} + fill * ${only.tickBytes}, from, take * ${only.tickBytes});`,
        `from += take * ${only.tickBytes};`,
      ],
    };
  return {
    start: ['let done = 0;'],
    take: [
      ...inputs.map(
        ({ address, newRow, tickBytes }) =>
          `move_s8(${newRow} + fill * ${tickBytes}, ${address} + done * ${tickBytes}, take * ${tickBytes});`,
      ),
      'done += take;',
    ],
  };
}

function inputLines({ inputs }: MemoryMap): string[] {
  if (inputs.length === 1)
    return [`export function rn_input(which: i32): i32 { return which == 0 ? ${inputs[0]?.address} : 0; }`];
  return [
    'export function rn_input(which: i32): i32 {',
    ...inputs.map(({ address }, i) => `  if (which == ${i}) return ${address};`),
    '  return 0;',
    '}',
  ];
}

/** What a host asks for: addresses and constants. */
function abiLines(quant: QuantPlan, map: MemoryMap): string[] {
  const { plan } = quant;
  const info = infoCases(quant, map);
  return [
    'export function rn_abi(): i32 { return 1; }',
    ...inputLines(map),
    'export function rn_output(which: i32): i32 {',
    ...plan.graph.outputs.map((port, i) => `  if (which == ${i}) return ${map.outputs.get(port.tensor) ?? 0};`),
    '  return 0;',
    '}',
    `export function rn_state(): i32 { return ${map.state.address}; }`,
    'export function rn_info(what: i32): i32 {',
    ...info.map(([what, value, comment]) => `  // ${what} ${comment}: ${value}`),
    `  for (let at: usize = ${map.program.address}; at < ${map.program.address + 8 * info.length}; at += 8) {`,
    '    if (load<i32>(at) == what) return load<i32>(at, 4);',
    '  }',
    '  return -1;',
    '}',
    '',
  ];
}

/** `bare`: for C, which has its own memory and its own names for what is constant (assembly/c). */
export function moduleSource(
  quant: QuantPlan,
  { memory: map, program: plain, lists }: Pick<Emitted, 'memory' | 'program' | 'lists'>,
  producer: string,
  bare = false,
): string {
  const { plan } = quant;
  const program: ListedProgram = lists?.program ?? plain;
  const at = (name: keyof typeof counters) => map.state.address + counters[name];
  const body = (name: keyof Program) => [
    ...(plain[name].some(readsPhase) ? [`  const phase = load<i32>(${at('phase')});`] : []),
    ...program[name].map(lineOf),
  ];
  const edges = program.edges.length > 0;
  const control: Control = {
    hop: `${plan.hop}`,
    microHop: `${plan.microHop}`,
    blocks: `${plan.hop / plan.microHop}`,
    receive: takeLines(map),
    direct: map.directInput,
    ownClock: plan.mode === 'misaligned',
    get: (counter) => `load<i32>(${at(counter)})`,
    set: (counter, value) => `store<i32>(${at(counter)}, ${value});`,
    run: {
      trunk: ['trunk();'],
      edges: edges ? ['edges();'] : [],
      head: ['head();'],
      rotate: program.rotate.map((i) => `${lineOf(i).trim()} // next partial result`),
      slide: program.slide.map((i) => lineOf(i).trim()),
    },
  };
  const text = [
    `// ${plan.graph.name}: window ${plan.window}, hop ${plan.hop}, micro-hop ${plan.microHop}, mode ${plan.mode}. Generated by runlet ${producer}; do not edit.`,
    ...imports(plain),
    '',
    ...(bare
      ? []
      : [
          'export { __heap_base, __data_end };',
          `memory.data(${map.end - map.base}, 16); // weights, tables, state, io and scratch, from address ${map.base}`,
          '',
        ]),
    ...(lists ? loops(lists, map) : []),
    '// every micro-hop',
    'function trunk(): void {',
    ...body('trunk'),
    '}',
    '',
    ...(edges
      ? [
          '// every hop: the right edge of this window, the left edge of a later one',
          'function edges(): void {',
          ...body('edges'),
          '}',
          '',
        ]
      : []),
    '// every output',
    'function head(): void {',
    ...body('head'),
    '}',
    '',
    ...controlLines(control),
    '',
    'export function rn_reset(): void {',
    ...body('reset'),
    '}',
    '',
    ...(bare ? [] : abiLines(quant, map)),
  ].join('\n');
  if (!map.sound) return map.wasi ? joinWasi(text) : text;
  const { block, samples, frontEnd } = map.sound;
  const places = { block: `${block}`, sound: `${samples}`, mark: control.get('ready'), hopRows: control.hop };
  const heard = joinFrontEnd(text, { ...places, stepSamples: `${frontEnd.stepSamples}` });
  return map.wasi ? joinWasi(heard) : heard;
}
