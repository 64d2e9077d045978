/**
 * Endless clean signals of people, for `npm run eval:drift`.
 *
 * In: a seed, which is a person.  Out: a function that returns the next frames, float32 [frame][channel].
 * Rules: har and ecg are the simulations of models/zoo/har/simulate.py and models/zoo/ecg/simulate.py, with a
 * person's amplitudes and times drawn once. kws is a room: clips of its speakers at random levels, with
 * pauses and a faint noise, in the numbers of int16 sound.
 */
import { draws } from '../../models/xorshift.ts';
import { type Clip, clipSamples } from './kws-clips.ts';

export type Source = (frames: number) => Float32Array;
export type Draw = () => number;

const between = (draw: Draw, low: number, high: number): number => low + (high - low) * draw();
/** Normal numbers (Box and Muller). */
export const normals =
  (draw: Draw): Draw =>
  () =>
    Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());

/** Cuts pieces of any length into frames as they are asked for. */
function fromPieces(next: () => Float32Array, channels: number): Source {
  let piece: Float32Array = new Float32Array(0);
  let at = 0;
  return (frames) => {
    const x = new Float32Array(frames * channels);
    for (let filled = 0; filled < x.length; ) {
      if (at === piece.length) [piece, at] = [next(), 0];
      const step = Math.min(x.length - filled, piece.length - at);
      x.set(piece.subarray(at, at + step), filled);
      filled += step;
      at += step;
    }
    return x;
  };
}

const har = { rateHz: 50, seated: [-0.3, -0.3, 0.85], upright: [-0.95, -0.28, 0], noise: [0.05, 0.05, 0.05, 0.03, 0.03, 0.03] };
/** Amplitudes of the stride, the steps and the third harmonic: ax ay az gx gy gz. */
const stride = [
  [0.09, 0.09, 0.11, 0.23, 0.18, 0.45],
  [0.2, 0.08, 0.06, 0.13, 0.1, 0.17],
  [0.06, 0.04, 0.04, 0.1, 0.05, 0.08],
];
/** What a round consists of, in seconds; the sign tells where the person stands up or sits down. */
const round = [
  ['seated', 2.5],
  ['up', 1.2],
  ['walking', 4.5],
  ['turning', 1.2],
  ['walking', 4.5],
  ['turning', 1.2],
  ['down', 1.4],
  ['seated', 1.5],
] as const;

/** A person with a watch: gets up, walks, turns and sits down again, in rounds of about 18 seconds. */
export function walker(seed: number): Source {
  const draw = draws(seed);
  const normal = normals(draw);
  const tilt = [0, 1, 2].map(() => 0.08 * normal());
  const posture = (base: readonly number[]) => base.map((g, i) => g + (tilt[i] as number));
  const [seated, upright] = [posture(har.seated), posture(har.upright)];
  const waves = stride.map((heights) =>
    heights.map((h) => ({ height: h * between(draw, 0.8, 1.4), phase: 2 * Math.PI * draw() })),
  );
  const [cadence, impactPhase, calm] = [between(draw, 0.8, 1), 6 * draw(), between(draw, 0.8, 1.2)];
  let [angle, standing] = [0, 0];
  let before: number[] | undefined;
  const step = (x: number[], up: number, walk: number, yaw: number) => {
    const raw = seated.map((s, i) => s + ((upright[i] as number) - s) * up);
    const size = Math.hypot(...raw);
    const g = raw.map((v) => v / size);
    const change = g.map((v, i) => (v - (before?.[i] ?? v)) * har.rateHz);
    before = g;
    const cross = (i: number) => {
      const [a, b] = [(i + 1) % 3, (i + 2) % 3];
      return (g[a] as number) * (change[b] as number) - (g[b] as number) * (change[a] as number);
    };
    for (let i = 0; i < 3; i++) {
      x[i] = g[i] as number;
      x[3 + i] = (-cross(i) * 180) / Math.PI / 250;
    }
    (x[3] as number) += yaw;
    for (const [h, heights] of waves.entries())
      for (let i = 0; i < 6; i++) {
        const { height, phase } = heights[i] as (typeof heights)[number];
        (x[i] as number) += walk * height * Math.sin((h + 1) * angle + phase);
      }
    (x[0] as number) -= walk * 0.35 * Math.max(0, Math.sin(2 * angle + impactPhase)) ** 8;
    const moving = 0.3 + 0.7 * Math.max(walk, Math.sin(Math.PI * up));
    for (let i = 0; i < 6; i++) (x[i] as number) += calm * moving * (har.noise[i] as number) * normal();
  };
  let walk = 0;
  const next = () => {
    const pace = cadence * (1 + 0.03 * normal());
    const parts = round.map(([what, seconds]) => ({ what, n: Math.round(seconds * between(draw, 0.8, 1.3) * har.rateHz) }));
    const x: number[] = [];
    const frame = [0, 0, 0, 0, 0, 0];
    for (const { what, n } of parts) {
      const side = draw() < 0.5 ? -1 : 1;
      for (let k = 0; k < n; k++) {
        const ramp = 0.5 - 0.5 * Math.cos((Math.PI * (k + 1)) / n);
        if (what === 'up') standing = ramp;
        if (what === 'down') standing = 1 - ramp;
        const goal = what === 'walking' ? 1 : what === 'turning' ? 0.65 : 0;
        walk += (goal - walk) / 12;
        angle += (2 * Math.PI * 0.9 * pace) / har.rateHz;
        const yaw = what === 'turning' ? (side * (180 / 250) * Math.PI * Math.sin((Math.PI * k) / n)) / 2.4 : 0;
        step(frame, standing, walk, yaw);
        for (const v of frame) x.push(v);
      }
    }
    return Float32Array.from(x);
  };
  return fromPieces(next, 6);
}

