/**
 * The audio front end: int16 samples to rows of int8 features. Its parameter block is FrontEndBlock.
 *
 * In: samples s16, at most a step at a time.  Out: row s8 [channels] whenever a window is full. Stages:
 * window, automatic scaling, FFT, energy, filter bank, square root, noise reduction, gain control (PCAN),
 * logarithm, int8; a channel passes all stages before the next one begins.  Source: TensorFlow's micro front
 * end, frontend.c.  Exact: quant/frontend/reference.ts.
 */
import { place, rfft_s16 } from "./frontend-fft";
import { log_u32, root_u64, shrink, wide_function } from "./frontend-math";
import { fill_s8, move_s8 } from "./move";


@unmanaged
export class FrontEndBlock {
  row: usize; // address of the row, s8 [channels]
  state: usize; // address: i32 samples in the window, u32 [channels] noise estimates, s16 [window]
  buffer: usize; // address, s16 [points + 1][2]
  channels: i32;
  window: i32; // samples of a window
  step: i32;
  points: i32; // points of the complex FFT, a power of 2
  peak: i32; // 1: a windowed -32768 counts as a peak of -32768 (signal operators)
  window_table: usize; // address, s16 [window]
  window_shift: i32;
  twiddles: usize; // address, s16 [points][2]
  last: usize; // address, s16 [points / 2][2]
  bands: usize; // address, u16 [channels + 1][2]: first bin, bins
  weights: usize; // address, s16 [bins][2]: weight, unweight
  noise: i32; // 1: noise reduction
  smoothing: u32; // even channels
  smoothing_odd: u32;
  one_minus: u32; // even channels
  one_minus_odd: u32;
  min_signal: u32;
  noise_bits: u32;
  smoothing_bits: u32;
  clamping: i32;
  pcan: usize; // address, s16 [125]; 0: no gain control
  snr_shift: u32;
  log: usize; // address, s16 [129]; 0: no logarithm
  correction: i32; // left shift, right if negative
  log_scale: u32;
  most: u32; // upper bound of a value before it is scaled to int8
  multiply: i32;
  add: i32;
  divide: i32;
  offset: i32;
  low: i32;
  high: i32;
  remap: usize; // address, s8 [256] from -128 on; 0: no remapping
}

/** Returns the address of the window's samples, s16 [window]. */
// @ts-ignore: decorator
@inline
function samples_at(block: FrontEndBlock): usize {
  return block.state + 4 + (block.channels << 2);
}

/** Returns sample i of the window, times its coefficient. */
function windowed(samples: usize, table: usize, i: i32, shift: i32): i32 {
  const product = (<i32>load<i16>(samples + (i << 1)) * load<i16>(table + (i << 1))) >> shift;
  return max(-32768, min(32767, product));
}

/**
 * Writes windowed samples, scaled to 15 bits, to their positions in the buffer, and zeros behind them.
 * Returns the shift.
 */
function scaled_window(block: FrontEndBlock): i32 {
  const samples = samples_at(block);
  const table = block.window_table;
  const shift = block.window_shift;
  const window = block.window;
  const follow = block.peak;
  let peak = 0;
  for (let i: i32 = 0; i < window; i++) {
    const x = windowed(samples, table, i, shift);
    if (x > peak) peak = x;
    else if (-x > peak) {
      if (x > -32768) peak = -x;
      else if (follow) peak = x;
    }
  }
  const up = follow && peak <= 0 ? 0 : clz<i32>(peak) - 17;
  const buffer = block.buffer;
  const points = block.points;
  for (let k: i32 = 0; k < points; k++) {
    const i = k << 1;
    let pair: i32 = 0;
    if (i < window) pair = (windowed(samples, table, i, shift) << up) & 0xffff;
    if (i + 1 < window) pair |= (windowed(samples, table, i + 1, shift) << up) << 16;
    store<i32>(buffer + (place(k, points) << 2), pair);
  }
  return up;
}

