/**
 * build without a compiler: QuantPlan -> Bundle of style `table`, around an interpreter that was compiled
 * beforehand (`npm run generate`). Uses no Node API.
 *
 * In: a QuantPlan and options.  Out: one WebAssembly module with its manifest and memory map, for target
 * `interp`. Its bytes equal those of build with `style: 'table', kernels: 'every'`. The interpreter is loaded
 * on first use: the one with int16 kernels only for models with int16 activations (docs/adr/0020), the one
 * with all kernels only for models with rare operators.
 */
import { fromBase64 } from '../models/graph/base64.ts';
import type { QuantPlan } from '../quant/plan.ts';
import { type Assembled, buildTable, type Interpreter } from './assemble.ts';
import type { ManifestOptions } from './bundle/make-manifest.ts';
import { everyKernel, type KernelSet, kernelSetOf } from './emit/interpreters.ts';

export type TableBuildOptions = Partial<Omit<ManifestOptions, 'style' | 'target'>>;

const cache = new Map<KernelSet, Promise<Interpreter>>();

const files: Readonly<Record<KernelSet, () => Promise<{ code: string }>>> = {
  int8: () => import('./interpreters/int8.ts'),
  int16: () => import('./interpreters/int16.ts'),
  all: () => import('./interpreters/all.ts'),
};

async function load(set: KernelSet): Promise<Interpreter> {
  const { code } = await files[set]();
  return {
    target: 'interp',
    kernels: everyKernel('interp', 'embed', set),
    ownClock: false,
    sound: false,
    code: fromBase64(code),
  };
}

function interpreterFor({ plan: { graph } }: QuantPlan): Promise<Interpreter> {
  const set = kernelSetOf(graph);
  let found = cache.get(set);
  if (!found) {
    found = load(set);
    // after a failed load the next build tries again
    found.catch(() => cache.delete(set));
    cache.set(set, found);
  }
  return found;
}

/**
 * Builds a module of style `table`. @throws RunletError RN501 (mode misaligned), RN505, and others of RN5xx
 */
export const build = async (quant: QuantPlan, options: TableBuildOptions = {}): Promise<Assembled> =>
  buildTable(quant, await interpreterFor(quant), { producer: 'runlet', ...options });
