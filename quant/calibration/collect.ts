/**
 * collectCalibration: reads a signal of any length, chunk by chunk, and chooses the windows for calibration.
 *
 * In: a plan, chunks of whole ticks (one array per input), how many windows to keep and how to choose them.
 * Out: a CalibrationSet. A signal of at most that many windows is kept completely. Of a longer signal at most
 * twice as many windows are held. `covering`: whenever the store is full, it keeps the half that covers all
 * held windows best (coverage.ts). `random`: Vitter's algorithm R replaces windows. `first`: later windows
 * are dropped. A window here is the piece of signal that one output depends on: window, earlier context and
 * look-ahead. Pieces do not overlap.  Deterministic for a given seed.
 * Source: Vitter 1985, "Random sampling with a reservoir".  Cost: memory for 2 x windows pieces, independent
 * of the signal's length.
 */
import { RunletError } from '../../models/error.ts';
import { carriedTensors } from '../../models/graph/recurrent.ts';
import { viewOf } from '../../models/graph/view.ts';
import { join } from '../../models/lists.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { checkValue, emptyCalibration, tooShort } from './check.ts';
import { type Coverage, coverageOf, coverWindows, featuresOf, reachOf, type WindowFeatures } from './coverage.ts';
import { InputSummary } from './input-summary.ts';
import { type CalibrationSet, type Sampling, samplings } from './signals.ts';

export interface SampleOptions {
  /** Number of windows to keep. Default 256. */
  calibWindows?: number;
  /** How windows are chosen. Default `covering`. */
  sampling?: Sampling;
  /** Seed of the random choice. Default 1. */
  seed?: number;
  /** Called after each chunk with the number of ticks read so far. */
  onTicks?: (ticks: number) => void;
}

/** Whole ticks of every input. `begins`: the chunk starts a new recording; no window crosses this seam. */
export type Chunk = Float32Array | readonly Float32Array[] | { begins: true; data: readonly Float32Array[] };
export type Chunks = AsyncIterable<Chunk> | Iterable<Chunk>;

interface Piece extends WindowFeatures {
  data: Float32Array[];
}

/** Returns a generator of random numbers in [0, 1) with a seed: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(list: readonly T[], rnd: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = Math.floor(rnd() * (i + 1));
    [out[i], out[k]] = [out[k] as T, out[i] as T];
  }
  return out;
}

/** Windows before the last one in a piece, if a state carries over. A choice, as are the 64 hops below. */
const windowsBefore = 4;

/** Length of a piece in ticks. Stateful models need longer pieces, so that their states settle. */
export function pieceTicks(plan: StreamPlan): number {
  const needed = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  if (carriedTensors(plan.graph).size > 0) return needed + Math.ceil((windowsBefore * plan.window) / plan.hop) * plan.hop;
  return plan.graph.stateful ? Math.max(needed, 64 * plan.hop) : needed;
}

const widened = (reach: Float32Array | undefined, { values }: WindowFeatures): Float32Array => {
  const now = reach ?? reachOf([{ index: 0, values }]);
  for (let e = 0; e < now.length / 2; e++) {
    now[2 * e] = Math.min(now[2 * e] as number, values[4 * e] as number);
    now[2 * e + 1] = Math.max(now[2 * e + 1] as number, values[4 * e + 1] as number);
  }
  return now;
};

class Collector {
  readonly summaries: InputSummary[];
  private readonly elements: number[]; // of a frame
  private readonly perPiece: number[]; // values
  private readonly rest: { data: Float32Array; used: number }[];
  private pieces: Piece[] = [];
  /** Incomplete pieces before seams, held as long as the whole signal is held. */
  private tails: { after: number; data: Float32Array[] }[] = [];
  private whole = true;
  private seams = 0;
  private reach: Float32Array | undefined;
  /** Features of `keep` windows drawn at random, for comparison. Their data is not held. */
  private drawn: WindowFeatures[] = [];
  windows = 0;
  ticks = 0;
  heldBytes = 0;
  private readonly rnd: () => number;

  private readonly plan: StreamPlan;
  private readonly keep: number;
  private readonly sampling: Sampling;
  private readonly seed: number;

  constructor(plan: StreamPlan, keep: number, sampling: Sampling, seed: number) {
    [this.plan, this.keep, this.sampling, this.seed] = [plan, keep, sampling, seed];
    const { graph, clock } = plan;
    this.elements = graph.inputs.map(({ tensor }) => viewOf(graph).frame(tensor));
    this.perPiece = this.elements.map((n, i) => n * (clock.rates[i] as number) * pieceTicks(plan));
    this.rest = this.perPiece.map((n) => ({ data: new Float32Array(n), used: 0 }));
    this.summaries = this.elements.map((n) => new InputSummary(n));
    this.rnd = seeded(seed);
  }

