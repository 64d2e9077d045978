/**
 * Rules for convolutions, pools and batch normalisation, plain and fused.
 *
 * In: [n, h, w, c] and kernels [h, w, in, out], depthwise [h, w, in, multiplier].  Out: ONNX operators
 * between two transpositions, then the fused activation. Source: TensorFlow's ops Conv2D,
 * DepthwiseConv2dNative, MaxPool, AvgPool, FusedBatchNormV3; Grappler's remapper for the fused ones.
 */
import type { Given } from '../../../onnx/apply.ts';
import { refuse } from '../../fail.ts';
import type { NodeDef } from '../nodes.ts';
import type { Rewriter } from '../rewriter.ts';
import { type Applied, applied } from './pointwise.ts';

const toChannelsFirst = [0, 3, 1, 2];
const toChannelsLast = [0, 2, 3, 1];

/** Returns h and w of [1, h, w, 1]. */
function spatial(node: NodeDef, name: string, fallback?: readonly number[]): [number, number] {
  const given = node.integers(name);
  const [n, h, w, c] = given.length === 0 && fallback ? [1, ...fallback, 1] : given;
  if (n !== 1 || c !== 1 || h === undefined || w === undefined || given.length > 4)
    refuse(`its ${name} is [${given.join(', ')}]`);
  return [h as number, w as number];
}

function channelsLast(node: NodeDef): void {
  const format = node.text('data_format', 'NHWC');
  if (format !== 'NHWC') refuse(`data_format ${format}: only NHWC is read`);
}

function padding(node: NodeDef): Given {
  const given = node.text('padding', '');
  if (given === 'SAME') return { auto_pad: 'SAME_UPPER' };
  if (given === 'VALID') return { auto_pad: 'VALID' };
  const explicit = node.integers('explicit_paddings');
  const [n0, n1, top, bottom, left, right, c0, c1] = explicit;
  if (given !== 'EXPLICIT' || explicit.length !== 8 || n0 || n1 || c0 || c1) refuse(`padding ${given} [${explicit.join(', ')}]`);
  return { pads: [top, left, bottom, right] as number[] };
}

/** Returns the dilations; after SpaceToBatchND they are its blocks (batch.ts). */
function dilationsOf(rewriter: Rewriter, node: NodeDef, strides: readonly number[]): readonly number[] {
  const dilations = spatial(node, 'dilations', [1, 1]);
  const split = rewriter.splitOf(rewriter.input(node, 0));
  if (!split) return dilations;
  const plain = [...strides, ...dilations].every((n) => n === 1) && [...split.keys()].every((dim) => dim === 1 || dim === 2);
  if (!plain || node.text('padding', '') !== 'VALID')
    refuse('between SpaceToBatchND and BatchToSpaceND only a convolution of stride 1 without padding is read');
  return [split.get(1) ?? 1, split.get(2) ?? 1];
}

/** Returns what a fused operator applies to its result: a bias (the third input) and an activation. */
function fusedOps(rewriter: Rewriter, node: NodeDef): { bias: string[]; activation: Applied | undefined } {
  const [first, second, more] = node.texts('fused_ops');
  if (first === undefined) return { bias: [], activation: undefined };
  if (first !== 'BiasAdd' || more !== undefined) refuse(`it is fused with ${node.texts('fused_ops').join(', ')}`);
  const bias = [rewriter.input(node, 2)];
  if (second === undefined) return { bias, activation: undefined };
  return { bias, activation: applied(rewriter, node, second, node.inputs[3]) ?? refuse(`it is fused with ${second}`) };
}

/** Adds the activation that is fused after `y`. */
function activated(rewriter: Rewriter, node: NodeDef, y: string, { op, more, attributes }: Applied): void {
  rewriter.emit(node, op, [y, ...more], attributes, true, `${node.name}/${op}`);
}

/** Adds an operator between two transpositions, then the fused activation. */
function slid(rewriter: Rewriter, node: NodeDef, op: string, more: string[], attributes: Given, then?: Applied): void {
  channelsLast(node);
  const x = rewriter.emit(node, 'Transpose', [rewriter.input(node, 0)], { perm: toChannelsFirst });
  const y = rewriter.emit(node, op, [x, ...more], attributes, false, node.name);
  const last = rewriter.emit(node, 'Transpose', [y], { perm: toChannelsLast }, then === undefined);
  if (then) activated(rewriter, node, last, then);
  const split = rewriter.splitOf(rewriter.input(node, 0));
  if (split) rewriter.split(node.name, split);
}

