/**
 * The generated AssemblyScript: one call per layer on top of the kernels, readable, kept on request (`--emit-as DIR`).
 *
 * In: a QuantPlan, its memory map and the emitted steps.  Out: the text of the module's entry file.  The ABI is docs/abi.md.
 */
import type { Step } from '../../models/stream/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { edgeLines, runsEveryHop } from './edges.ts';
import { infoCases } from './info.ts';
import { counters, type MemoryMap, readyMark, type TrunkBuffer } from './memory.ts';
import { type Call, isRanged } from './ops/op.ts';
import type { EmittedStep } from './pack.ts';
import { resetLines } from './reset.ts';

const shapeText = (s: { t: number; f: number; c: number }) => `[${s.t}][${s.f}][${s.c}]`;

/** Kernel functions in use, by file. */
function imports(steps: EmittedStep[]): string[] {
  const used = new Map<string, Set<string>>([['move', new Set(['move_s8', 'fill_s8', 'gather_s8'])]]);
  for (const { calls, rotate, left } of steps) {
    for (const { file, fn } of [...calls, ...rotate, ...left]) used.set(file, (used.get(file) ?? new Set()).add(fn));
  }
  return [...used].map(([file, fns]) => `import { ${[...fns].sort().join(', ')} } from "./kernels/${file}";`);
}

const callText = (call: Call, first: number, rows: number): string => {
  if (call.phase) return `  ${call.fn}(${call.block}, phase);`;
  return isRanged(call) ? `  ${call.fn}(${call.block}, ${first}, ${rows});` : `  ${call.fn}(${call.block});`;
};

/** A step's calls, with its history moved in and out where it is kept apart. */
function stepLines(quant: QuantPlan, map: MemoryMap, emitted: EmittedStep): string[] {
  const { step, calls } = emitted;
  const { graph } = quant.plan;
  const lines: string[] = [];
  const out = graph.tensors[step.output];
  const rows =
    step.kind === 'accumulate' ? '' : ` -> ${step.outRows} x ${shapeText({ t: 1, f: out?.shape.f ?? 0, c: out?.shape.c ?? 0 })}`;
  lines.push(`  // ${step.node.name.replace(/\s+/g, ' ')}: ${step.node.op} ${step.kind}${rows}`);
  if (step.kind === 'edge') return [...lines, ...edgeLines(map, emitted)];
  const buffer = step.section === 'trunk' && step.kind === 'run' ? map.trunk.get(step.output) : undefined;
  const history = buffer ? buffer.plan.historyRows * buffer.frameBytes : 0;
  if (buffer?.history !== undefined && history)
    lines.push(`  move_s8(${buffer.address}, ${buffer.history}, ${history}); // history in`);
  for (const call of calls) lines.push(callText(call, 0, step.outRows));
  if (buffer?.history !== undefined && history) {
    lines.push(
      `  move_s8(${buffer.history}, ${buffer.address + buffer.plan.newRows * buffer.frameBytes}, ${history}); // history out`,
    );
  }
  if (step.kind === 'copy') {
    const [x] = step.inputs;
    const from = map.trunk.get(x?.tensor ?? -1);
    const at = (from?.address ?? 0) + (x?.firstRow ?? 0) * (from?.frameBytes ?? 0);
    lines.push(`  move_s8(${map.outputs.get(step.output) ?? 0}, ${at}, ${step.outRows * (from?.frameBytes ?? 0)});`);
  }
  return lines;
}

/** Histories that lie in place move down by the new rows. */
function slideLines(map: MemoryMap): string[] {
  const inPlace = [...map.trunk.values()].filter(
    (b: TrunkBuffer) => b.history === undefined && b.plan.historyRows > 0 && b.address < map.io.address,
  );
  return inPlace.map(
    (b) => `  move_s8(${b.address}, ${b.address + b.plan.newRows * b.frameBytes}, ${b.plan.historyRows * b.frameBytes});`,
  );
}

export function moduleSource(quant: QuantPlan, map: MemoryMap, steps: EmittedStep[], producer: string): string {
  const { plan } = quant;
  const input = map.trunk.get(plan.graph.inputs[0]?.tensor ?? -1) as TrunkBuffer;
  const newRow = input.address + input.plan.historyRows * input.frameBytes;
  const at = (name: keyof typeof counters) => map.state.address + counters[name];
  const section = (name: Step['section']) =>
    steps.filter((s) => s.step.section === name).flatMap((s) => stepLines(quant, map, s));
  const edges = runsEveryHop(plan);
  const receive = map.directInput
    ? ['  if (frames != 1) return -2;', '  return micro_hop();']
    : [
        `  if (frames < 1 || frames > ${plan.hop}) return -2;`,
        '  let due = 0;',
        `  let from = ${map.input};`,
        '  while (frames > 0) {',
        `    const fill = load<i32>(${at('fill')});`,
        `    const take = min(frames, ${plan.microHop} - fill);`,
        `    move_s8(${newRow} + fill * ${input.frameBytes}, from, take * ${input.frameBytes});`,
        `    from += take * ${input.frameBytes};`,
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
    ...imports(steps),
    '',
    'export { __heap_base, __data_end };',
    `memory.data(${map.end - map.base}, 16); // weights, tables, state, io and scratch, from address ${map.base}`,
    '',
    '// every micro-hop',
    'function trunk(): void {',
    ...section('trunk'),
    '}',
    '',
    ...(edges
      ? [
          '// every hop: the right edge of this window, the left edge of a later one',
          'function edges(): void {',
          `  const phase = load<i32>(${at('phase')});`,
          ...section('edge'),
          `  store<i32>(${at('phase')}, (phase + 1) % ${plan.period});`,
          '}',
          '',
        ]
      : []),
    '// every output',
    'function head(): void {',
    ...section('head'),
    '}',
    '',
    '// one micro-hop of input is complete: 1 if an output fell due',
    'function micro_hop(): i32 {',
    '  let due = 0;',
    '  trunk();',
    `  const block = load<i32>(${at('block')}) + 1;`,
    `  if (block == ${plan.hop / plan.microHop}) {`,
    `    store<i32>(${at('block')}, 0);`,
    ...(edges ? ['    edges();'] : []),
    `    const skip = load<i32>(${at('skip')});`,
    '    if (skip > 0) {',
    `      store<i32>(${at('skip')}, skip - 1);`,
    '    } else {',
    '      head();',
    '      due = 1;',
    '    }',
    ...steps.flatMap((s) => s.rotate.map((c) => `    ${c.fn}(${c.block}); // next partial result`)),
    `  } else store<i32>(${at('block')}, block);`,
    '  // histories move down by the new rows',
    ...slideLines(map),
    '  return due;',
    '}',
    '',
    'export function rn_push(frames: i32): i32 {',
    `  if (load<i32>(${at('ready')}) != ${readyMark}) return -1;`,
    ...receive,
    '}',
    '',
    'export function rn_reset(): void {',
    ...resetLines(quant, map),
    '}',
    '',
    'export function rn_abi(): i32 { return 1; }',
    `export function rn_input(which: i32): i32 { return which == 0 ? ${map.input} : 0; }`,
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
