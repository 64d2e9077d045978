/**
 * Signals for the tests of drift: autocorrelated noise with a mean, and a watch that it runs through.
 *
 * In: a seed, the correlation of neighbouring frames, the number of channels.  Out: frames; events.
 */
import { DriftWatch, referenceBlocks, type WatchEvent, type WatchOptions, warmUpBlocks } from '../../host/learn/drift/watch.ts';
import { draws } from '../../models/xorshift.ts';

/** Normal numbers (Box and Muller). */
export function normals(draw: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

export type Source = (frames: number) => Float64Array; // [frame][channel]

/** Channels with means and deviations of their own; channel c has the correlation r / (c + 1). */
export function correlated(seed: number, r: number, channels = 1): Source {
  const draw = draws(seed);
  const normal = normals(draw);
  const means = Array.from({ length: channels }, () => 4 * draw() - 2);
  const deviations = Array.from({ length: channels }, () => 0.5 + draw());
  const states = means.map(() => normal());
  return (frames) => {
    const x = new Float64Array(frames * channels);
    for (let i = 0; i < x.length; i++) {
      const c = i % channels;
      const mine = r / (c + 1);
      states[c] = mine * (states[c] as number) + Math.sqrt(1 - mine * mine) * normal();
      x[i] = (means[c] as number) + (deviations[c] as number) * (states[c] as number);
    }
    return x;
  };
}

export const watchOf = (change: Partial<WatchOptions> = {}): DriftWatch =>
  new DriftWatch({ inputs: [1], outputs: [], blockTicks: 500, blocksPerDay: 1000, valuesPerTick: [1], perDay: 1, ...change });

/** Runs blocks of a source through a watch. @returns events with the number of their block */
export function run(watch: DriftWatch, source: Source, blocks: number): (WatchEvent & { block: number })[] {
  const { inputs, blockTicks } = watch.options;
  const found: (WatchEvent & { block: number })[] = [];
  for (let block = 1; block <= blocks; block++) {
    watch.see(0, source(blockTicks), inputs[0] as number);
    const event = watch.pass(blockTicks);
    if (event && event.state !== 'continues') found.push({ ...event, block });
  }
  return found;
}

/** Lets a watch take its reference. */
export function learn(watch: DriftWatch, source: Source): void {
  const events = run(watch, source, warmUpBlocks + referenceBlocks);
  if (events.length !== 1 || events[0]?.state !== 'learned') throw new Error(`not learned: ${JSON.stringify(events)}`);
}

/** Smooth channels: slow waves of random frequencies on correlated noise, and a little white noise. */
export function waves(seed: number, channels: number): Source {
  const draw = draws(seed + 500);
  const normal = normals(draw);
  const slow = correlated(seed, 0.9, channels);
  const each = Array.from({ length: channels }, () => ({
    mean: 6 * draw() - 3,
    gain: 0.5 + 2 * draw(),
    tones: [0.1 + 0.2 * draw(), 0.03 + 0.1 * draw()].map((step) => ({ step, phase: 7 * draw(), height: 0.5 + draw() })),
  }));
  let t = 0;
  return (frames) => {
    const x = slow(frames);
    for (let n = 0; n < frames; n++, t++)
      for (const [c, { mean, gain, tones }] of each.entries()) {
        const sum = tones.reduce((all, { step, phase, height }) => all + height * Math.sin(step * t + phase), 0);
        x[n * channels + c] = mean + gain * (sum + 0.2 * (x[n * channels + c] as number) + 0.02 * normal());
      }
    return x;
  };
}
