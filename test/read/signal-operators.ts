/**
 * The operators of a Signal file, each as a function of its inputs.
 *
 * In: an operator's inputs, its options and the type of its output.  Out: its outputs.  Source: the sources
 * of tflite-micro's operators (signal/micro/kernels, signal/src), in BigInt for values with 64 bits in C.
 * Bins that Energy does not write hold a poison value. Reading one with a weight throws.
 */
import { RealFft } from '../../quant/frontend/fft.ts';

export type Values = bigint[];
const least = (x: bigint, y: bigint): bigint => [x, y].sort((p, q) => (p < q ? -1 : 1))[0] as bigint;
const most = (x: bigint, y: bigint): bigint => [x, y].sort((p, q) => (p < q ? 1 : -1))[0] as bigint;
const u32 = (x: bigint) => BigInt.asUintN(32, x);
const bits = (x: bigint) => BigInt(x.toString(2).length) * BigInt(x > 0n ? 1 : 0);
const poison = -1n;

function root(x: bigint): bigint {
  const max = x >> 32n === 0n ? 0xffffn : 0xffffffffn;
  let [result, rest] = [0n, x];
  for (let bit = 1n << 62n; bit > 0n; bit >>= 2n)
    if (rest >= result + bit) {
      rest -= result + bit;
      result = (result >> 1n) + bit;
    } else result >>= 1n;
  return rest > result && result !== max ? result + 1n : result;
}

function gainOf(x: bigint, table: Values): bigint {
  const at = (i: bigint) => table[Number(i)] as bigint;
  if (x <= 2n) return at(x);
  const n = bits(x);
  const fraction = (n < 11n ? x << (11n - n) : x >> (n - 11n)) & 0x3ffn;
  const i = 4n * n - 6n;
  return BigInt.asIntN(16, (((((at(i + 2n) * fraction) >> 5n) + (at(i + 1n) << 5n)) * fraction + 16384n) >> 15n) + at(i));
}

function logOf(x: bigint, scale: bigint): bigint {
  const n = bits(x) - 1n;
  const fraction = n < 16n ? (x - (1n << n)) << (16n - n) : (x - (1n << n)) >> (n - 16n);
  const lut = (i: bigint) => BigInt(Math.round(65536 * (Math.log2(1 + Number(i) / 128) - Number(i) / 128)));
  const segment = fraction >> 9n;
  const log2 = (n << 16n) + fraction + lut(segment) + (((lut(segment + 1n) - lut(segment)) * (fraction & 511n)) >> 16n);
  return u32(scale * ((45426n * log2 + 32768n) >> 16n) + 32768n) >> 16n;
}

export interface Call {
  inputs: Values[];
  /** Data type of the first output. */
  type: string | undefined;
  option(name: string): bigint;
  /** Noise estimates, which the operator keeps from step to step. */
  estimates: Values;
}

type Operator = (call: Call) => Values[];

/** An operator of two int32 inputs. An input of one value is combined with every value of the other. */
const wide =
  (f: (x: bigint, y: bigint) => bigint): Operator =>
  ({ inputs: [a = [], b = []] }) => {
    const count = Math.max(a.length, b.length);
    const at = (list: Values, i: number) => list[list.length === 1 ? 0 : i] as bigint;
    return [Array.from({ length: count }, (_, i) => BigInt.asIntN(32, f(at(a, i), at(b, i))))];
  };

/** Shifts the samples left as far as the largest allows. */
const autoScale: Operator = ({ inputs: [a = []] }) => {
  let max = 0n;
  for (const x of a)
    if (x > max) max = x;
    else if (-x > max) max = BigInt.asIntN(16, -x);
  const up = 15n - (max === 0n ? 32n : bits(u32(max)));
  const shift = up > 0n ? up : 0n;
  return [a.map((x) => BigInt.asIntN(16, x << shift)), [shift]];
};

const rfft: Operator = ({ inputs: [a = []], option }) => {
  const n = Number(option('fft_length'));
  const [input, output] = [new Int16Array(n), new Int16Array(n + 2)];
  input.set(a.map(Number));
  new RealFft(n).transform(input, output);
  return [Array.from(output, BigInt)];
};

