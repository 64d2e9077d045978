/**
 * Feeds a source to a session: frames, gaps, real-time pace, JSON lines.
 *
 * In: an open session and source; with a gap policy also the source's gaps.  Out: JSON lines on stdout unless
 * there is a live line; everything else goes to the recorder. Returns the counts of warm-up and lost frames.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunletError } from '../../models/error.ts';
import { output, print } from '../command/args.ts';
import type { Live } from '../report/live.ts';
import type { GapCount, Recorder, RunSummary } from '../report/recorder.ts';
import type { Detection, GapPolicy, LabelDetector, Session } from '../session/index.ts';
import type { Frames } from '../session/kinds.ts';
import type { GapList } from '../sources/gaps.ts';
import type { Source } from '../sources/index.ts';

const storedRanges = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767] } as const;
const arrays = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array } as const;

/** Converts quantised values of a source to the array type of the port. @throws RN708 */
function storedValues(chunk: Float32Array, type: keyof typeof arrays): Frames {
  const [min, max] = storedRanges[type];
  const bad = chunk.find((x) => !Number.isInteger(x) || x < min || x > max);
  if (bad !== undefined)
    throw new RunletError('RN708', {
      what: `${bad} is not a value of type ${type}`,
      where: 'source',
      why: `the model takes ${type}: whole numbers from ${min} to ${max}`,
      tryThis: 'give quantised values, or --real for real ones',
    });
  return arrays[type].from(chunk);
}

/** Returns the shortest number that is the same float32: 0.1, not 0.10000000149011612. */
export function shortFloat(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return x;
}

/** Returns the fields of the latest output's JSON line; fields of gaps only if there are any. */
function outputLine(session: Session, recorder: Recorder, rateHz: number | undefined, found: Detection | undefined) {
  const n = session.outputIndex;
  const { originFrame } = session;
  const startFrame = originFrame + n * session.hop;
  const endFrame = startFrame + session.window;
  const all = session.manifest.outputs.map((_, which) => Array.from(session.output(which), shortFloat));
  return {
    n,
    originFrame: originFrame || undefined,
    startFrame,
    endFrame,
    timeS: rateHz && endFrame / rateHz,
    output: all[0],
    outputs: all.length > 1 ? all : undefined,
    label: recorder.label(session.output()),
    heard: found?.label,
    probability: found && Number(found.probability.toFixed(4)),
    gapFrames: session.gapFramesInWindow || undefined,
    gapFramesInContext: session.gapFramesInContext || undefined,
  };
}

export interface RunParts {
  session: Session;
  source: Source<Float32Array | Float32Array[]>;
  recorder: Recorder;
  live?: Live;
  rateHz?: number;
  realtime?: boolean;
  /** True if the source has real values, whatever the model takes. */
  real?: boolean;
  /** Maximum number of outputs. */
  limit: number;
  gaps?: { policy: GapPolicy; list: GapList };
  /** Detects words in the outputs. */
  detector?: LabelDetector;
}

