/** Generated from this folder's file names by scripts/generate.ts; do not edit. */
import type { OpName } from '../../models/graph/types.ts';
import { activation } from './activation.ts';
import { add } from './add.ts';
import { argmax } from './argmax.ts';
import { avgpool } from './avgpool.ts';
import { concat } from './concat.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { depthwise } from './depthwise.ts';
import { gem } from './gem.ts';
import { globalavg } from './globalavg.ts';
import { globalmax } from './globalmax.ts';
import { gru } from './gru.ts';
import { history } from './history.ts';
import { hypot } from './hypot.ts';
import { layernorm } from './layernorm.ts';
import { lstm } from './lstm.ts';
import { matmul } from './matmul.ts';
import { maxpool } from './maxpool.ts';
import { mul } from './mul.ts';
import type { IntOp } from './op.ts';
import { permute } from './permute.ts';
import { regroup } from './regroup.ts';
import { rnn } from './rnn.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { upsample } from './upsample.ts';

export const intOps: { [K in OpName]: IntOp<K> } = {
  activation,
  add,
  argmax,
  avgpool,
  concat,
  conv,
  dense,
  depthwise,
  gem,
  globalavg,
  globalmax,
  gru,
  history,
  hypot,
  layernorm,
  lstm,
  matmul,
  maxpool,
  mul,
  permute,
  regroup,
  rnn,
  slice,
  softmax,
  upsample,
};

/** Returns the definition of a node's operator. */
export const intOpOfNode = (node: { op: OpName }) => intOps[node.op] as unknown as IntOp<OpName>;
