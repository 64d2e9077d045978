/** Generated from this folder's file names by scripts/generate.ts; do not edit. */
import type { OpName } from '../../models/graph/types.ts';
import type { IntOp } from './op.ts';

export const intOps: { [K in OpName]: IntOp<K> } = {};

export const intOpOf = <K extends OpName>(name: K): IntOp<K> => intOps[name] as IntOp<K>;
