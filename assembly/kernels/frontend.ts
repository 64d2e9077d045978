/**
 * The audio front end: int16 samples to rows of int8 features. `block` points to the fields FE_* of block.ts.
 *
 * In: samples s16, at most a step at a time.  Out: ROW s8 [channels] whenever a window is full.
 * Window, automatic scaling, FFT, energy, filter bank, square root, noise reduction, gain control (PCAN), logarithm, int8; a channel goes through all
 * stages before the next begins.  Source: TensorFlow's micro front end, frontend.c.  Exact: quant/frontend/reference.ts.
 */
import {
  FE_ADD,
  FE_BANDS,
  FE_BUFFER,
  FE_CHANNELS,
  FE_CLAMPING,
  FE_CORRECTION,
  FE_DIVIDE,
  FE_HIGH,
  FE_LAST,
  FE_LOG,
  FE_LOG_SCALE,
  FE_LOW,
  FE_MIN_SIGNAL,
  FE_MOST,
  FE_MULTIPLY,
  FE_NOISE,
  FE_NOISE_BITS,
  FE_OFFSET,
  FE_ONE_MINUS,
  FE_PCAN,
  FE_PEAK,
  FE_POINTS,
  FE_REMAP,
  FE_ROW,
  FE_SMOOTHING,
  FE_SMOOTHING_BITS,
  FE_SNR_SHIFT,
  FE_STATE,
  FE_STEP,
  FE_TWIDDLES,
  FE_WEIGHTS,
  FE_WINDOW,
  FE_WINDOW_SHIFT,
  FE_WINDOW_TABLE,
} from "./block";
import { place, rfft_s16 } from "./frontend-fft";
import { log_u32, root_u64, shrink, wide_function } from "./frontend-math";
import { fill_s8, move_s8 } from "./move";

/** Address of the window's samples, s16 [window]. */
@inline
function samples_at(block: usize): usize {
  return load<usize>(block, FE_STATE) + 4 + (load<usize>(block, FE_CHANNELS) << 2);
}

/** Sample i of the window, times its coefficient. */
function windowed(samples: usize, table: usize, i: i32, shift: i32): i32 {
  const product = (<i32>load<i16>(samples + (i << 1)) * load<i16>(table + (i << 1))) >> shift;
  return max(-32768, min(32767, product));
}

/** Windowed samples, scaled to 15 bits, to their places in the buffer; zeros behind them. Returns the shift. */
function scaled_window(block: usize): i32 {
  const samples = samples_at(block);
  const table = load<usize>(block, FE_WINDOW_TABLE);
  const shift = load<i32>(block, FE_WINDOW_SHIFT);
  const window = load<i32>(block, FE_WINDOW);
  const follow = load<i32>(block, FE_PEAK);
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
  const buffer = load<usize>(block, FE_BUFFER);
  const points = load<i32>(block, FE_POINTS);
  for (let k: i32 = 0; k < points; k++) {
    const i = k << 1;
    let pair: i32 = 0;
    if (i < window) pair = (windowed(samples, table, i, shift) << up) & 0xffff;
    if (i + 1 < window) pair |= (windowed(samples, table, i + 1, shift) << up) << 16;
    store<i32>(buffer + (place(k, points) << 2), pair);
  }
  return up;
}

/** Noise reduction and gain of a channel's magnitude. */
function denoised(block: usize, channel: i32, signal: u32): u32 {
  const at = load<usize>(block, FE_STATE) + 4 + (channel << 2);
  const parity = (channel & 1) << 2;
  const bits = load<u32>(block, FE_NOISE_BITS);
  const up = load<u32>(block, FE_SMOOTHING_BITS);
  const scaled: u32 = signal << up;
  const sum: u64 =
    <u64>scaled * load<u32>(block + parity, FE_SMOOTHING) + <u64>load<u32>(at) * load<u32>(block + parity, FE_ONE_MINUS);
  let estimate = <u32>(sum >> bits);
  let kept = estimate;
  if (estimate > scaled) {
    estimate = scaled;
    if (load<i32>(block, FE_CLAMPING)) kept = scaled;
  }
  store<u32>(at, kept);
  const floor = <u32>((<u64>signal * load<u32>(block, FE_MIN_SIGNAL)) >> bits);
  const value = max<u32>((scaled - estimate) >> up, floor);
  const table = load<usize>(block, FE_PCAN);
  if (!table) return value;
  const gain = <u32>wide_function(kept, table);
  return shrink(<u32>((<u64>value * gain) >> load<u32>(block, FE_SNR_SHIFT)));
}

/** The int8 of a channel. */
function feature(block: usize, value: u32): i32 {
  const table = load<usize>(block, FE_LOG);
  if (table) {
    const correction = load<i32>(block, FE_CORRECTION);
    value = correction < 0 ? value >> -correction : value << correction;
    value = value > 1 ? log_u32(value, load<u32>(block, FE_LOG_SCALE), table) : 0;
  }
  value = min<u32>(value, load<u32>(block, FE_MOST));
  const scaled = (<i32>value * load<i32>(block, FE_MULTIPLY) + load<i32>(block, FE_ADD)) / load<i32>(block, FE_DIVIDE);
  const q = max(load<i32>(block, FE_LOW), min(load<i32>(block, FE_HIGH), scaled + load<i32>(block, FE_OFFSET)));
  const remap = load<usize>(block, FE_REMAP);
  return remap ? load<i8>(remap + q, 128) : q;
}

/** A row of features out of the full window. */
function make_row(block: usize): void {
  const shift = scaled_window(block);
  const buffer = load<usize>(block, FE_BUFFER);
  rfft_s16(buffer, load<usize>(block, FE_TWIDDLES), load<usize>(block, FE_LAST), load<i32>(block, FE_POINTS));
  const channels = load<i32>(block, FE_CHANNELS);
  const row = load<usize>(block, FE_ROW);
  let band = load<usize>(block, FE_BANDS);
  let weights = load<usize>(block, FE_WEIGHTS);
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
    // band 0 only opens channel 0
    if (channel < 0) continue;
    let value: u32 = root_u64(sum) >> shift;
    if (load<i32>(block, FE_NOISE)) value = denoised(block, channel, value);
    store<i8>(row + channel, feature(block, value));
  }
}

/** Takes 1 to step samples; 1 if a row fell due. */
export function frontend_push(
  block: usize,
  from: usize, // s16 [frames]
  frames: i32,
): i32 {
  const state = load<usize>(block, FE_STATE);
  const samples = samples_at(block);
  const window = load<i32>(block, FE_WINDOW);
  const filled = load<i32>(state);
  const take = min(frames, window - filled);
  move_s8(samples + (filled << 1), from, take << 1);
  store<i32>(state, filled + take);
  if (filled + take < window) return 0;
  make_row(block);
  const step = load<i32>(block, FE_STEP);
  const rest = frames - take;
  move_s8(samples, samples + (step << 1), (window - step) << 1);
  move_s8(samples + ((window - step) << 1), from + (take << 1), rest << 1);
  store<i32>(state, window - step + rest);
  return 1;
}

/** Forgets the signal. */
export function frontend_reset(block: usize): void {
  fill_s8(load<usize>(block, FE_STATE), 0, 4 + (load<i32>(block, FE_CHANNELS) << 2) + (load<i32>(block, FE_WINDOW) << 1));
}