/** Applies noise reduction and gain to the magnitude of a channel. */
function denoised(block: FrontEndBlock, channel: i32, signal: u32): u32 {
  const at = block.state + 4 + (channel << 2);
  const parity = (channel & 1) << 2;
  const bits = block.noise_bits;
  const up = block.smoothing_bits;
  const scaled: u32 = signal << up;
  const sum: u64 =
    <u64>scaled * load<u32>(changetype<usize>(block) + parity, offsetof<FrontEndBlock>("smoothing")) +
    <u64>load<u32>(at) * load<u32>(changetype<usize>(block) + parity, offsetof<FrontEndBlock>("one_minus"));
  let estimate = <u32>(sum >> bits);
  let kept = estimate;
  if (estimate > scaled) {
    estimate = scaled;
    if (block.clamping) kept = scaled;
  }
  store<u32>(at, kept);
  const floor = <u32>((<u64>signal * block.min_signal) >> bits);
  const value = max<u32>((scaled - estimate) >> up, floor);
  const table = block.pcan;
  if (!table) return value;
  const gain = <u32>wide_function(kept, table);
  return shrink(<u32>((<u64>value * gain) >> block.snr_shift));
}

/** Returns the int8 feature of a channel. */
function feature(block: FrontEndBlock, value: u32): i32 {
  const table = block.log;
  if (table) {
    const correction = block.correction;
    value = correction < 0 ? value >> -correction : value << correction;
    value = value > 1 ? log_u32(value, block.log_scale, table) : 0;
  }
  value = min<u32>(value, block.most);
  const scaled = (<i32>value * block.multiply + block.add) / block.divide;
  const q = max(block.low, min(block.high, scaled + block.offset));
  const remap = block.remap;
  return remap ? load<i8>(remap + q, 128) : q;
}

/** Computes a row of features from the full window. */
function make_row(block: FrontEndBlock): void {
  const shift = scaled_window(block);
  const buffer = block.buffer;
  rfft_s16(buffer, block.twiddles, block.last, block.points);
  const channels = block.channels;
  const row = block.row;
  let band = block.bands;
  let weights = block.weights;
  let carried: u64 = 0;
  for (let channel: i32 = -1; channel < channels; channel++) {
    let sum = carried;
    carried = 0;
    let bin = buffer + ((<usize>load<u16>(band)) << 2);
    for (const end = bin + ((<usize>load<u16>(band, 2)) << 2); bin < end; bin += 4) {
      const r: i32 = load<i16>(bin);
      const i: i32 = load<i16>(bin, 2);
      const energy = <u64>(<u32>(r * r + i * i));
      sum += energy * load<i16>(weights);
      carried += energy * load<i16>(weights, 2);
      weights += 4;
    }
    band += 4;
    // band 0 only starts channel 0
    if (channel < 0) continue;
    let value: u32 = root_u64(sum) >> shift;
    if (block.noise) value = denoised(block, channel, value);
    store<i8>(row + channel, feature(block, value));
  }
}

/** Takes 1 to step samples. Returns 1 if a row fell due. */
export function frontend_push(
  block: FrontEndBlock,
  from: usize, // s16 [frames]
  frames: i32,
): i32 {
  const state = block.state;
  const samples = samples_at(block);
  const window = block.window;
  const filled = load<i32>(state);
  const take = min(frames, window - filled);
  move_s8(samples + (filled << 1), from, take << 1);
  store<i32>(state, filled + take);
  if (filled + take < window) return 0;
  make_row(block);
  const step = block.step;
  const rest = frames - take;
  move_s8(samples, samples + (step << 1), (window - step) << 1);
  move_s8(samples + ((window - step) << 1), from + (take << 1), rest << 1);
  store<i32>(state, window - step + rest);
  return 1;
}

/** Clears the state. */
export function frontend_reset(block: FrontEndBlock): void {
  fill_s8(block.state, 0, 4 + (block.channels << 2) + (block.window << 1));
}
