/**
 * Plays a recording: sends its samples to the engine in real time, and sound to the loudspeaker.
 *
 * In: a recording, a speed.  Out: pieces of whole frames in order; then the end.  With sound, the sound card
 * is the clock.
 */
import type { Recording } from './protocol.ts';

export interface Player {
  stop: () => void;
}

export interface PlayerOptions {
  /** Factor of the original speed; sound is played at 1 only. */
  speed: number;
  /** False: plays no sound at any speed. */
  audible: boolean;
  /** Values per frame. */
  frameElements: number;
  onSamples: (samples: Float32Array) => void;
  onEnd: () => void;
}

/** Seconds between two pieces. */
const pieceS = 0.03;

function audible({ samples, rateHz = 0 }: Recording): { clock: () => number; stop: () => void } | undefined {
  // the range of rates that every browser plays
  if (rateHz < 8000 || rateHz > 96000 || samples.length === 0) return undefined;
  const context = new AudioContext();
  const buffer = context.createBuffer(1, samples.length, rateHz);
  buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, 0);
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  const startS = context.currentTime + 0.05;
  source.start(startS);
  void context.resume();
  return { clock: () => context.currentTime - startS, stop: () => void context.close() };
}

export function play(recording: Recording, { speed, audible: wanted, frameElements, onSamples, onEnd }: PlayerOptions): Player {
  const { samples, seconds } = recording;
  const perSecond = samples.length / seconds;
  const sound = wanted && speed === 1 ? audible(recording) : undefined;
  const started = performance.now();
  const clock = sound?.clock ?? (() => (speed * (performance.now() - started)) / 1000);
  let sent = 0;
  const stop = () => {
    clearInterval(timer);
    sound?.stop();
  };
  const timer = setInterval(() => {
    const due = Math.max(0, Math.floor((clock() * perSecond) / frameElements)) * frameElements;
    const to = Math.min(samples.length, due);
    if (to > sent) onSamples(samples.slice(sent, to));
    sent = Math.max(sent, to);
    if (sent < samples.length) return;
    stop();
    onEnd();
  }, 1000 * pieceS);
  return { stop };
}
