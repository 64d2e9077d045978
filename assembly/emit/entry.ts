/**
 * Parts that the generated files of all modules have: exports and numbers.
 *
 * In: the form of a module.  Out: the text of the entry file module.ts, and lines of runtime/network.ts,
 * which replaces assembly/runtime/network.ts.
 */
import type { MemoryMap } from './memory.ts';

/** A module's generated files by path. All other sources are in assembly/kernels and assembly/runtime. */
export type Generated = Readonly<Record<string, string>>;

export interface ModuleForm {
  style: 'calls' | 'table';
  /** True if a front end runs before the network. */
  sound: boolean;
  /** True if the module is also a command. */
  wasi: boolean;
  /** True in mode misaligned: micro-hops and outputs have separate counters. */
  ownClock: boolean;
}

/** Prints constants of network.ts. `inline`: true (the default) to inline them before the optimiser runs. */
export const numberLines = (numbers: Record<string, number | boolean>, inline = true): string[] =>
  Object.entries(numbers).map(([name, value]) => {
    const type = typeof value === 'boolean' ? 'bool' : 'i32';
    return `${inline ? '@inline ' : ''}export const ${name}: ${type} = ${value};`;
  });

/** Prints the re-exports of network.ts, by the runtime file that defines them. */
export function doorLines({ style, sound, wasi, ownClock }: ModuleForm): string[] {
  const front = sound ? ', sound_block, sound_samples, sound_step' : '';
  const interpreter = 'edges, head, receive, reset, rn_info, rn_input, rn_output, rotate, slide, trunk';
  const doors: Record<string, string | false> = {
    abi: 'rn_abi',
    info: style === 'calls' && 'rn_info',
    interpreter: style === 'table' && interpreter + front,
    [ownClock ? 'push-apart' : 'push']: sound ? 'push_rows' : 'push_rows as rn_push',
    reset: !sound && 'reset_rows as rn_reset',
    sound: sound && 'rn_push, rn_reset',
    state: 'rn_state',
    command: wasi && '_start',
  };
  return Object.entries(doors).flatMap(([file, names]) => (names ? [`export { ${names} } from "./${file}";`] : []));
}

const abi = ['rn_push', 'rn_reset', 'rn_abi', 'rn_input', 'rn_output', 'rn_state', 'rn_info'];

/** Prints module.ts. `map`: the static memory, if known. `bare`: true for C, which has fewer exports. */
export function entrySource(title: string, wasi: boolean, map?: Pick<MemoryMap, 'base' | 'end'>, bare = false): string {
  const names = bare ? abi.slice(0, 2) : [...abi, ...(wasi ? ['_start'] : [])];
  return [
    title,
    `export { ${names.join(', ')} } from "./runtime/network";`,
    ...(bare ? [] : ['export { __heap_base, __data_end };']),
    ...(map
      ? [`memory.data(${map.end - map.base}, 16); // weights, tables, state, io and scratch, from address ${map.base}`]
      : []),
    '',
  ].join('\n');
}
