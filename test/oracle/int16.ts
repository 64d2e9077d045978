/**
 * Oracle of TensorFlow Lite's 16x8 operators: naive loops, exact.
 *
 * In: a node of a graph with stored inputs.  Out: its stored output.  It shares no code with the quantiser or
 * the kernels.  Source: integer_ops/conv.h, depthwise_conv.h, fully_connected.h, pooling.h of int16
 * (accumulators of int64), mul.h, reference/add.h (AddGeneralParamScale), reference/requantize.h,
 * leaky_relu.h, reduce.h (QuantizedMeanOrSum), common.cc (MultiplyByQuantizedMultiplier of int64). Layers
 * with int8 on one side, which TensorFlow Lite does not have, follow the same rule (docs/adr/0020).
 */
import type { Node, QuantParams, Shape } from '../../models/graph/types.ts';
import { type Multiplier, multiply, roundAway, splitMultiplier } from './fixed.ts';

export interface StoredTensor {
  data: ArrayLike<number>;
  shape: Shape;
  quant: QuantParams;
}

/** Returns x * m / 2^(31 - shift), where m is rounded to its upper 16 bits and halves are rounded up. */
function multiplyWide(x: bigint, { significand, shift }: Multiplier): bigint {
  const short = significand < 0x7fff0000 ? (BigInt(significand) + 0x8000n) >> 16n : 0x7fffn;
  const right = BigInt(15 - shift);
  return (x * short + (1n << (right - 1n))) >> right;
}

/** Returns the value at (t, f, c), or undefined in the padding. */
const at = ({ data, shape }: StoredTensor, t: number, f: number, c: number): number | undefined =>
  t < 0 || f < 0 || t >= shape.t || f >= shape.f ? undefined : data[(t * shape.f + f) * shape.c + c];

const floor = (a: number, b: number) => Math.floor(a / b);

type Layer = Extract<Node, { op: 'conv' | 'depthwise' | 'dense' }>;

/** Returns the sum of w * (x - zero) for output (t, f, o). */
function products(node: Layer, x: StoredTensor, out: Shape, t: number, f: number, o: number): number {
  const { data: w } = node.attrs.weights;
  let sum = 0; // below 2^53
  const add = (weight: number, value: number | undefined) => {
    if (value !== undefined) sum += (w[weight] as number) * (value - x.quant.zeroPoint);
  };
  if (node.op === 'dense') {
    for (let i = 0; i < x.data.length; i++) add(o * x.data.length + i, x.data[i]);
    return sum;
  }
  const a = node.attrs;
  const depth = node.op === 'conv' ? x.shape.c / node.attrs.groups : 1;
  const first = node.op === 'conv' ? floor(o, out.c / node.attrs.groups) * depth : floor(o, node.attrs.multiplier);
  for (let i = 0; i < a.kernelT; i++)
    for (let j = 0; j < a.kernelF; j++)
      for (let k = 0; k < depth; k++) {
        const weight = node.op === 'conv' ? ((o * a.kernelT + i) * a.kernelF + j) * depth + k : (i * a.kernelF + j) * out.c + o;
        add(weight, at(x, t * a.strideT - a.padT[0] + i * a.dilationT, f * a.strideF - a.padF[0] + j * a.dilationF, first + k));
      }
  return sum;
}

/** Clamps a value to the fused activation and the type. */
function stored(node: Node, y: QuantParams, value: number | bigint): number {
  const [low, high] = y.type === 'int16' ? [-32768, 32767] : [-128, 127];
  const clamp = 'clamp' in node.attrs ? node.attrs.clamp : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const [from, to] = clamp.map((real) => y.zeroPoint + roundAway(Math.fround(real / y.scale)));
  return Math.max(low, from as number, Math.min(high, to as number, Number(value)));
}

