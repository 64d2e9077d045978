/**
 * Writes TensorFlow Lite files of Signal operators, as audio_preprocessor.py of tflite-micro exports them and
 * in equivalent forms.
 *
 * In: a FrontEnd and a seed.  Out: the bytes. The seed chooses the order of the tensors, the positions of
 * reshapes, whether bins outside the band are set to zero, how bands are padded with zero weights, and the
 * form in which the int8 output is computed.
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
 * Pads the bands with zero weights, so that they start and end at multiples of 2 and 4, as in the original
 * files.
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

/** A graph under construction: its tensors and operators, and the choices of the seed. */
class Draft {
  readonly tensors: Record<string, TfTensorOf> = {};
  readonly operators: TfOperatorOf[] = [];
  readonly #next: () => number;
  #count = 0;

  constructor(seed: number) {
    this.#next = generator(Math.imul(seed + 3, 0x85ebca6b) | 1);
    for (let i = 0; i < 6; i++) this.#next();
  }

  coin(): number {
    return this.#next() % 2;
  }

  tensor(of: TfTensorOf): string {
    const name = `t${(this.#count++ * 7919) % 10007}`;
    this.tensors[name] = of;
    return name;
  }

  scalar(n: number): string {
    return this.tensor({ shape: [], ints: [n] });
  }

  /** Adds an operator. @returns the names of its outputs. */
  emit(what: Omit<TfOperatorOf, 'inputs' | 'outputs'>, inputs: string[], ...outputs: TfTensorOf[]): string[] {
    const made = outputs.map((one) => this.tensor(one));
    this.operators.push({ ...what, inputs, outputs: made });
    return made;
  }

  /** Adds an operator with one output. */
  one(what: Omit<TfOperatorOf, 'inputs' | 'outputs'>, inputs: string[], output: TfTensorOf): string {
    return this.emit(what, inputs, output)[0] as string;
  }

  custom(name: string, options: Record<string, number | boolean>, inputs: string[], ...outputs: TfTensorOf[]): string[] {
    return this.emit({ code: code.CUSTOM, custom: { name: `Signal${name}`, options: encode(options) } }, inputs, ...outputs);
  }

  flat(x: string, output: TfTensorOf): string {
    return this.one({ code: code.RESHAPE }, [x, this.tensor({ shape: [1], ints: [-1] })], output);
  }