export function rewriteConv(rewriter: Rewriter, node: NodeDef): void {
  const strides = spatial(node, 'strides');
  const attributes = { ...padding(node), strides, dilations: dilationsOf(rewriter, node, strides) };
  const { bias, activation } = fusedOps(rewriter, node);
  const weights = rewriter.emit(node, 'Transpose', [rewriter.input(node, 1)], { perm: [3, 2, 0, 1] });
  slid(rewriter, node, 'Conv', [weights, ...bias], attributes, activation);
}

export function rewriteDepthwise(rewriter: Rewriter, node: NodeDef): void {
  const strides = spatial(node, 'strides');
  const attributes = { ...padding(node), strides, dilations: dilationsOf(rewriter, node, strides) };
  const { dims } = rewriter.constant(node, 1, 'weights');
  const [h, w, channels, multiplier] = dims as [number, number, number, number];
  if (dims.length !== 4) refuse(`weights of [${dims.join(', ')}]`);
  const { bias, activation } = fusedOps(rewriter, node);
  const turned = rewriter.emit(node, 'Transpose', [rewriter.input(node, 1)], { perm: [2, 3, 0, 1] });
  const shape = rewriter.given([channels * multiplier, 1, h, w], [4]);
  const weights = rewriter.emit(node, 'Reshape', [turned, shape]);
  slid(rewriter, node, 'Conv', [weights, ...bias], { ...attributes, group: channels }, activation);
}

/**
 * Rewrites a transposed convolution. Inputs: sizes, kernel [h, w, out, in], values. With VALID, a kernel
 * shorter than the stride leaves zeros after it.
 */
export function rewriteTransposed(rewriter: Rewriter, node: NodeDef): void {
  channelsLast(node);
  const strides = spatial(node, 'strides');
  const { dims } = rewriter.constant(node, 1, 'weights');
  const extra = strides.map((stride, i) => Math.max(0, stride - (dims[i] as number)));
  if (spatial(node, 'dilations', [1, 1]).some((d) => d !== 1)) refuse('it is dilated');
  const pads = padding(node);
  const attributes = { ...pads, strides, ...(pads.auto_pad === 'VALID' && { output_padding: extra }) };
  const weights = rewriter.emit(node, 'Transpose', [rewriter.input(node, 1)], { perm: [3, 2, 0, 1] });
  const x = rewriter.emit(node, 'Transpose', [rewriter.input(node, 2)], { perm: toChannelsFirst });
  const y = rewriter.emit(node, 'ConvTranspose', [x, weights], attributes, false, node.name);
  rewriter.emit(node, 'Transpose', [y], { perm: toChannelsLast }, true);
}

export function rewritePool(rewriter: Rewriter, node: NodeDef): void {
  const attributes = { ...padding(node), kernel_shape: spatial(node, 'ksize'), strides: spatial(node, 'strides') };
  slid(rewriter, node, node.op === 'MaxPool' ? 'MaxPool' : 'AveragePool', [], attributes);
}

export function rewriteBatchNorm(rewriter: Rewriter, node: NodeDef): void {
  const parameters = [1, 2, 3, 4].map((at) => rewriter.input(node, at));
  const training: Given = node.flag('is_training') ? { training_mode: 1 } : {};
  slid(rewriter, node, 'BatchNormalization', parameters, { epsilon: { float: node.number('epsilon') }, ...training });
}

/** Rewrites MatMul and _FusedMatMul as Gemm. */
export function rewriteMatMul(rewriter: Rewriter, node: NodeDef): void {
  if (node.flag('transpose_a')) refuse('its first input is transposed');
  const { bias, activation } = fusedOps(rewriter, node);
  const inputs = [rewriter.input(node, 0), rewriter.input(node, 1), ...bias];
  const attributes = { transB: Number(node.flag('transpose_b')) };
  const y = rewriter.emit(node, 'Gemm', inputs, attributes, activation === undefined, node.name);
  if (activation) activated(rewriter, node, y, activation);
}

/** Rewrites a product of the last dimension and a matrix of weights. */
export function rewriteBatchMatMul(rewriter: Rewriter, node: NodeDef): void {
  if (node.flag('adj_x')) refuse('its first input is transposed');
  const weights = rewriter.input(node, 1);
  const turned = node.flag('adj_y') ? rewriter.emit(node, 'Transpose', [weights], { perm: [1, 0] }) : weights;
  rewriter.emit(node, 'MatMul', [rewriter.input(node, 0), turned], {}, true);
}
