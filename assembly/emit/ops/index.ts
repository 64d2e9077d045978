/** Generated from this folder's file names by scripts/generate.ts; do not edit. */
import type { OpName } from '../../../models/graph/types.ts';
import type { EmitOp } from './op.ts';

export const emitOps: { [K in OpName]: EmitOp<K> } = {};

export const emitOpOf = <K extends OpName>(name: K): EmitOp<K> => emitOps[name] as EmitOp<K>;
