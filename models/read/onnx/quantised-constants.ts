/**
 * Quantised constants: QuantizeLinear and DequantizeLinear of weights and biases.
 *
 * In: the node and its constant inputs.  Out: a constant. A dequantised constant keeps its integers and
 * scales in addition to the real values, so that an int8 graph uses them unchanged. Formula: real = scale *
 * (quantised - zeroPoint). Source: ONNX QuantizeLinear / DequantizeLinear.
 */
import { Attributes } from './attributes.ts';
import { axisIn } from './dims.ts';
import type { OnnxNode } from './proto.ts';
import { refuse } from './refuse.ts';
import { type Const, countOf } from './tensor.ts';

interface Params {
  scales: Float64Array;
  zeroPoints: Int32Array;
  axis: number;
  /** Returns the index of the scale of flat element i. */
  channel: (i: number) => number;
}

/**
 * Returns the result of a (De)QuantizeLinear of constants; undefined for other nodes. Throws Unsupported.
 */
export function foldQuantised(node: OnnxNode, inputs: (Const | undefined)[]): Const | undefined {
  const [x, scale, zeroPoint] = inputs;
  if (!x || !scale || node.inputs.some((name, i) => name !== '' && !inputs[i])) return undefined;
  if (node.op === 'DequantizeLinear') return dequantise(x, paramsOf(node, x.dims, scale, zeroPoint));
  if (node.op === 'QuantizeLinear') return quantise(x, paramsOf(node, x.dims, scale, zeroPoint), zeroPoint);
  return undefined;
}

function paramsOf(node: OnnxNode, dims: readonly number[], scale: Const, zeroPoint: Const | undefined): Params {
  const attributes = new Attributes(node);
  if (attributes.int('block_size', 0) !== 0) refuse('blocked quantisation');
  const scales = Float64Array.from(scale.data);
  const zeroPoints = zeroPoint ? Int32Array.from(zeroPoint.data) : new Int32Array(scales.length);
  if (zeroPoints.length !== scales.length || scales.length === 0) refuse('scale and zero point differ in length');
  if (!scales.every((s) => s > 0 && Number.isFinite(s))) refuse('a scale that is not positive');
  if (scales.length === 1) return { scales, zeroPoints, axis: 0, channel: () => 0 };
  const axis = axisIn(attributes.int('axis', 1), dims.length);
  if (dims[axis] !== scales.length) refuse(`${scales.length} scales along dimension ${axis} of length ${dims[axis]}`);
  const inner = countOf(dims.slice(axis + 1));
  return { scales, zeroPoints, axis, channel: (i) => Math.floor(i / inner) % scales.length };
}

function dequantise(x: Const, p: Params): Const {
  const { data } = x;
  if (!(data instanceof Int8Array || data instanceof Uint8Array || data instanceof Int32Array))
    return refuse(`quantised ${x.type}`);
  const real = Float32Array.from(data, (q, i) => {
    const channel = p.channel(i);
    return (p.scales[channel] as number) * (q - (p.zeroPoints[channel] as number));
  });
  const quantised = { data, scales: p.scales, zeroPoints: p.zeroPoints, axis: p.axis };
  return { kind: 'const', dims: x.dims, type: 'float32', data: real, quantised };
}

function quantise(x: Const, p: Params, zeroPoint: Const | undefined): Const {
  const type = zeroPoint?.type ?? 'uint8';
  if (type !== 'int8' && type !== 'uint8') return refuse(`quantisation to ${type}`);
  const low = type === 'int8' ? -128 : 0;
  const high = low + 255;
  const data = type === 'int8' ? new Int8Array(x.data.length) : new Uint8Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = p.channel(i);
    const q = roundHalfToEven((x.data[i] as number) / (p.scales[channel] as number)) + (p.zeroPoints[channel] as number);
    data[i] = Math.min(high, Math.max(low, q));
  }
  return { kind: 'const', dims: x.dims, type, data };
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