/** The state of one run. */
class Run {
  readonly #parts: RunParts;
  readonly #gaps: GapCount | undefined;
  readonly #started = performance.now();
  /** Computing time of the current, incomplete hop in milliseconds. */
  #hopMs = 0;
  /** Number of frames pushed to the session. */
  #given = 0;
  #heldBack = 0;
  #lines = '';

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#gaps = parts.gaps && { policy: parts.gaps.policy, count: 0, frames: 0, outputsLeftOut: 0 };
  }

  /** Checks whether the limit of outputs is reached. */
  get isFull(): boolean {
    const { recorder, limit } = this.#parts;
    return recorder.count >= limit;
  }

  get facts(): Pick<RunSummary, 'warmUp' | 'gaps'> {
    const { outputsHeldBack, framesLeft } = this.#parts.session.warmUp;
    return { warmUp: { outputsHeldBack: this.#heldBack + outputsHeldBack, framesLeft }, gaps: this.#gaps };
  }

  /** Pushes a chunk of the source, up to the limit. */
  async chunk(chunk: Float32Array | Float32Array[]): Promise<void> {
    const { session, realtime } = this.#parts;
    const { hop } = session;
    const frames = Array.isArray(chunk) ? chunk.map((one, input) => this.#hostFrames(one, input)) : this.#hostFrames(chunk, 0);
    const count = session.framesIn(frames);
    for (let from = 0, take = 0; from < count; from += take) {
      this.bridge();
      if (this.isFull) return;
      // stops at the next hop, so that no push belongs to two hops, and at the next gap
      const toGap = (this.#nextGap?.at ?? Number.POSITIVE_INFINITY) - this.#given;
      take = Math.min(hop - (session.framesPushed % hop), count - from, toGap);
      await this.#pace(take);
      const before = performance.now();
      const due = session.pushPart(frames, from, take);
      const ms = performance.now() - before;
      this.#count(Array.isArray(chunk) ? (chunk[0] as Float32Array) : chunk, from, take, ms);
      if (due) this.#report();
      if (realtime) await this.flush();
      if (this.isFull) return;
    }
  }

  /** Handles the gap before the next frame, if there is one. */
  bridge(): void {
    const { session, recorder, gaps, detector } = this.#parts;
    const found = this.#gaps;
    const gap = this.#nextGap;
    if (!gaps || !found || gap?.at !== this.#given) return;
    if (gaps.policy === 'reset') {
      this.#heldBack += session.warmUp.outputsHeldBack;
      detector?.reset();
    }
    found.count++;
    found.frames += gap.frames;
    found.outputsLeftOut += session.gap(gap.frames, gaps.policy, () => this.#report()).leftOut;
    recorder.gap(gap.frames);
    this.#hopMs = 0; // the gap interrupts the hop
  }

  /** Prints the lines since the last call. */
  async flush(): Promise<void> {
    const { session, live } = this.#parts;
    live?.progress(session.originFrame + session.framesPushed);
    const text = this.#lines;
    this.#lines = '';
    if (text) await print(text);
  }

  get #nextGap() {
    return this.#parts.gaps?.list.list[this.#gaps?.count ?? 0];
  }

  #hostFrames(chunk: Float32Array, input: number): Frames {
    const { session, real } = this.#parts;
    const hostType = session.manifest.inputs[input]?.hostType ?? 'float32';
    // sound sources give real values from -1 to 1
    const isReal = real || session.manifest.frontEndConfig;
    return hostType === 'float32' || isReal ? chunk : storedValues(chunk, hostType);
  }

  /** With --realtime, waits until the next `take` frames would have arrived. */
  async #pace(take: number): Promise<void> {
    const { session, rateHz, realtime } = this.#parts;
    if (!realtime || !rateHz) return;
    const wait = this.#started + (1000 * (session.originFrame + session.framesPushed + take)) / rateHz - performance.now();
    if (wait > 1) await sleep(wait);
  }

  /** Records a push of `take` frames that took `ms` milliseconds. */
  #count(frames: Float32Array, from: number, take: number, ms: number): void {
    const { session, recorder } = this.#parts;
    this.#hopMs += ms;
    this.#given += take;
    recorder.frames(frames, from, take, ms);
    if (session.framesPushed % session.hop !== 0) return;
    recorder.hop(this.#hopMs);
    this.#hopMs = 0;
  }

  /** Reports the latest output. */
  #report(): void {
    if (this.isFull) return;
    const { session, source, recorder, live, rateHz, detector } = this.#parts;
    const startFrame = session.originFrame + session.outputIndex * session.hop;
    const latest = session.output();
    recorder.output(latest, startFrame, startFrame + session.window, source.truth);
    const heard = detector?.push(session.output(detector.output), (1000 * (startFrame + session.window)) / (rateHz as number));
    if (heard) recorder.heard(heard.label);
    if (live && recorder.outputs[0]) live.output(recorder.label(latest), latest[0] as number, recorder.outputs[0]);
    if (!live) this.#lines += `${JSON.stringify(outputLine(session, recorder, rateHz, heard))}\n`;
  }
}

/** Runs the whole source; prints JSON lines to stdout unless there is a live line. */
export async function drive(parts: RunParts): Promise<Pick<RunSummary, 'warmUp' | 'gaps'>> {
  const run = new Run(parts);
  for await (const chunk of parts.source.frames) {
    await run.chunk(chunk);
    await run.flush();
    if (run.isFull || output.closed) break;
  }
  if (!run.isFull && !output.closed) run.bridge();
  await run.flush();
  return run.facts;
}
