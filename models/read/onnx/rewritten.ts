/**
 * Operators of ONNX in the place of those that are made of them.
 *
 * In: the file's nodes.  Out: nodes; one that cannot be rewritten says why it is refused.
 */
import { attentions } from './attention.ts';
import { Attributes } from './attributes.ts';
import { composed } from './composed.ts';
import { fused } from './fused.ts';
import { Instead, type Rewrite } from './instead.ts';
import type { OnnxModel, OnnxNode } from './proto.ts';
import { integerOperators } from './qoperator.ts';
import { Unsupported } from './refuse.ts';

/** By domain and name. */
export const rewrites: ReadonlyMap<string, Rewrite> = new Map(
  [composed, attentions, fused, integerOperators].flatMap((table) => Object.entries(table)),
);

function parted(node: OnnxNode): OnnxNode[] {
  const rewrite = rewrites.get(node.domain === '' ? node.op : `${node.domain}.${node.op}`);
  if (!rewrite || !node.outputs[0] || node.refused !== undefined) return [node];
  try {
    const made = new Instead(node);
    return made.nodes(rewrite(made, node, new Attributes(node)));
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return [{ ...node, refused: error.message }];
  }
}

/** What the file's constants alone make is folded as it stands. */
export function rewritten(nodes: readonly OnnxNode[], { initializers }: Pick<OnnxModel, 'initializers'>): OnnxNode[] {
  const constants = new Set(initializers.map(({ name }) => name));
  return nodes.flatMap((node) => (node.inputs.every((name) => constants.has(name)) ? [node] : parted(node)));
}
