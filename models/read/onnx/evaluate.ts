/**
 * evaluate: computes one node of an ONNX graph on numbers, for a recurrent cell in single operators.
 *
 * In: a node and its inputs as constants.  Out: its outputs. Rule: that of foldNode. Error: Unsupported.
 */
import type { Work } from '../work.ts';
import { foldNode } from './fold.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';
import type { Const } from './tensor.ts';

export function evaluate(node: OnnxNode, inputs: (Const | undefined)[], work: Work): Const[] {
  const [x] = inputs;
  if (!x && node.inputs.length > 0) refuse('its cell reads a value that is not from a row, a state or a constant');
  const made = foldNode(node, { inputs }, work) ?? refuse(`its cell has ${node.op}, which is not evaluated`);
  const values = made.reduce((sum, { data }) => sum + data.length, x?.data.length ?? 0);
  if (!work.start(values)) refuse('its cell is too large to be evaluated');
  return made;
}