/** Returns the values under the pool's kernel that are not padding, for channel c of (t, f). */
function placesOf(
  node: Extract<Node, { op: 'maxpool' | 'avgpool' }>,
  x: StoredTensor,
  t: number,
  f: number,
  c: number,
): number[] {
  const a = node.attrs;
  const found: number[] = [];
  for (let i = 0; i < a.kernelT; i++)
    for (let j = 0; j < a.kernelF; j++) {
      const value = at(x, t * a.strideT - a.padT[0] + i, f * a.strideF - a.padF[0] + j, c);
      if (value !== undefined) found.push(value);
    }
  return found;
}

const mean = (sum: number, count: number) => Math.trunc((sum + Math.sign(sum) * floor(count, 2)) / count);

function sumOf(a: StoredTensor, b: StoredTensor, y: QuantParams, i: number): number {
  const twice = 2 * Math.max(a.quant.scale, b.quant.scale);
  const part = ({ data, quant }: StoredTensor) => multiply((data[i] as number) * 2 ** 15, splitMultiplier(quant.scale / twice));
  return multiply(part(a) + part(b), splitMultiplier(twice / (2 ** 15 * y.scale)));
}

function activated(node: Extract<Node, { op: 'activation' }>, { data, quant }: StoredTensor, y: QuantParams, i: number): number {
  const value = (data[i] as number) - quant.zeroPoint;
  if (node.attrs.fn === 'identity') return y.zeroPoint + multiply(value, splitMultiplier(quant.scale / y.scale));
  const alpha = Math.fround(node.attrs.alpha ?? 0.01);
  const scale = value < 0 ? Math.fround(Math.fround(quant.scale * alpha) / y.scale) : Math.fround(quant.scale / y.scale);
  return y.zeroPoint + Math.sign(scale) * multiply(value, splitMultiplier(Math.abs(scale)));
}

const sigmoid = (x: number) => 65536 / (1 + Math.exp(-x / 24));
/** Returns the table value i: the sigmoid minus a sixteenth of its second difference. */
const bent = (i: number) => Math.round(sigmoid(i) - (sigmoid(i + 1) + sigmoid(i - 1) - 2 * sigmoid(i)) / 16);
const table = Array.from({ length: 256 }, (_, i) => BigInt(i === 255 ? 65535 : bent(i)));

/** Computes the logistic function by linear interpolation in steps of 1/24; tanh(v) = 2 sigmoid(2 v) - 1. */
function gated({ attrs: { fn } }: Extract<Node, { op: 'activation' }>, x: StoredTensor, y: QuantParams, i: number): number {
  const unit = x.quant.scale * 12288;
  const power = Math.log2(unit / 3);
  const exact = power === 0 || (fn === 'tanh' && power === 1);
  const shift = exact
    ? 0
    : Math.max(0, Math.ceil(Math.log2(16383.5 / unit) + (Number.isInteger(Math.log2(16383.5 / unit)) ? 1 : 0)));
  const whole = BigInt(Math.floor(unit * 2 ** shift)) * BigInt(x.data[i] as number);
  const at = shift === 0 ? whole : (whole + 2n ** BigInt(shift - 1)) >> BigInt(shift);
  const size = at < 0n ? -at : at;
  const step = fn === 'tanh' ? 256n : 512n;
  const place = Number(size / step);
  const [from, to] = [table[place] ?? 0n, table[place + 1] ?? 0n];
  // 25 fraction bits, or 24 for tanh
  const end = fn === 'tanh' ? 0xffffn << 8n : 0x7fffn << 10n;
  const value = place >= 255 ? end : from * step + (size % step) * (to - from);
  const half = fn === 'tanh' ? 128n : 512n;
  const signed = fn === 'tanh' ? value - 2n ** 23n : value;
  const other = fn === 'tanh' ? -signed : 2n ** 25n - signed;
  const result = at < 0n ? (other + half - 1n) / 1n : signed + half;
  return multiply(Number(result >> (fn === 'tanh' ? 8n : 10n)), splitMultiplier(2 ** -15 / y.scale));
}

