/**
 * Runs a file of Signal operators operator by operator, a step at a time: what the reader's one pattern must
 * equal.
 *
 * In: a checked file and int16 steps.  Out: int8 rows. From the sources of tflite-micro's operators
 * (signal/micro/kernels, signal/src), in BigInt where C has 64 bits; it shares with the reader only the
 * parser of the file, and with the reference only the FFT. Values of bins that SignalEnergy leaves as they
 * were are poison: what reads one with a weight fails.
 */
import { toObject } from 'flatbuffers/js/flexbuffers.js';
import type { TfModel, TfOperator } from '../../models/read/tflite/model.ts';
import { RealFft } from '../../quant/frontend/fft.ts';

type Values = bigint[];
const least = (x: bigint, y: bigint): bigint => [x, y].sort((p, q) => (p < q ? -1 : 1))[0] as bigint;
const most = (x: bigint, y: bigint): bigint => [x, y].sort((p, q) => (p < q ? 1 : -1))[0] as bigint;
const u32 = (x: bigint) => BigInt.asUintN(32, x);
const bits = (x: bigint) => BigInt(x.toString(2).length) * BigInt(x > 0n ? 1 : 0);
const poison = -1n;

const readers: Record<string, (bytes: Uint8Array) => Values> = {
  int16: (b) => Array.from(new Int16Array(b.buffer), BigInt),
  int32: (b) => Array.from(new Int32Array(b.buffer), BigInt),
};

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

export class SignalInterpreter {
  readonly #model: TfModel;
  readonly #estimates = new Map<TfOperator, Values>();

  constructor(model: TfModel) {
    this.#model = model;
  }

