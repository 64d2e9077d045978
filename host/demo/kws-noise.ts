/**
 * Noise for the evaluation of kws: sounds of a household and a melody, by formulas.
 *
 * In: a kind, a number of samples, a source of uniform numbers.  Out: float32 [samples] at 16 kHz with peak
 * 1. Training has noise of models/zoo/vad/noises.py; these formulas are others, so that they are new to the
 * network.
 */

import { rateHz } from './kws-model.ts';

type Draw = () => number;
/** Sound at the time t, in seconds. */
type Voice = (t: number) => number;

const between = (draw: Draw, low: number, high: number) => low + (high - low) * draw();
const turn = 2 * Math.PI;

function scaled(x: Float32Array): Float32Array {
  const peak = x.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  return x.map((v) => v / peak);
}

/** Adds events at random times, on average one every `gap` seconds. */
function events(samples: number, draw: Draw, gap: number, make: () => { voice: Voice; seconds: number }): Float32Array {
  const x = new Float32Array(samples);
  for (let at = 0; at < samples; at += Math.ceil(-gap * rateHz * Math.log(1 - draw()))) {
    const { voice, seconds } = make();
    const end = Math.min(samples, at + Math.round(seconds * rateHz));
    for (let i = at; i < end; i++) x[i] = (x[i] as number) + voice((i - at) / rateHz);
  }
  return x;
}

/** Water from a tap: noise through a resonance whose centre wanders. */
function water(samples: number, draw: Draw): Float32Array {
  let [a, b] = [0, 0];
  const [centre, width] = [between(draw, 600, 3000), between(draw, 0.9, 0.98)];
  return Float32Array.from({ length: samples }, (_, i) => {
    const hz = centre * (1 + 0.2 * Math.sin((turn * 0.7 * i) / rateHz));
    const next = 2 * width * Math.cos((turn * hz) / rateHz) * a - width * width * b + draw() - 0.5;
    [b, a] = [a, next];
    return next;
  });
}

/** A vacuum cleaner: a tone with harmonics, and air. */
function machine(samples: number, draw: Draw): Float32Array {
  const hz = between(draw, 90, 320);
  const air = between(draw, 0.2, 1);
  const tones = Array.from({ length: 12 }, (_, k) => [hz * (k + 1), draw() / (k + 1)] as const);
  return Float32Array.from({ length: samples }, (_, i) => {
    const whine = tones.reduce((sum, [f, level]) => sum + level * Math.sin((turn * f * i) / rateHz), 0);
    return whine + air * (draw() - 0.5);
  });
}

/** Dishes: inharmonic rings of a tenth to half a second. */
const dishes = (samples: number, draw: Draw): Float32Array =>
  events(samples, draw, 0.5, () => {
    const base = between(draw, 900, 3500);
    const fade = between(draw, 8, 40);
    const tones = [1, 2.32, 4.25].map((ratio) => [base * ratio, draw()] as const);
    const voice: Voice = (t) => Math.exp(-fade * t) * tones.reduce((sum, [f, level]) => sum + level * Math.sin(turn * f * t), 0);
    return { voice, seconds: 4 / fade };
  });

/** Steps: dull knocks, at an even pace. */
function steps(samples: number, draw: Draw): Float32Array {
  const [pace, hz] = [between(draw, 0.4, 0.7), between(draw, 60, 160)];
  return Float32Array.from({ length: samples }, (_, i) => {
    const t = (i / rateHz) % pace;
    return Math.exp(-40 * t) * (Math.sin(turn * hz * t) + 0.4 * (draw() - 0.5));
  });
}

/** A melody on a scale of five tones, each a plucked string of six harmonics, some in thirds. */
function melody(samples: number, draw: Draw): Float32Array {
  const scale = [0, 2, 4, 7, 9, 12];
  const base = between(draw, 130, 330);
  return events(samples, draw, between(draw, 0.15, 0.4), () => {
    const hz = base * 2 ** ((scale[Math.floor(6 * draw())] as number) / 12);
    const third = draw() < 0.3 ? 1.26 : 0;
    const tone = (f: number, t: number) => {
      let sum = 0;
      for (let k = 1; f > 0 && k <= 6; k++) sum += Math.sin(turn * k * f * t) / k ** 1.5;
      return sum;
    };
    return { voice: (t) => Math.exp(-3 * t) * (tone(hz, t) + tone(third * hz, t)), seconds: 1.2 };
  });
}

export const noises = { water, machine, dishes, steps, melody };
export type Noise = keyof typeof noises;

export const noise = (kind: Noise, samples: number, draw: Draw): Float32Array => scaled(noises[kind](samples, draw));
