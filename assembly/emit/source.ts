/**
 * The generated AssemblyScript: one call per layer on top of the kernels, readable, kept on request (`--emit-as DIR`).
 *
 * In: a QuantPlan, its memory map and its program.  Out: the text of the module's entry file.  The ABI is docs/abi.md.
 */
import type { QuantPlan } from '../../quant/plan.ts';
import { infoCases } from './info.ts';
import { counters, type MemoryMap, readyMark } from './memory.ts';
import { type Instruction, type Place, type Program, readsPhase, sectionNames } from './program.ts';

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

function lineOf(i: Instruction): string {
  if (i.do === 'remark') return `  // ${i.text}`;
  return `  ${statement(i)}${'note' in i && i.note !== undefined ? ` // ${i.note}` : ''}`;
}

/** One micro-hop of input is complete: 1 if an output fell due. */
function microHopLines({ plan }: QuantPlan, map: MemoryMap, program: Program): string[] {
  const at = (name: keyof typeof counters) => map.state.address + counters[name];
  return [
    '// one micro-hop of input is complete: 1 if an output fell due',
    'function micro_hop(): i32 {',
    '  let due = 0;',
    '  trunk();',
    `  const block = load<i32>(${at('block')}) + 1;`,
    `  if (block == ${plan.hop / plan.microHop}) {`,
    `    store<i32>(${at('block')}, 0);`,
    ...(program.edges.length > 0 ? ['    edges();'] : []),
    `    const skip = load<i32>(${at('skip')});`,
    '    if (skip > 0) {',
    `      store<i32>(${at('skip')}, skip - 1);`,
    '    } else {',
    '      head();',
    '      due = 1;',
    '    }',
    ...program.rotate.map((i) => `  ${lineOf(i)} // next partial result`),
    `  } else store<i32>(${at('block')}, block);`,
    '  // histories move down by the new rows',
    ...program.slide.map(lineOf),
    '  return due;',
    '}',
    '',
  ];
}

/** Where the host's frames of each input are read from, and how `take` ticks of them move to the trunk. */
function takeLines({ inputs }: MemoryMap): { start: string[]; take: string[] } {
  const from = (i: number) => (inputs.length === 1 ? 'from' : `from${i}`);
  return {
    start: inputs.map((x, i) => `  let ${from(i)} = ${x.address};`),
    take: inputs.flatMap(({ newRow, tickBytes }, i) => [
      `    move_s8(${newRow} + fill * ${tickBytes}, ${from(i)}, take * ${tickBytes});`,
      `    ${from(i)} += take * ${tickBytes};`,
    ]),
  };
}

/** misaligned: micro-hops and outputs run on clocks of their own, so that outputs find the newest rows in the histories. */
function misalignedLines({ plan }: QuantPlan, map: MemoryMap, program: Program): string[] {
  const { start, take } = takeLines(map);
  const at = (name: keyof typeof counters) => map.state.address + counters[name];
  return [
    `  if (frames < 1 || frames > ${plan.hop}) return -2;`,
    '  let due = 0;',
    ...start,
    '  while (frames > 0) {',
    `    const fill = load<i32>(${at('fill')});`,
    `    const left = load<i32>(${at('block')}); // frames until an output falls due`,
    `    const take = min(min(frames, left), ${plan.microHop} - fill);`,
    ...take,
    '    frames -= take;',
    `    store<i32>(${at('fill')}, (fill + take) % ${plan.microHop});`,
    `    if (fill + take == ${plan.microHop}) {`,
    '      trunk();',
    ...program.slide.map((i) => `    ${lineOf(i)}`),
    '    }',
    `    store<i32>(${at('block')}, left == take ? ${plan.hop} : left - take);`,
    '    if (left == take) {',
    `      const skip = load<i32>(${at('skip')});`,
    `      if (skip > 0) store<i32>(${at('skip')}, skip - 1);`,
    '      else {',
    '        head();',
    '        due = 1;',
    '      }',
    '    }',
    '  }',
    '  return due;',
  ];
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

export function moduleSource(quant: QuantPlan, map: MemoryMap, program: Program, producer: string): string {
  const { plan } = quant;
  const { start, take } = takeLines(map);
  const at = (name: keyof typeof counters) => map.state.address + counters[name];
  const body = (name: keyof Program) => [
    ...(program[name].some(readsPhase) ? [`  const phase = load<i32>(${at('phase')});`] : []),
    ...program[name].map(lineOf),
  ];
  const edges = program.edges.length > 0;
  const receive =
    plan.mode === 'misaligned'
      ? misalignedLines(quant, map, program)
      : map.directInput
        ? ['  if (frames != 1) return -2;', '  return micro_hop();']
        : [
            `  if (frames < 1 || frames > ${plan.hop}) return -2;`,
            '  let due = 0;',
            ...start,
            '  while (frames > 0) {',
            `    const fill = load<i32>(${at('fill')});`,
            `    const take = min(frames, ${plan.microHop} - fill);`,
            ...take,
            '    frames -= take;',
            `    store<i32>(${at('fill')}, fill + take);`,
            `    if (fill + take == ${plan.microHop}) {`,
            `      store<i32>(${at('fill')}, 0);`,
            '      due |= micro_hop();',
            '    }',
            '  }',
            '  return due;',
          ];
  return [
    `// ${plan.graph.name}: window ${plan.window}, hop ${plan.hop}, micro-hop ${plan.microHop}, mode ${plan.mode}. Generated by runlet ${producer}; do not edit.`,
    ...imports(program),
    '',
    'export { __heap_base, __data_end };',
    `memory.data(${map.end - map.base}, 16); // weights, tables, state, io and scratch, from address ${map.base}`,
    '',
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
    ...(plan.mode === 'misaligned' ? [] : microHopLines(quant, map, program)),
    'export function rn_push(frames: i32): i32 {',
    `  if (load<i32>(${at('ready')}) != ${readyMark}) return -1;`,
    ...receive,
    '}',
    '',
    'export function rn_reset(): void {',
    ...program.reset.map(lineOf),
    '}',
    '',
    'export function rn_abi(): i32 { return 1; }',
    ...inputLines(map),
    'export function rn_output(which: i32): i32 {',
    ...plan.graph.outputs.map((port, i) => `  if (which == ${i}) return ${map.outputs.get(port.tensor) ?? 0};`),
    '  return 0;',
    '}',
    `export function rn_state(): i32 { return ${map.state.address}; }`,
    'export function rn_info(what: i32): i32 {',
    ...infoCases(quant, map).map(([what, value, comment]) => `  if (what == ${what}) return ${value}; // ${comment}`),
    '  return -1;',
    '}',
    '',
  ].join('\n');
}
