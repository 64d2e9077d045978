/** Types of tools.mjs. */
import type { Compiled, Job } from './compiler.ts';

export function runAsc(asc: typeof import('assemblyscript/asc'), job: Job): Promise<Compiled>;
