/**
 * Rules for SpaceToBatchND, a convolution, BatchToSpaceND: TensorFlow's form of a convolution with dilations.
 *
 * In: the padded input, in which every block-th frame is a batch of its own; a VALID convolution of stride 1;
 * the batches interleaved again and cropped.
 * Out: Pad, Conv with dilation = block, Slice for the crops: the same sum for every output frame. In between,
 * the rewriter records which dimensions are split, and every other operator is refused.
 */
import { refuse } from '../../fail.ts';
import type { NodeDef } from '../nodes.ts';
import type { Rewriter } from '../rewriter.ts';
import { padsOf } from './shape.ts';

export function rewriteSpaceToBatch(rewriter: Rewriter, node: NodeDef): void {
  const blocks = rewriter.integers(node, 1, 'block_shape');
  const pads = padsOf(rewriter, node, 2);
  if (pads.length !== 2 * blocks.length || blocks.some((b) => b < 1)) refuse('its blocks and paddings do not fit');
  if (rewriter.splitOf(rewriter.input(node, 0))) refuse('its input is split already');
  const axes = rewriter.given(
    blocks.map((_, i) => i + 1),
    [blocks.length],
  );
  const zero = rewriter.given([0], [], 'float32');
  rewriter.emit(node, 'Pad', [rewriter.input(node, 0), rewriter.given(pads, [pads.length]), zero, axes], {}, true);
  rewriter.split(node.name, new Map(blocks.map((block, i) => [i + 1, block])));
}

export function rewriteBatchToSpace(rewriter: Rewriter, node: NodeDef): void {
  const blocks = rewriter.integers(node, 1, 'block_shape');
  const crops = padsOf(rewriter, node, 2);
  const x = rewriter.input(node, 0);
  const split = rewriter.splitOf(x);
  const same = split?.size === blocks.length && blocks.every((block, i) => split.get(i + 1) === block);
  if (!same || crops.length !== 2 * blocks.length) refuse('no SpaceToBatchND with its blocks stands before it');
  const axes = blocks.map((_, i) => i + 1);
  const ends = crops.slice(blocks.length).map((n) => (n === 0 ? 2 ** 31 - 1 : -n));
  const list = (values: readonly number[]) => rewriter.given(values, [values.length]);
  rewriter.emit(node, 'Slice', [x, list(crops.slice(0, blocks.length)), list(ends), list(axes)], {}, true);
}
