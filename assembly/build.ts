/**
 * build in Node: QuantPlan -> Bundle.
 *
 * In: a QuantPlan and options.  Out: one WebAssembly module with its manifest, the generated source and the
 * memory map (build-with.ts). The same input gives the same bytes, here and in a page.
 */

import type { QuantPlan } from '../quant/plan.ts';
import { type BuildOptions, type Bundle, builder } from './build-with.ts';
import { nodeTools } from './emit/compile.ts';
import { nodeInterpreters } from './emit/table-module.ts';

export type { BuildOptions, Bundle } from './build-with.ts';

const made = builder(nodeTools, nodeInterpreters);

/**
 * Emits, compiles and packs a module. If the home of the weights is not `embed`, the bundle also has the
 * weights as a separate file. @throws RunletError RN5xx
 */
export const build = (quant: QuantPlan, options: BuildOptions = {}): Promise<Bundle> => made(quant, options);
