/**
 * The compiled interpreters of layer tables, cached for the process by their kernels.
 *
 * In: tools, kernels.  Out: source and bytes, without data and with a memory that a build replaces
 * (assembly/assemble.ts).  No Node import.
 */
import { type Graph, isInt16, type Node } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import type { Interpreter } from '../assemble.ts';
import type { Form } from '../bundle/manifest.ts';
import { compileWith, type Tools } from './compiler.ts';
import type { Generated } from './entry.ts';
import type { Home } from './home.ts';
import { kernelsOf, type Program } from './instruction.ts';
import { type KernelName, kernelNames, kernels } from './kernels.ts';
import { type Need, needNames, rareNeeds } from './needs.ts';
import { emitOpOfNode, emitOps } from './ops/index.ts';
import { tableSource } from './table-source.ts';
import { type Target, targets } from './target.ts';
import { targetParts } from './targets/index.ts';

interface Compiling {
  source: Generated;
  code: Promise<Uint8Array>;
}

export interface InterpreterOptions {
  target: Target;
  /** True for mode misaligned. */
  ownClock: boolean;
  /** True if a front end runs before the network. */
  sound: boolean;
  /** Entry points of the module. Default: only those of the ABI. */
  form?: Form;
  /** Features of kernels that the layers use. Default: all. */
  needs?: ReadonlySet<Need>;
}

/** Needs that home `embed` does not have (assembly/kernels/needs.ts). */
const importing: ReadonlySet<Need> = new Set<Need>(['FETCH', 'APART']);

const isEndOf = (file: string, target: Target): boolean =>
  targetParts[target].suffixes.some((suffix) => file.endsWith(`-${suffix}`));

/** Checks whether a file of assembly/kernels is for all targets, or for this one. */
const isOf = (file: string, target: Target): boolean => isEndOf(file, target) || !targets.some((other) => isEndOf(file, other));

/**
 * Sets of kernels of an interpreter with every kernel. `int8`; `int16`: these and int16; `all`: these and
 * rare operators. A module without int16 and without rare operators has no code for them.
 */
export const kernelSets = ['int8', 'int16', 'all'] as const;
export type KernelSet = (typeof kernelSets)[number];

const isRare = (node: Node, isWide: boolean): boolean => {
  const { rare } = emitOpOfNode(node);
  return rare === true || (rare?.(node.attrs, isWide) ?? false);
};

/** Returns the smallest set that has the kernels of a network's layers. */
export function kernelSetOf(graph: Graph): KernelSet {
  if (graph.nodes.some((node) => isRare(node, viewOf(graph).touchesInt16(node)))) return 'all';
  return graph.tensors.some(({ quant }) => isInt16(quant)) ? 'int16' : 'int8';
}

const rareFiles = new Set<string>(
  Object.values(emitOps).flatMap(({ name, files = [], rare }) => [...(rare === true ? [name] : []), ...files]),
);

/**
 * Returns the kernels that modules of a target can have. The kernel that fetches weights has an import, so
 * only modules of home `tile` have it.
 */
export const everyKernel = (target: Target, home: Home = 'embed', set: KernelSet = 'int8'): KernelName[] =>
  kernelNames.filter((fn) => {
    const { file } = kernels[fn];
    if (rareFiles.has(file) && set !== 'all') return false;
    return isOf(file, target) && (file !== 'fetch' || home === 'tile') && (set !== 'int8' || !file.endsWith('-s16'));
  });

/** Returns the needs that layers of such modules can have. */
export function everyNeed(target: Target, home: Home = 'embed', set: KernelSet = 'int8'): Set<Need> {
  const elsewhere = (need: Need): boolean =>
    need === 'RELAXED'
      ? target !== 'relaxed'
      : (home !== 'tile' && importing.has(need)) || (set !== 'all' && rareNeeds.includes(need));
  return new Set(needNames.filter((need) => !elsewhere(need)));
}

/** Returns the kernels of a program, in the order of all kernels. */
export function kernelsUsed(program: Program): KernelName[] {
  const used = kernelsOf(program);
  return kernelNames.filter((fn) => used.has(fn));
}

export interface Interpreters {
  /** Returns an interpreter, which is compiled once per process. @throws RN501 */
  interpreter(kernels: KernelName[], options: InterpreterOptions): Promise<Interpreter & { source: Generated }>;
}

export function interpretersOf(tools: Tools): Interpreters {
  const cache = new Map<string, Compiling>();
  return {
    interpreter: async (kernels, options) => {
      const { target, ownClock, sound, needs, form } = options;
      const key = JSON.stringify([target, ownClock, sound, form, kernels, [...(needs ?? [])].sort(), !needs]);
      let found = cache.get(key);
      if (!found) {
        const source = tableSource(kernels, ownClock, sound, form);
        found = { source, code: compileWith(tools, source, 0, target, needs) };
        cache.set(key, found);
      }
      return { target, kernels, ownClock, sound, source: found.source, code: await found.code };
    },
  };
}
