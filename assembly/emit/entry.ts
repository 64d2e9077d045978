/**
 * What the generated files of a module have in common: its exports, and numbers.
 *
 * In: the form of a module.  Out: the text of the entry file module.ts, and lines of runtime/network.ts,
 * which stands in place of assembly/runtime/network.ts.
 */
import type { MemoryMap } from './memory.ts';

/** A module's own files by path; all else that is compiled is in assembly/kernels and assembly/runtime. */
export type Generated = Readonly<Record<string, string>>;

export interface ModuleForm {
  style: 'calls' | 'table';
  /** A front end is before the network. */
  sound: boolean;
  /** It is a command too. */
  wasi: boolean;
  /** misaligned: micro-hops and outputs run on clocks of their own. */
  ownClock: boolean;
}

/** Constants of network.ts; `inline`: put into the code that reads them before it is optimised. */
export const numberLines = (numbers: Record<string, number | boolean>, inline = true): string[] =>
  Object.entries(numbers).map(([name, value]) => {
    const type = typeof value === 'boolean' ? 'bool' : 'i32';
    return `${inline ? '@inline ' : ''}export const ${name}: ${type} = ${value};`;
  });

/** What network.ts hands on, by the file of the runtime that has it. */
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

/** module.ts. `map`: of the static memory, where it is known. `bare`: what C has. */
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