/** Computes the mean with 1 / count as part of the multiplier. */
function averaged(x: StoredTensor, y: QuantParams, values: number[]): number {
  const { significand, shift } = splitMultiplier(x.quant.scale / y.scale);
  const bits = Math.min(31 - Math.clz32(values.length), 32, 31 + shift);
  const scale = { significand: Number((BigInt(significand) << BigInt(bits)) / BigInt(values.length)), shift: shift - bits };
  return (
    y.zeroPoint +
    multiply(
      values.reduce((sum, v) => sum + v - x.quant.zeroPoint, 0),
      scale,
    )
  );
}

/** Returns the stored output, or undefined for operators that have no int16 form. */
export function oracleOf(node: Node, xs: StoredTensor[], out: Shape, y: QuantParams): number[] | undefined {
  const [x] = xs as [StoredTensor];
  const each = (value: (t: number, f: number, c: number, i: number) => number | bigint): number[] =>
    Array.from({ length: out.t * out.f * out.c }, (_, i) => {
      const c = i % out.c;
      const f = floor(i, out.c) % out.f;
      return stored(node, y, value(floor(i, out.c * out.f), f, c, i));
    });
  switch (node.op) {
    case 'conv':
    case 'depthwise':
    case 'dense': {
      const { weights, bias } = node.attrs;
      return each((t, f, o) => {
        const sw = (weights.scales?.[o] ?? weights.scales?.[0]) as number;
        const product = weights.scaleRule === 'dense-f32' ? Math.fround(x.quant.scale * sw) : x.quant.scale * sw;
        const sum = products(node, x, out, t, f, o) + (bias?.[o] ?? 0);
        return multiplyWide(BigInt(sum), splitMultiplier(product / y.scale)) + BigInt(y.zeroPoint);
      });
    }
    case 'add':
      return node.attrs.constant ? undefined : each((_t, _f, _c, i) => sumOf(x, xs[1] as StoredTensor, y, i));
    case 'mul': {
      const constant = node.attrs.constant as { data: ArrayLike<number>; quant: QuantParams } | undefined;
      const other = constant ?? (xs[1] as StoredTensor);
      const scale = splitMultiplier((x.quant.scale * other.quant.scale) / y.scale);
      const second = (i: number) => (other.data[i % other.data.length] as number) - other.quant.zeroPoint;
      return each((_t, _f, _c, i) => multiply((x.data[i] as number) * second(i), scale));
    }
    case 'activation':
      if (node.attrs.fn === 'sigmoid' || node.attrs.fn === 'tanh') return each((_t, _f, _c, i) => gated(node, x, y, i));
      return ['identity', 'leakyrelu'].includes(node.attrs.fn) ? each((_t, _f, _c, i) => activated(node, x, y, i)) : undefined;
    case 'maxpool':
      return each((t, f, c) => Math.max(...placesOf(node, x, t, f, c)));
    case 'avgpool':
      return each((t, f, c) => {
        const places = placesOf(node, x, t, f, c);
        const count = node.attrs.countIncludePad ? node.attrs.kernelT * node.attrs.kernelF : places.length;
        return mean(
          places.reduce((a, b) => a + b, 0),
          count,
        );
      });
    case 'globalmax':
    case 'globalavg':
      return each((_t, f, c) => {
        const rows = Array.from({ length: x.shape.t }, (_, t) => t);
        const features = node.attrs.overF ? Array.from({ length: x.shape.f }, (_, i) => i) : [f];
        const channels = node.attrs.overC ? Array.from({ length: x.shape.c }, (_, i) => i) : [c];
        const values = rows.flatMap((t) => features.flatMap((g) => channels.map((i) => at(x, t, g, i) as number)));
        if (node.op === 'globalmax') return Math.max(...values);
        const same = x.quant.scale === y.scale && x.quant.zeroPoint === y.zeroPoint && x.quant.type === y.type;
        return node.attrs.rule === 'avgpool' && same
          ? mean(
              values.reduce((a, b) => a + b, 0),
              values.length,
            )
          : averaged(x, y, values);
      });
    default:
      return undefined;
  }
}
