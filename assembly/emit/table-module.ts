/**
 * The interpreters of layer tables in Node (interpreters.ts).
 *
 * In: kernels.  Out: compiled interpreters, cached for the process.
 */
import { nodeTools } from './compile.ts';
import { interpretersOf } from './interpreters.ts';

export const nodeInterpreters = interpretersOf(nodeTools);
export const { interpreter } = nodeInterpreters;