  /** Adds a reshape if the seed chooses it. */
  perhaps(x: string): string {
    const { shape, type: kind } = this.tensors[x] as TfTensorOf;
    if (this.#next() % 3 > 0) return x;
    return this.flat(x, { shape: [shape.reduce((a, b) => a * b, 1)], type: kind as number });
  }
}

const rowOf = ({ channels }: FrontEnd, kind: number): TfTensorOf => ({ shape: [channels], type: kind });

/** Applies the window to the samples and scales them for the FFT. */
function scaledSound(draft: Draft, f: FrontEnd): { sound: string; scaled: string; shift: string } {
  const sound = draft.tensor({ shape: [1, f.windowSamples], type: type.int16 });
  const window = draft.tensor({ shape: [f.windowSamples], int16s: f.window });
  const windowed = { shape: [1, f.windowSamples], type: type.int16 };
  const [x] = draft.custom('Window', { shift: f.windowShift }, [sound, window], windowed) as [string];
  const samples = { shape: [f.windowSamples], type: type.int16 };
  const flat = draft.flat(x, samples);
  const outputs = [samples, { shape: [], type: type.int32 }];
  const [scaled, shift] = draft.custom('FftAutoScale', {}, [flat], ...outputs) as [string, string];
  return { sound, scaled, shift };
}

/** Returns the energies of the bins. The seed may set the bins outside the band to zero. */
function energies(draft: Draft, f: FrontEnd, scaled: string): string {
  const bins = f.fftSamples / 2 + 1;
  const { bank } = f;
  const complex = { shape: [2 * bins], type: type.int16 };
  const [spectrum] = draft.custom('Rfft', { T: 7, fft_length: f.fftSamples }, [draft.perhaps(scaled)], complex) as [string];
  const used = Array.from(bank.starts).flatMap((s, i) => (bank.widths[i] ? [s, s + (bank.widths[i] as number)] : []));
  const [low, high] = [Math.min(...used, bins), Math.max(...used, 0)];
  const [from, to] = low < high ? [low, high] : [0, bins];
  const band = { start_index: from, end_index: to };
  const [x] = draft.custom('Energy', band, [draft.perhaps(spectrum)], { shape: [bins], type: type.uint32 }) as [string];
  return draft.coin() ? withZeros(draft, x, bins, from, to) : x;
}

/** Sets the bins outside [from, to) to zero: cast, slice, concatenate with zeros and cast back. */
function withZeros(draft: Draft, x: string, bins: number, from: number, to: number): string {
  const one = draft.tensor({ shape: [1], ints: [1] });
  const zeros = (count: number) => draft.tensor({ shape: [count], ints: new Array(count).fill(0) });
  const all = draft.one({ code: code.CAST }, [x], { shape: [bins], type: type.int32 });
  const ends = [draft.tensor({ shape: [1], ints: [from] }), draft.tensor({ shape: [1], ints: [to] })] as const;
  const slice = { code: code.STRIDED_SLICE, options: { kind: 32 } };
  const cut = draft.one(slice, [all, ...ends, one], { shape: [to - from], type: type.int32 });
  const parts = [...(from > 0 ? [zeros(from)] : []), cut, ...(to < bins ? [zeros(bins - to)] : [])];
  const joined = { shape: [bins], type: type.int32 };
  const whole = draft.one({ code: code.CONCATENATION, options: { kind: 10 } }, parts, joined);
  return draft.one({ code: code.CAST }, [whole], { shape: [bins], type: type.uint32 });
}

/** Sums the bands and takes roots; with `noise` subtracts noise, with `pcan` normalises the gain. */
function bands(draft: Draft, f: FrontEnd, energy: string, shift: string): string {
  const { channels, noise, pcan } = f;
  const row = rowOf(f, type.uint32);
  const tables = padded(f, draft.coin());
  const constants = [tables.weights, tables.unweights, tables.first, tables.at, tables.spans].map((values) =>
    draft.tensor({ shape: [values.length], int16s: values }),
  );
  const sums = rowOf(f, type.uint64);
  const [bank] = draft.custom('FilterBank', { num_channels: channels }, [energy, ...constants], sums) as [string];
  const [roots] = draft.custom('FilterBankSquareRoot', {}, [bank, shift], row) as [string];
  if (!noise) return roots;
  const options = {
    num_channels: channels,
    smoothing: noise.smoothing[0],
    one_minus_smoothing: noise.oneMinusSmoothing[0],
    alternate_smoothing: noise.smoothing[1],
    alternate_one_minus_smoothing: noise.oneMinusSmoothing[1],
    smoothing_bits: noise.smoothingBits,
    min_signal_remaining: noise.minSignalRemaining,
    clamping: noise.clamping,
    spectral_subtraction_bits: noise.bits,
  };
  const [value, estimate] = draft.custom('FilterBankSpectralSubtraction', options, [roots], row, row) as [string, string];
  if (!pcan) return value;
  const table = draft.tensor({ shape: [125], int16s: pcan.table });
  return draft.custom('PCAN', { snr_shift: pcan.snrShift }, [value, estimate, table], row)[0] as string;
}

/** Returns the logarithm as int8, in one of several equivalent forms. */
function stored(draft: Draft, f: FrontEnd, bank: string): string {
  const scale = { input_correction_bits: f.log?.correctionBits ?? 0, output_scale: f.log?.scale ?? 64 };
  const [log] = draft.custom('FilterBankLog', scale, [draft.perhaps(bank)], rowOf(f, type.int16)) as [string];
  const row = rowOf(f, type.int32);
  let x = draft.one({ code: code.CAST }, [log], row);
  const { multiply, add, divide, offset, low, high } = f.output;
  const binary = (op: number, n: number, kind?: number) => {
    const operands = op !== code.SUB && op !== code.DIV && draft.coin() ? [draft.scalar(n), x] : [x, draft.scalar(n)];
    x = draft.one({ code: op, ...(kind === undefined ? {} : { options: { kind } }) }, operands, row);
  };
  if (multiply !== 1 || draft.coin()) binary(code.MUL, multiply, 21);
  if (add !== 0 || draft.coin()) binary(code.ADD, add, 11);
  if (divide !== 1 || draft.coin()) binary(code.DIV, divide, 29);
  if (draft.coin()) binary(code.ADD, offset, 11);
  else binary(code.SUB, -offset, 28);
  const clamps: [number, number][] = [[code.MINIMUM, high], [code.MAXIMUM, low]]; // biome-ignore format: one line
  for (const [op, n] of draft.coin() ? clamps : clamps.reverse()) binary(op, n);
  return draft.one({ code: code.CAST }, [x], rowOf(f, type.int8));
}

export function signalGraph(f: FrontEnd, seed: number): TfModelOf {
  const draft = new Draft(seed);
  const { sound, scaled, shift } = scaledSound(draft, f);
  const output = stored(draft, f, bands(draft, f, energies(draft, f, scaled), shift));
  // the tensors are not in the order of their use
  const order = Object.keys(draft.tensors).sort((a, b) => (seed % 2 ? a.localeCompare(b) : b.localeCompare(a)));
  return {
    tensors: Object.fromEntries(order.map((name) => [name, draft.tensors[name] as TfTensorOf])),
    operators: draft.operators,
    inputs: [sound],
    outputs: [output],
  };
}

export const signalFile = (f: FrontEnd, seed: number): Uint8Array => writeTflite(signalGraph(f, seed));
