/**
 * Writes TensorFlow Lite files of Signal operators, as audio_preprocessor.py of tflite-micro exports them and
 * in other shapes of the same meaning.
 *
 * In: a FrontEnd and a seed.  Out: the bytes. The seed chooses the order of tensors, where reshapes stand,
 * whether bins outside the band are set to zero, how bands are padded with zero weights, and in which form
 * the int8 is computed.
 */
import { encode } from 'flatbuffers/js/flexbuffers.js';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { generator } from '../frontend/signals.ts';
import { type TfModelOf, type TfOperatorOf, type TfTensorOf, writeTflite } from './tflite-model.ts';

const code = {
  ADD: 0,
  CONCATENATION: 2,
  MUL: 18,
  RESHAPE: 22,
  CUSTOM: 32,
  SUB: 41,
  DIV: 42,
  STRIDED_SLICE: 45,
  CAST: 53,
  MAXIMUM: 55,
  MINIMUM: 57,
};
const type = { int32: 2, int16: 7, int8: 9, uint64: 12, uint32: 15 };

/**
 * Bands with zero weights around them, so that they start and end at multiples of 2 and 4, as the makers
 * write them.
 */
function padded({ bank, channels, fftSamples }: FrontEnd, one: number) {
  const [weights, unweights]: [number[], number[]] = [[], []];
  const tables = { first: [] as number[], at: [] as number[], spans: [] as number[] };
  let from = 0;
  for (let band = 0; band <= channels; band++) {
    const [start, width] = [bank.starts[band] as number, bank.widths[band] as number];
    const first = start - (one ? start % 2 : 0);
    const span = Math.min(one ? 4 * Math.ceil((start - first + width) / 4) : width, fftSamples / 2 + 1 - first);
    tables.first.push(first);
    tables.at.push(weights.length);
    tables.spans.push(span);
    for (let j = 0; j < span; j++) {
      const inside = first + j >= start && first + j < start + width;
      weights.push(inside ? (bank.weights[from + first + j - start] as number) : 0);
      unweights.push(inside ? (bank.unweights[from + first + j - start] as number) : 0);
    }
    from += width;
  }
  return { weights, unweights, ...tables };
}

