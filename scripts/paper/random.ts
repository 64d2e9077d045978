/**
 * Seeded random numbers and simulated signals for the reproduction.
 *
 * In: a seed.  Out: simulated PPG, EEG and wrist acceleration, `[frames][channels]`. They cannot show the
 * accuracy of a task.
 */

/** Returns a generator of uniform numbers in [0, 1): xorshift32 (Marsaglia, 2003). */
export function uniform(seed: number): () => number {
  let x = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Returns a generator of standard normal numbers (Box and Muller, 1958). */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** frames -> `[frames][channels]` */
export type Signal = (frames: number, seed: number) => Float32Array;

/**
 * PPG at 32 Hz: a pulse of varying rate with its second harmonic, baseline wander and noise; variance about
 * 1.
 */
export const ppg: Signal = (frames, seed) => {
  const noise = normal(seed);
  const turn = 2 * Math.PI * uniform(seed + 1)();
  let phase = 0;
  return Float32Array.from({ length: frames }, (_, n) => {
    const seconds = n / 32;
    phase += (2 * Math.PI * (1.3 + 0.3 * Math.sin(2 * Math.PI * 0.02 * seconds + turn))) / 32;
    const wander = 0.4 * Math.sin(2 * Math.PI * 0.25 * seconds + turn);
    return 1.1 * Math.sin(phase) + 0.5 * Math.sin(2 * phase + 1) + wander + 0.2 * noise();
  });
};

/**
 * EEG at 256 Hz, 18 channels: AR(1) background with coefficient 0.95, and a 10 Hz rhythm of varying strength;
 * variance about 1.
 */
export const eeg: Signal = (frames, seed) => {
  const channels = 18;
  const noise = normal(seed);
  const next = uniform(seed + 1);
  const turns = Array.from({ length: channels }, () => 2 * Math.PI * next());
  const state = new Float64Array(channels);
  const x = new Float32Array(frames * channels);
  for (let n = 0; n < frames; n++) {
    const seconds = n / 256;
    const strength = 0.6 * (1 + Math.sin(2 * Math.PI * 0.3 * seconds));
    for (let c = 0; c < channels; c++) {
      state[c] = 0.95 * (state[c] as number) + 0.25 * noise();
      x[n * channels + c] = (state[c] as number) + strength * Math.sin(2 * Math.PI * 10 * seconds + (turns[c] as number));
    }
  }
  return x;
};

/**
 * Acceleration at 32 Hz, 4 channels, in g: slowly turning gravity, bursts of movement at 2 Hz and noise on
 * three axes, and their magnitude.
 */
export const acceleration: Signal = (frames, seed) => {
  const noise = normal(seed);
  const turn = 2 * Math.PI * uniform(seed + 1)();
  const x = new Float32Array(frames * 4);
  for (let n = 0; n < frames; n++) {
    const seconds = n / 32;
    const tilt = 0.8 * Math.sin(2 * Math.PI * 0.01 * seconds + turn);
    const burst = Math.max(0, Math.sin(2 * Math.PI * 0.03 * seconds + turn)) ** 2;
    const move = (axis: number) => 0.5 * burst * Math.sin(2 * Math.PI * 2 * seconds + axis) + 0.03 * noise();
    const axes = [Math.sin(tilt) + move(0), 0.3 + move(1), Math.cos(tilt) + move(2)];
    x.set([...axes, Math.hypot(...axes)], n * 4);
  }
  return x;
};