  /** One step; the graph's output. */
  step(samples: Int16Array): number[] {
    const values = new Map<number, Values>([[this.#model.inputs[0] as number, Array.from(samples, BigInt)]]);
    const get = (index: number): Values => {
      const known = values.get(index);
      if (known) return known;
      const { constant, type } = this.#model.tensors[index] as TfModel['tensors'][number];
      const read = readers[type];
      if (!constant || !read) throw new Error(`tensor ${index} has no value`);
      return read(new Uint8Array(constant));
    };
    for (const op of this.#model.operators) {
      const results = this.#run(op, (op.op === 'RESHAPE' ? op.inputs.slice(0, 1) : op.inputs).map(get));
      for (const [i, index] of op.outputs.entries()) values.set(index, results[i] as Values);
    }
    return get(this.#model.outputs[0] as number).map(Number);
  }

  #run(op: TfOperator, inputs: Values[]): Values[] {
    const [a = [], b = []] = inputs;
    const type = this.#model.tensors[op.outputs[0] as number]?.type;
    const option = (name: string) =>
      BigInt(Number((toObject(new Uint8Array(op.custom).buffer) as Record<string, number | boolean>)[name]));
    const wide = (f: (x: bigint, y: bigint) => bigint) => {
      const count = Math.max(a.length, b.length);
      const at = (list: Values, i: number) => list[list.length === 1 ? 0 : i] as bigint;
      return [Array.from({ length: count }, (_, i) => BigInt.asIntN(32, f(at(a, i), at(b, i))))];
    };
    switch (op.op.replace('CUSTOM Signal', '')) {
      case 'RESHAPE':
        return [a];
      case 'CAST':
        return [a.map((x) => (type === 'int8' ? BigInt.asIntN(8, x) : type === 'uint32' ? u32(x) : BigInt.asIntN(32, x)))];
      case 'MUL':
        return wide((x, y) => x * y);
      case 'ADD':
        return wide((x, y) => x + y);
      case 'SUB':
        return wide((x, y) => x - y);
      case 'DIV':
        return wide((x, y) => x / y);
      case 'MINIMUM':
        return wide(least);
      case 'MAXIMUM':
        return wide(most);
      case 'STRIDED_SLICE':
        return [a.slice(Number(b[0]), Number((inputs[2] as Values)[0]))];
      case 'CONCATENATION':
        return [inputs.flat()];
      case 'Window':
        return [
          a
            .map((x, i) => (x * (b[i] as bigint)) >> option('shift'))
            .map((x) => (x < -32768n ? -32768n : x > 32767n ? 32767n : x)),
        ];
      case 'FftAutoScale': {
        let max = 0n;
        for (const x of a)
          if (x > max) max = x;
          else if (-x > max) max = BigInt.asIntN(16, -x);
        const up = 15n - (max === 0n ? 32n : bits(u32(max)));
        const shift = up > 0n ? up : 0n;
        return [a.map((x) => BigInt.asIntN(16, x << shift)), [shift]];
      }
      case 'Rfft': {
        const n = Number(option('fft_length'));
        const [input, output] = [new Int16Array(n), new Int16Array(n + 2)];
        input.set(a.map(Number));
        new RealFft(n).transform(input, output);
        return [Array.from(output, BigInt)];
      }
      case 'Energy': {
        const bins = a.length / 2;
        const at = (i: number) => u32((a[2 * i] as bigint) ** 2n + (a[2 * i + 1] as bigint) ** 2n);
        const [from, to] = [Number(option('start_index')), Number(option('end_index'))];
        return [Array.from({ length: bins }, (_, i) => (i >= from && i < to ? at(i) : poison))];
      }
      case 'FilterBank': {
        const [, weights, unweights, first, starts, spans] = inputs as [Values, Values, Values, Values, Values, Values];
        const out: Values = [];
        let carried = 0n;
        for (let i = 0; i <= Number(option('num_channels')); i++) {
          let [sum, next] = [carried, 0n];
          for (let j = 0; j < Number(spans[i]); j++) {
            const [w, u] = [weights, unweights].map((list) => list[Number(starts[i]) + j] as bigint) as [bigint, bigint];
            if (w === 0n && u === 0n) continue;
            const energy = a[Number(first[i]) + j];
            // a cast to int32 and back makes poison the largest number
            if (energy === undefined || energy === poison || energy === 0xffffffffn)
              throw new Error('a weight on a bin without a value');
            sum += w * energy;
            next += u * energy;
          }
          out.push(BigInt.asUintN(64, sum));
          carried = next;
        }
        return [out.slice(1)];
      }
      case 'FilterBankSquareRoot':
        return [a.map((x) => root(x) >> (b[0] as bigint))];
      case 'FilterBankSpectralSubtraction': {
        const old = this.#estimates.get(op) ?? a.map(() => 0n);
        const [up, down] = [option('smoothing_bits'), option('spectral_subtraction_bits')];
        const out = a.map((x, i) => {
          const prefix = i % 2 ? 'alternate_' : '';
          const scaled = u32(x << up);
          const sum = scaled * option(`${prefix}smoothing`) + (old[i] as bigint) * option(`${prefix}one_minus_smoothing`);
          old[i] = u32(BigInt.asUintN(64, sum) >> down);
          let estimate = old[i] as bigint;
          if (estimate > scaled) {
            estimate = scaled;
            if (option('clamping')) old[i] = scaled;
          }
          const floor = u32((x * option('min_signal_remaining')) >> down);
          const value = (scaled - estimate) >> up;
          return most(value, floor);
        });
        this.#estimates.set(op, old);
        return [out, [...old]];
      }
      case 'PCAN':
        return [
          a.map((x, i) => {
            const gain = u32(gainOf(b[i] as bigint, inputs[2] as Values));
            const snr = u32((x * gain) >> option('snr_shift'));
            return snr < 8192n ? (snr * snr) >> 20n : (snr >> 6n) - 64n;
          }),
        ];
      case 'FilterBankLog':
        return [
          a.map((x) => {
            const scaled = u32(x << option('input_correction_bits'));
            const log = scaled > 1n ? logOf(scaled, option('output_scale')) : 0n;
            return log < 32767n ? log : 32767n;
          }),
        ];
    }
    throw new Error(`${op.name} is not interpreted`);
  }
}