const ecgHz = 180;
type Wave = [height: number, centre: number, width: number];

/** Waves of normal, supraventricular and ventricular beats of a patient: mV, seconds from R, seconds. */
function beatShapes(draw: Draw): Wave[][] {
  const r = between(draw, 0.7, 1.8);
  const normal: Wave[] = [
    [between(draw, 0.08, 0.18), -0.17, 0.022],
    [-between(draw, 0.03, 0.15) * r, -0.028, 0.008],
    [r, 0, 0.0105],
    [-between(draw, 0.1, 0.35) * r, 0.03, 0.011],
    [between(draw, 0.15, 0.4) * r, 0.27, 0.045],
  ];
  const [p, ...rest] = normal as [Wave, ...Wave[]];
  const h = (draw() < 0.3 ? -1 : 1) * r * between(draw, 0.9, 1.5);
  const wide: Wave[] = [
    [h, 0, between(draw, 0.026, 0.036)],
    [-h * between(draw, 0.3, 0.6), 0.085, 0.032],
    [-h * between(draw, 0.2, 0.4), 0.28, 0.07],
  ];
  return [normal, [[0.6 * p[0], -0.14, 0.018], ...rest], wide];
}

/** A patient's ECG in mV, in pieces of ten seconds. */
export function patient(seed: number): Source {
  const draw = draws(seed);
  const normal = normals(draw);
  const shapes = beatShapes(draw);
  const [beatS, breath, noise] = [60 / between(draw, 55, 95), 6 * draw(), between(draw, 0.008, 0.025)];
  let beats: { time: number; kind: number; gain: number }[] = [];
  let [at, lastKind, begun] = [0.5, 0, 0];
  const add = (time: number, kind: number) => {
    beats.push({ time, kind, gain: 1 + 0.05 * normal() });
    lastKind = kind;
  };
  const advance = () => {
    const usual = beatS * (1 + 0.04 * Math.sin(2 * Math.PI * 0.23 * at + breath) + 0.02 * normal());
    const kind = draw();
    if (lastKind === 0 && kind < 0.08) {
      add(at - usual + between(draw, 0.55, 0.72) * usual, 2);
      add(at + usual, 0);
      at += 2 * usual;
    } else if (lastKind === 0 && kind < 0.1) {
      const early = between(draw, 0.6, 0.75) * usual;
      add(at - usual + early, 1);
      at += early;
    } else {
      add(at, 0);
      at += usual;
    }
  };
  const next = () => {
    const n = 10 * ecgHz;
    while (at < begun + 12) advance();
    const x = new Float32Array(n);
    for (const { time, kind, gain } of beats) {
      const first = Math.max(0, Math.ceil((time - 0.5 - begun) * ecgHz));
      const last = Math.min(n, Math.floor((time + 0.8 - begun) * ecgHz));
      for (let i = first; i < last; i++)
        for (const [height, centre, width] of shapes[kind] as Wave[])
          (x[i] as number) += gain * height * Math.exp(-0.5 * ((begun + i / ecgHz - time - centre) / width) ** 2);
    }
    for (let i = 0; i < n; i++) {
      const t = begun + i / ecgHz;
      (x[i] as number) +=
        0.08 * Math.sin(2 * Math.PI * 0.23 * t + breath) + 0.05 * Math.sin(2 * Math.PI * 0.07 * t) + noise * normal();
    }
    begun += 10;
    beats = beats.filter(({ time }) => time + 0.8 > begun);
    return x;
  };
  return fromPieces(next, 1);
}

/** A room: words of these clips, 6 to 20 dB under their level, with pauses of up to a second. */
export function room(clips: readonly Clip[], seed: number): Source {
  const draw = draws(seed);
  const next = () => {
    const { pcm } = clips[Math.floor(clips.length * draw())] as Clip;
    const level = 10 ** between(draw, -1, -0.3);
    const x = new Float32Array(clipSamples + Math.floor(16000 * draw()));
    for (let i = 0; i < x.length; i++) x[i] = level * (pcm[i] ?? 0) + 24 * (draw() - 0.5);
    return x;
  };
  return fromPieces(next, 1);
}