  add(chunk: Chunk): void {
    const begins = 'begins' in chunk;
    if (begins) this.seam();
    const data: readonly Float32Array[] = begins ? chunk.data : chunk instanceof Float32Array ? [chunk] : chunk;
    const ticks = data.map((values, i) => values.length / (this.elements[i] as number) / (this.plan.clock.rates[i] as number));
    if (data.length !== this.elements.length || ticks.some((n) => n !== ticks[0] || !Number.isInteger(n)))
      throw new RunletError('RN410', {
        what: `a chunk of ${data.map((values) => values.length).join(', ')} values is not made of whole frames for every input`,
        where: `after ${this.ticks} frames`,
        why: `frames have ${this.elements.join(', ')} values, ${this.plan.clock.rates.join(', ')} a tick`,
        tryThis: 'chunks of whole frames that have the same length for every input',
      });
    for (const [i, values] of data.entries()) {
      const summary = this.summaries[i] as InputSummary;
      const before = summary.frames;
      const bad = summary.add(values);
      if (bad >= 0) throw checkValue(this.plan, i, before * summary.elements + bad, values[bad] as number);
    }
    const [first] = ticks as [number];
    for (let at = 0; at < first; ) {
      const room = this.room();
      const take = Math.min(room, first - at);
      for (const [i, values] of data.entries()) {
        const perTick = (this.elements[i] as number) * (this.plan.clock.rates[i] as number);
        const into = this.rest[i] as (typeof this.rest)[number];
        into.data.set(values.subarray(at * perTick, (at + take) * perTick), into.used);
        into.used += take * perTick;
      }
      at += take;
      if (take === room) this.piece();
    }
    this.ticks += first;
  }

  private room(): number {
    return (
      pieceTicks(this.plan) - (this.rest[0]?.used ?? 0) / ((this.elements[0] as number) * (this.plan.clock.rates[0] as number))
    );
  }

  private takeRest(): Float32Array[] {
    return this.rest.map((r) => {
      const data = r.data.slice(0, r.used);
      r.used = 0;
      return data;
    });
  }

  private seam(): void {
    if (this.ticks === 0) return;
    this.seams++;
    const data = this.takeRest();
    if (this.whole) this.tails.push({ after: this.pieces.length, data });
  }

  private piece(): void {
    const data = this.takeRest();
    const features = featuresOf(this.windows++, data, this.elements);
    this.reach = widened(this.reach, features);
    const { keep, sampling, rnd, pieces } = this;
    // one draw per window with every sampling, so that `drawn` is the same for all of them
    const place = Math.floor(rnd() * this.windows);
    if (this.drawn.length < keep) this.drawn.push(features);
    else if (place < keep) this.drawn[place] = features;
    const piece: Piece = { ...features, data };
    if (pieces.length < keep || sampling === 'covering') pieces.push(piece);
    else if (sampling === 'random' && place < keep) pieces[place] = piece;
    if (this.windows > keep) {
      this.whole = false;
      this.tails = [];
    }
    const bytes = this.perPiece.reduce((a, b) => a + b, 0) * 4;
    this.heldBytes = Math.max(this.heldBytes, (pieces.length + 1) * bytes);
    if (pieces.length === 2 * keep) this.reduce();
  }

  private reduce(): void {
    this.pieces = coverWindows(this.pieces, this.keep).map((i) => this.pieces[i] as Piece);
  }

  result(): CalibrationSet {
    const { summaries, keep, seed, heldBytes, windows } = this;
    const ends = this.takeRest();
    if (this.whole) {
      const pieces = this.joined(ends);
      if (pieces.length === 0) throw tooShort(this.plan, Math.ceil(this.ticks / (this.seams + 1)), true);
      const windows = Math.max(1, Math.floor(this.ticks / this.plan.window));
      return { pieces, summaries, windowsSeen: windows, windowsUsed: windows, sampling: 'all', seed, heldBytes };
    }
    if (this.sampling === 'covering') this.reduce();
    const coverage: Coverage = {
      chosen: coverageOf(reachOf(this.pieces), this.reach as Float32Array),
      random: coverageOf(reachOf(this.drawn), this.reach as Float32Array),
    };
    // convergence is measured in a random order of the windows
    const order = shuffled(
      [...this.pieces].sort((a, b) => a.index - b.index),
      seeded(seed),
    );
    return {
      pieces: order.map((p) => p.data),
      summaries,
      windowsSeen: windows,
      windowsUsed: Math.min(keep, order.length),
      sampling: this.sampling,
      seed,
      coverage,
      heldBytes,
    };
  }

  /** Returns the whole signal again, as one piece per recording. */
  private joined(ends: Float32Array[]): Float32Array[][] {
    const recordings: Float32Array[][][] = [[]];
    let at = 0;
    for (const { after, data } of [...this.tails, { after: this.pieces.length, data: ends }]) {
      const recording = recordings.at(-1) as Float32Array[][];
      for (; at < after; at++) recording.push((this.pieces[at] as Piece).data);
      recording.push(data);
      recordings.push([]);
    }
    const all = recordings
      .filter((parts) => parts.length > 0)
      .map((parts) =>
        this.elements.map((_, i) =>
          join(
            Float32Array,
            parts.map((p) => p[i] as Float32Array),
          ),
        ),
      );
    return this.seams > 0 ? all.filter((inputs) => (inputs[0] as Float32Array).length >= (this.perPiece[0] as number)) : all;
  }
}

const defaults = { calibWindows: 256, seed: 1 };

function collectorFor(plan: StreamPlan, options: SampleOptions): Collector {
  const { calibWindows = defaults.calibWindows, sampling = samplings[0], seed = defaults.seed } = options;
  return new Collector(plan, Math.max(1, calibWindows), sampling, seed);
}

const finished = (plan: StreamPlan, collector: Collector): CalibrationSet => {
  if (collector.ticks === 0) throw emptyCalibration(plan);
  return collector.result();
};

/** Chooses the calibration windows. @throws RunletError RN410, RN411, RN412, RN418 */
export async function collectCalibration(plan: StreamPlan, chunks: Chunks, options: SampleOptions = {}): Promise<CalibrationSet> {
  const collector = collectorFor(plan, options);
  for await (const chunk of chunks) {
    collector.add(chunk);
    options.onTicks?.(collector.ticks);
  }
  return finished(plan, collector);
}