export function signalGraph(f: FrontEnd, seed: number): TfModelOf {
  const next = generator(Math.imul(seed + 3, 0x85ebca6b) | 1);
  for (let i = 0; i < 6; i++) next();
  const coin = () => next() % 2;
  const tensors: Record<string, TfTensorOf> = {};
  const operators: TfOperatorOf[] = [];
  const names = { tensor: 0 };
  const tensor = (of: TfTensorOf): string => {
    const name = `t${(names.tensor++ * 7919) % 10007}`;
    tensors[name] = of;
    return name;
  };
  const emit = (what: Omit<TfOperatorOf, 'inputs' | 'outputs'>, inputs: string[], ...outputs: TfTensorOf[]): string[] => {
    const made = outputs.map(tensor);
    operators.push({ ...what, inputs, outputs: made });
    return made;
  };
  const custom = (name: string, options: Record<string, number | boolean>, inputs: string[], ...outputs: TfTensorOf[]) =>
    emit({ code: code.CUSTOM, custom: { name: `Signal${name}`, options: encode(options) } }, inputs, ...outputs);
  /** Perhaps a reshape. */
  const perhaps = (x: string): string => {
    const { shape, type: kind } = tensors[x] as TfTensorOf;
    if (next() % 3 > 0) return x;
    const flat = shape.reduce((a, b) => a * b, 1);
    return emit({ code: code.RESHAPE }, [x, tensor({ shape: [1], ints: [-1] })], {
      shape: [flat],
      type: kind as number,
    })[0] as string;
  };
  const bins = f.fftSamples / 2 + 1;
  const { channels, noise, pcan, log, bank } = f;
  const row = (kind: number): TfTensorOf => ({ shape: [channels], type: kind });
  const sound = tensor({ shape: [1, f.windowSamples], type: type.int16 });
  const window = tensor({ shape: [f.windowSamples], int16s: f.window });
  let [x] = custom('Window', { shift: f.windowShift }, [sound, window], { shape: [1, f.windowSamples], type: type.int16 }) as [
    string,
  ];
  x = emit({ code: code.RESHAPE }, [x, tensor({ shape: [1], ints: [-1] })], {
    shape: [f.windowSamples],
    type: type.int16,
  })[0] as string;
  const [scaled, shift] = custom(
    'FftAutoScale',
    {},
    [x],
    { shape: [f.windowSamples], type: type.int16 },
    { shape: [], type: type.int32 },
  ) as [string, string];
  [x] = custom('Rfft', { T: 7, fft_length: f.fftSamples }, [perhaps(scaled)], { shape: [2 * bins], type: type.int16 }) as [
    string,
  ];
  const used = Array.from(bank.starts).flatMap((s, i) => (bank.widths[i] ? [s, s + (bank.widths[i] as number)] : []));
  const [low, high] = [Math.min(...used, bins), Math.max(...used, 0)];
  const [from, to] = low < high ? [low, high] : [0, bins];
  [x] = custom('Energy', { start_index: from, end_index: to }, [perhaps(x)], { shape: [bins], type: type.uint32 }) as [string];
  if (coin()) {
    const one = tensor({ shape: [1], ints: [1] });
    const zeros = (count: number) => tensor({ shape: [count], ints: new Array(count).fill(0) });
    [x] = emit({ code: code.CAST }, [x], { shape: [bins], type: type.int32 }) as [string];
    const ends = [tensor({ shape: [1], ints: [from] }), tensor({ shape: [1], ints: [to] })] as const;
    [x] = emit({ code: code.STRIDED_SLICE, options: { kind: 32 } }, [x, ...ends, one], {
      shape: [to - from],
      type: type.int32,
    }) as [string];
    const parts = [...(from > 0 ? [zeros(from)] : []), x, ...(to < bins ? [zeros(bins - to)] : [])];
    [x] = emit({ code: code.CONCATENATION, options: { kind: 10 } }, parts, { shape: [bins], type: type.int32 }) as [string];
    [x] = emit({ code: code.CAST }, [x], { shape: [bins], type: type.uint32 }) as [string];
  }
  const tables = padded(f, coin());
  const constants = [tables.weights, tables.unweights, tables.first, tables.at, tables.spans].map((values) =>
    tensor({ shape: [values.length], int16s: values }),
  );
  [x] = custom('FilterBank', { num_channels: channels }, [x, ...constants], row(type.uint64)) as [string];
  [x] = custom('FilterBankSquareRoot', {}, [x, shift], row(type.uint32)) as [string];
  if (noise) {
    const [value, estimate] = custom(
      'FilterBankSpectralSubtraction',
      {
        num_channels: channels,
        smoothing: noise.smoothing[0],
        one_minus_smoothing: noise.oneMinusSmoothing[0],
        alternate_smoothing: noise.smoothing[1],
        alternate_one_minus_smoothing: noise.oneMinusSmoothing[1],
        smoothing_bits: noise.smoothingBits,
        min_signal_remaining: noise.minSignalRemaining,
        clamping: noise.clamping,
        spectral_subtraction_bits: noise.bits,
      },
      [x],
      row(type.uint32),
      row(type.uint32),
    ) as [string, string];
    x = value;
    if (pcan) {
      const table = tensor({ shape: [125], int16s: pcan.table });
      [x] = custom('PCAN', { snr_shift: pcan.snrShift }, [value, estimate, table], row(type.uint32)) as [string];
    }
  }
  [x] = custom(
    'FilterBankLog',
    { input_correction_bits: log?.correctionBits ?? 0, output_scale: log?.scale ?? 64 },
    [perhaps(x)],
    row(type.int16),
  ) as [string];
  [x] = emit({ code: code.CAST }, [x], row(type.int32)) as [string];
  const { multiply, add, divide, offset, low: least, high: most } = f.output;
  const scalar = (n: number) => tensor({ shape: [], ints: [n] });
  const binary = (op: number, n: number, kind?: number) => {
    const operands = op !== code.SUB && op !== code.DIV && coin() ? [scalar(n), x] : [x, scalar(n)];
    [x] = emit({ code: op, ...(kind === undefined ? {} : { options: { kind } }) }, operands, row(type.int32)) as [string];
  };
  if (multiply !== 1 || coin()) binary(code.MUL, multiply, 21);
  if (add !== 0 || coin()) binary(code.ADD, add, 11);
  if (divide !== 1 || coin()) binary(code.DIV, divide, 29);
  if (coin()) binary(code.ADD, offset, 11);
  else binary(code.SUB, -offset, 28);
  const clamps: [number, number][] = [[code.MINIMUM, most], [code.MAXIMUM, least]]; // biome-ignore format: one line
  for (const [op, n] of coin() ? clamps : clamps.reverse()) binary(op, n);
  [x] = emit({ code: code.CAST }, [x], row(type.int8)) as [string];
  // tensors in another order than they are used in
  const order = Object.keys(tensors).sort((a, b) => (seed % 2 ? a.localeCompare(b) : b.localeCompare(a)));
  return {
    tensors: Object.fromEntries(order.map((name) => [name, tensors[name] as TfTensorOf])),
    operators,
    inputs: [sound],
    outputs: [x],
  };
}

export const signalFile = (f: FrontEnd, seed: number): Uint8Array => writeTflite(signalGraph(f, seed));