const energy: Operator = ({ inputs: [a = []], option }) => {
  const bins = a.length / 2;
  const at = (i: number) => u32((a[2 * i] as bigint) ** 2n + (a[2 * i + 1] as bigint) ** 2n);
  const [from, to] = [Number(option('start_index')), Number(option('end_index'))];
  return [Array.from({ length: bins }, (_, i) => (i >= from && i < to ? at(i) : poison))];
};

const filterBank: Operator = ({ inputs, option }) => {
  const [a, weights, unweights, first, starts, spans] = inputs as [Values, Values, Values, Values, Values, Values];
  const out: Values = [];
  let carried = 0n;
  for (let i = 0; i <= Number(option('num_channels')); i++) {
    let [sum, next] = [carried, 0n];
    for (let j = 0; j < Number(spans[i]); j++) {
      const [w, u] = [weights, unweights].map((list) => list[Number(starts[i]) + j] as bigint) as [bigint, bigint];
      if (w === 0n && u === 0n) continue;
      const energy = a[Number(first[i]) + j];
      // a cast to int32 and back turns poison into the largest number
      if (energy === undefined || energy === poison || energy === 0xffffffffn)
        throw new Error('a weight on a bin without a value');
      sum += w * energy;
      next += u * energy;
    }
    out.push(BigInt.asUintN(64, sum));
    carried = next;
  }
  return [out.slice(1)];
};

/** Subtracts the noise. The second output holds the noise estimates. */
const spectralSubtraction: Operator = ({ inputs: [a = []], option, estimates }) => {
  const [up, down] = [option('smoothing_bits'), option('spectral_subtraction_bits')];
  const out = a.map((x, i) => {
    const prefix = i % 2 ? 'alternate_' : '';
    const scaled = u32(x << up);
    const old = estimates[i] ?? 0n;
    const sum = scaled * option(`${prefix}smoothing`) + old * option(`${prefix}one_minus_smoothing`);
    let estimate = u32(BigInt.asUintN(64, sum) >> down);
    estimates[i] = estimate;
    if (estimate > scaled) {
      estimate = scaled;
      if (option('clamping')) estimates[i] = scaled;
    }
    const floor = u32((x * option('min_signal_remaining')) >> down);
    const value = (scaled - estimate) >> up;
    return most(value, floor);
  });
  return [out, [...estimates]];
};

const pcan: Operator = ({ inputs: [a = [], b = [], table = []], option }) => [
  a.map((x, i) => {
    const gain = u32(gainOf(b[i] as bigint, table));
    const snr = u32((x * gain) >> option('snr_shift'));
    return snr < 8192n ? (snr * snr) >> 20n : (snr >> 6n) - 64n;
  }),
];

const filterBankLog: Operator = ({ inputs: [a = []], option }) => [
  a.map((x) => {
    const scaled = u32(x << option('input_correction_bits'));
    const log = scaled > 1n ? logOf(scaled, option('output_scale')) : 0n;
    return log < 32767n ? log : 32767n;
  }),
];

/** Operators by their name in the file, without `CUSTOM Signal`. */
export const operators: Record<string, Operator> = {
  RESHAPE: ({ inputs: [a = []] }) => [a],
  CAST: ({ inputs: [a = []], type }) => [
    a.map((x) => (type === 'int8' ? BigInt.asIntN(8, x) : type === 'uint32' ? u32(x) : BigInt.asIntN(32, x))),
  ],
  MUL: wide((x, y) => x * y),
  ADD: wide((x, y) => x + y),
  SUB: wide((x, y) => x - y),
  DIV: wide((x, y) => x / y),
  MINIMUM: wide(least),
  MAXIMUM: wide(most),
  STRIDED_SLICE: ({ inputs: [a = [], b = [], c = []] }) => [a.slice(Number(b[0]), Number(c[0]))],
  CONCATENATION: ({ inputs }) => [inputs.flat()],
  Window: ({ inputs: [a = [], b = []], option }) => [
    a.map((x, i) => (x * (b[i] as bigint)) >> option('shift')).map((x) => (x < -32768n ? -32768n : x > 32767n ? 32767n : x)),
  ],
  FftAutoScale: autoScale,
  Rfft: rfft,
  Energy: energy,
  FilterBank: filterBank,
  FilterBankSquareRoot: ({ inputs: [a = [], b = []] }) => [a.map((x) => root(x) >> (b[0] as bigint))],
  FilterBankSpectralSubtraction: spectralSubtraction,
  PCAN: pcan,
  FilterBankLog: filterBankLog,
};
