/**
 * The compiled interpreter of a layer table, kept for the process by the kernels that it has.
 *
 * In: tools, kernels.  Out: its source and bytes, with no data and a memory that a build replaces (assembly/assemble.ts).  No Node import.
 */
import type { Interpreter } from '../assemble.ts';
import type { Form } from '../bundle/manifest.ts';
import { compileWith, type Tools } from './compiler.ts';
import type { Generated } from './entry.ts';
import type { Home } from './home.ts';
import { type KernelName, kernelNames, kernels } from './kernels.ts';
import type { Need } from './needs.ts';
import { kernelsOf, type Program } from './program.ts';
import { tableSource } from './table-source.ts';
import { type Target, targetOf } from './target.ts';
import { withoutTees } from './tees.ts';

interface Compiling {
  source: Generated;
  code: Promise<Uint8Array>;
}

export interface InterpreterOptions {
  target: Target;
  /** For mode misaligned. */
  ownClock: boolean;
  /** A front end is before the network. */
  sound: boolean;
  /** Other than the ABI alone. */
  form?: Form;
  /** What layers ask of their kernels; everything if left out. */
  needs?: ReadonlySet<Need>;
}

async function compileOnce(tools: Tools, source: Generated, { target, needs }: InterpreterOptions): Promise<Uint8Array> {
  const wasm = await compileWith(tools, source, 0, target, needs);
  return target === 'interp' ? withoutTees(wasm) : wasm;
}

/**
 * Kernels that modules of a target can have; what fetches weights is an import, so that no other module has
 * it, and few have int16.
 */
export const everyKernel = (target: Target, home: Home = 'embed', int16 = false): KernelName[] =>
  kernelNames.filter((fn) => {
    const { file } = kernels[fn];
    return (
      [undefined, target].includes(targetOf(file)) && (file !== 'fetch' || home === 'tile') && (int16 || !file.endsWith('-s16'))
    );
  });

/** Of a program, in the order of all. */
export function kernelsUsed(program: Program): KernelName[] {
  const used = kernelsOf(program);
  return kernelNames.filter((fn) => used.has(fn));
}

export interface Interpreters {
  /** Compiled once a process. @throws RN501 */
  interpreter(kernels: KernelName[], options: InterpreterOptions): Promise<Interpreter & { source: Generated }>;
}

export function interpretersOf(tools: Tools): Interpreters {
  const known = new Map<string, Compiling>();
  return {
    interpreter: async (kernels, options) => {
      const { target, ownClock, sound, needs, form } = options;
      const key = JSON.stringify([target, ownClock, sound, form, kernels, [...(needs ?? [])].sort(), !needs]);
      let found = known.get(key);
      if (!found) {
        const source = tableSource(kernels, ownClock, sound, form);
        found = { source, code: compileOnce(tools, source, options) };
        known.set(key, found);
      }
      return { target, kernels, ownClock, sound, source: found.source, code: await found.code };
    },
  };
}
