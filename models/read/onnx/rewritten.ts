/**
 * rewritten: replaces composite operators by the ONNX operators that they consist of.
 *
 * In: the file's nodes.  Out: nodes. A node that cannot be rewritten holds the reason in `refused`.
 */
import { attentions } from './attention.ts';
import { Attributes } from './attributes.ts';
import { composed } from './composed.ts';
import { fused } from './fused.ts';
import { Instead, type Rewrite } from './instead.ts';
import type { OnnxModel, OnnxNode } from './proto.ts';
import { integerOperators } from './qoperator.ts';
import { Unsupported } from './refuse.ts';

/** All rewrites, by domain and operator. */
export const rewrites: ReadonlyMap<string, Rewrite> = new Map(
  [composed, attentions, fused, integerOperators].flatMap((table) => Object.entries(table)),
);

function rewriteNode(node: OnnxNode): OnnxNode[] {
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

/** Rewrites nodes. A node that reads only initializers stays unchanged, because it is folded later. */
export function rewritten(nodes: readonly OnnxNode[], { initializers }: Pick<OnnxModel, 'initializers'>): OnnxNode[] {
  const constants = new Set(initializers.map(({ name }) => name));
  return nodes.flatMap((node) => (node.inputs.every((name) => constants.has(name)) ? [node] : rewriteNode(node)));
}
