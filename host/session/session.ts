/**
 * Session: one running module.
 *
 * In: frames of a signal, as real numbers or int8, in pieces of any size.  Out: the model's outputs, as they
 * fall due.
 * Time (docs/abi.md): window n is frames [n * hop, n * hop + window); its output is due once frame n * hop +
 * window - 1 + delayFrames is in. In mode `stream` the first warmUpHops outputs are not reported. Frames and
 * outputs are counted in JavaScript numbers, exact up to 2^53 (at 48 kHz, six thousand years). Frames are any
 * value (frames.ts says which are taken); a module that breaks the ABI closes the session until reset or
 * restore. A module that does not return cannot be stopped in the thread that runs it: docs/session.md runs a
 * session in a worker. No Node import and no dependency, so it runs in a browser as it is. Exact:
 * quantisation is TensorFlow Lite's, the rest is the module's own arithmetic. push and output allocate
 * nothing.
 */
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { StreamClock, type WarmUp } from './clock.ts';
import { badAnswer, failedBefore, notExact, tooMany, trap } from './failures.ts';
import { type Signal, ticksIn } from './frames.ts';
import { checkGap, type GapPolicy, type GapResult, repeatHop, StateParts } from './gap.ts';
import { type Frames, kindOf, wrongKind } from './kinds.ts';
import { bytesOf, type OpenModule, type Stored, storedZeros } from './open.ts';
import { Quantiser, storedKind } from './quantise.ts';
import { type Result, resultOf } from './result.ts';
import { packSnapshot, unpackSnapshot } from './snapshot.ts';
import { type StreamChunk, type StreamOutput, streamOf } from './stream.ts';
import { Turn, type Turns } from './turn.ts';

/** What rn_info calls the form of the dot product that rn_reset has found; 0 is none (docs/abi.md). */
const dotForm = 12;

export class Session {
  readonly manifest: Manifest;
  /**
   * Frames between outputs; the most that one push takes. Ticks, where the model has several inputs
   * (docs/abi.md).
   */
  readonly hop: number;
  /** Frames that one output looks at. */
  readonly window: number;
  /** Values in a frame of the first input: its channels, or f * c where a frame is [f][c]. */
  readonly frameElements: number;
  /** Names of the classes, in the output's order; empty where the model has none. */
  readonly labels: readonly string[];
  /** Where the stream stands in time. Only the session sets it. */
  readonly clock: StreamClock;
  #module: OpenModule;
  #quantisers: Quantiser[];
  /** The newest frame of each input, for `hold`; zero points before the first. */
  #lastFrame: Stored[];
  /**
   * Where the newest frame of each input stands after a whole hop; made once, for a view costs more than the
   * copy.
   */
  #newest: Stored[];
  /** The array of each input in the call that runs. */
  #parts: Frames[] = [];
  /** The module trapped or broke the ABI: its state is undefined until reset or restore. */
  #failed = false;
  #turn: Turn;

  /** Use openSession: it checks the module first. */
  constructor(module: OpenModule, turns: Turns = {}) {
    this.#module = module;
    this.#turn = new Turn(module, turns);
    this.manifest = module.manifest;
    this.hop = module.manifest.hop;
    this.window = module.manifest.window;
    this.frameElements = module.manifest.inputs[0]?.elements ?? 0;
    this.clock = new StreamClock(module.manifest);
    this.labels = module.manifest.labels ?? [];
    this.#quantisers = module.manifest.inputs.map((port) => new Quantiser(port));
    this.#lastFrame = module.manifest.inputs.map((port) => storedZeros(port, port.elements));
    this.#newest = module.inputs.map((input, i) => {
      const { length } = this.#lastFrame[i] as Stored;
      const end = this.hop * this.#rate(i) * length;
      return input.subarray(end - length, end);
    });
    this.reset();
  }

  /**
   * Another stream of the same module in the same instance: weights, tables and workspace are in memory once.
   * Siblings may be called in any order; a switch copies both states. Read an output before a sibling is
   * pushed. A trap may leave the instance damaged for all: restore snapshots in a new one.
   * @throws RN700, RN710
   */
  sibling(): Session {
    return new Session(this.#module, this.#turn.turns);
  }

  /**
   * Frames taken since the stream began: since the last reset, or since the last gap with `reset`. Frames of
   * other gaps count.
   */
  get framesPushed(): number {
    return this.clock.framesPushed;
  }

  /** Outputs reported since the stream began. */
  get outputsDue(): number {
    return this.clock.outputsDue;
  }

  /** The frame of the signal that is frame 0 of the stream: 0 but after a gap with `reset`. */
  get originFrame(): number {
    return this.clock.originFrame;
  }

  /**
   * n of the latest output (its window is frames originFrame + [n * hop, n * hop + window) of the signal), or
   * -1 before the first.
   */
  get outputIndex(): number {
    return this.clock.outputIndex;
  }

  /** How long until the next output, and what the warm-up has held back. */
  get warmUp(): WarmUp {
    return this.clock.warmUp;
  }

  /** Frames of the latest output's window that were made up in gaps. */
  get gapFramesInWindow(): number {
    return this.clock.madeUpInWindow;
  }

  /**
   * The same, of the frames around the window that the output depends on too: warmUpHops hops before,
   * delayFrames after.
   */
  get gapFramesInContext(): number {
    return this.clock.madeUpInContext;
  }

  /**
   * Forgets the signal: the next frame is frame 0.
   * @throws RN700 the module's target is relaxed, and this engine is not exact; RN710
   */
  reset(): void {
    this.#turn.begin();
    this.#failed = true;
    try {
      this.#module.exports.rn_reset();
    } catch (error) {
      throw trap('rn_reset', error);
    }
    if (this.manifest.target === 'relaxed' && this.#module.exports.rn_info(dotForm) === 0) throw notExact();
    this.#failed = false;
    this.#turn.hasOutput = false;
    this.clock.begin(0);
    for (const [i, frame] of this.#lastFrame.entries()) frame.fill(this.manifest.inputs[i]?.zeroPoint ?? 0);
  }

  /**
   * Says that `frames` frames of the signal were lost (more than a hop is fine). `reset`: the stream begins
   * again with the next frame, which is frame 0 of it; originFrame says which frame of the signal that is, so
   * the output n from then on is about frames originFrame + [n * hop, n * hop + window); the warm-up starts
   * again. `hold`, `zero`: the last frame, or the real value 0.0, takes their place (before the first frame
   * both are 0.0). Outputs are numbered on. Of a long gap whole periods are left out once the state repeats;
   * what follows is the same bytes.
   * @param onOutput gets n of each output that falls due inside the gap, and whether its window holds made-up
   * frames.
   * @throws RN715 wrong arguments (nothing was done), RN716 too long for a module whose state never repeats,
   * RN710 the module failed.
   */
  gap(frames: number, policy: GapPolicy, onOutput?: (index: number, inGap: boolean) => void): GapResult {
    const { clock } = this;
    checkGap(frames, policy, clock.nextFrame);
    if (policy === 'reset') {
      const origin = clock.nextFrame + frames;
      this.reset();
      clock.begin(origin);
      return { frames, outputs: 0, leftOut: 0 };
    }
    this.#turn.begin();
    const { inputs, state } = this.#module;
    const frame = this.#lastFrame.map((last) => last.slice());
    if (policy === 'zero') for (const [i, values] of frame.entries()) values.fill(this.manifest.inputs[i]?.zeroPoint ?? 0);
    const before = clock.outputsDue;
    const result = { frames, outputs: 0, leftOut: 0 };
    const push = (count: number): boolean => {
      // the module may overwrite its input
      for (const [i, values] of frame.entries())
        for (let n = 0; n < count * this.#rate(i); n++) inputs[i]?.set(values, n * values.length);
      const due = this.#run(count);
      clock.markMadeUp(count);
      if (due) onOutput?.(clock.outputIndex, clock.madeUpInWindow > 0);
      return due;
    };
    const leaveOut = (hops: number, outputs: number): void => {
      clock.advance(hops * this.hop, outputs);
      clock.markMadeUp(hops * this.hop);
      result.leftOut = outputs;
    };
    const parts = new StateParts(state, this.manifest.runningSums);
    if (frames >= this.hop) repeatHop(Math.floor(frames / this.hop), state, parts, () => push(this.hop), leaveOut);
    if (frames % this.hop > 0) push(frames % this.hop);
    result.outputs = clock.outputsDue - before;
    return result;
  }

  /**
   * Takes 1 to hop frames of the signal; true if an output fell due (read it with output or outputRaw).
   * @param frames whole frames. Float32Array: real values, quantised here. Int8Array: stored values.
   * Uint8Array: hostType uint8 only. Int16Array: samples, inputs that are stored so only (real values of
   * sound are -1 to 1). A frame is in the model file's order where that begins with t, else [f][c]. A model
   * with several inputs takes one array per input, for the same ticks: input i has rate[i] frames a tick, and
   * the counts of this class are ticks. `{ data, channels }` and an array of numbers for each frame say how
   * many values a frame has, and another number than frameElements is refused.
   * @throws RN706 no whole frames, RN707 more than a hop, RN708 wrong type, RN709 NaN, RN718 frames of
   * another width (nothing was consumed),
   *   RN710 the module failed, RN752 it failed before.
   */
  push(frames: Signal): boolean {
    return this.#take(0, this.#oneHop(frames));
  }

  /**
   * push without quantising or reordering: stored values (int8; int16 for sound, and where the manifest says
   * type int16) in the module's own order [frames][f][c]. Same errors as push.
   */
  pushInt8(frames: Stored | readonly Stored[]): boolean {
    const count = this.#oneHop(frames);
    this.#turn.begin();
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++) {
      const port = this.manifest.inputs[i] as PortManifest;
      if (kindOf(this.#parts[i]) !== storedKind(port)) throw wrongKind(port, this.#parts[i]);
      (inputs[i] as Stored).set(this.#parts[i] as Stored);
    }
    return this.#run(count);
  }

  /** Reads the frames of one push into #parts; how many there are. @throws RN706, RN707, RN708 */
  #oneHop(frames: unknown): number {
    const count = ticksIn(this.manifest.inputs, frames, this.#parts);
    if (count <= this.hop) return count;
    throw tooMany(this.hop, `and got ${count}`, 'two outputs could fall due, and the first would be lost');
  }

  /**
   * Takes any number of frames, and calls back after each output that falls due.
   * @param onOutput gets n of the output; read it with output or outputRaw before returning.
   * @returns outputs that fell due. Errors as for push, except RN707.
   */
  pushAll(frames: Signal, onOutput: (index: number) => void): number {
    const parts: Frames[] = [];
    const count = ticksIn(this.manifest.inputs, frames, parts);
    const before = this.outputsDue;
    for (let from = 0; from < count; from += this.hop)
      if (this.pushPart(parts, from, Math.min(this.hop, count - from))) onOutput(this.outputIndex);
    return this.outputsDue - before;
  }

  /**
   * Ticks (with one input, frames) in `frames`; RN706 where there are none, a part of one, or not the same
   * number on every input.
   */
  framesIn(frames: Signal): number {
    return ticksIn(this.manifest.inputs, frames, []);
  }

  /**
   * Takes frames (ticks, where there are several inputs) [from, from + count) of `frames` (what framesIn
   * accepts) without a copy; count is 1 to hop.
   * @throws RN706, RN707, RN708, RN709 (nothing was consumed), RN710, RN752
   */
  pushPart(frames: Signal, from: number, count: number): boolean {
    const all = ticksIn(this.manifest.inputs, frames, this.#parts);
    if (Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 1 && count <= this.hop && from + count <= all)
      return this.#take(from, count);
    throw tooMany(this.hop, `and was asked for ${String(count)} from ${String(from)} on`, `there are ${all}`);
  }

  /** Quantises and runs frames [from, from + count) of #parts. */
  #take(from: number, count: number): boolean {
    this.#turn.begin();
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++) {
      const rate = this.#rate(i);
      const part = this.#parts[i] as Frames;
      this.#parts[i] = nothing; // a session that waits keeps no message alive
      (this.#quantisers[i] as Quantiser).write(part, from * rate, count * rate, inputs[i] as Stored);
    }
    return this.#run(count);
  }

  /** Frames of input `i` in a tick. */
  #rate(i: number): number {
    return this.manifest.inputs[i]?.rate ?? 1;
  }

  /** rn_push over what stands in the input buffers. */
  #run(count: number): boolean {
    if (this.#failed) throw failedBefore();
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++) {
      const last = this.#lastFrame[i] as Stored;
      if (count === this.hop) last.set(this.#newest[i] as Stored);
      else {
        const at = (count * this.#rate(i) - 1) * last.length;
        for (let e = 0; e < last.length; e++) last[e] = (inputs[i] as Stored)[at + e] as number;
      }
    }
    let result: unknown;
    this.#failed = true;
    try {
      result = this.#module.exports.rn_push(count);
    } catch (error) {
      throw trap('rn_push', error);
    }
    if (result !== 0 && result !== 1) throw badAnswer(result, count, this.framesPushed, this.hop);
    this.#failed = false;
    this.clock.advance(count, result as number);
    if (result === 1) this.#turn.answered();
    return result === 1;
  }

  /**
   * The latest value of an output as real numbers, [t][f][c]. The same array every time; copy it to keep it.
   * @throws RN711
   */
  output(which = 0): Float32Array {
    return this.#turn.real(which);
  }

  /**
   * The latest value of an output as stored, int8 or int16 [t][f][c] (for hostType uint8 add 128). A view
   * of the module's memory.
   * @throws RN711 no such output, or a sibling has overwritten it
   */
  outputRaw(which = 0): Stored {
    return this.#turn.raw(which);
  }

  /**
   * What a classifier says now: the label with the highest score of the latest output; undefined before the
   * first output, and from a restore to the next one.
   * @param which default: the output that the manifest's detector reads, else 0. @throws RN711, RN719 the
   * output has no labels
   */
  result(which = this.manifest.detector?.output ?? 0): Result | undefined {
    if (this.#turn.overwritten) return undefined;
    const result = resultOf(this.manifest, which, this.output(which));
    return this.#turn.hasOutput ? result : undefined;
  }

  /**
   * Runs a signal that comes in pieces of any length, also ones that break a frame, and yields the outputs as
   * they fall due. Errors as for pushAll; RN706 also where the signal ends inside a frame.
   */
  stream(chunks: AsyncIterable<StreamChunk> | Iterable<StreamChunk>): AsyncGenerator<StreamOutput, void, undefined> {
    return streamOf(this, chunks);
  }

  /**
   * Everything that restore needs to go on from here, in this or another session of the same bundle. @throws
   * RN752
   */
  snapshot(): Uint8Array {
    if (this.#failed) throw failedBefore();
    this.#turn.begin();
    const lastFrame = new Uint8Array(this.#lastFrame.flatMap((frame) => [...bytesOf(frame)]));
    return packSnapshot({
      stateDigest: this.manifest.stateDigest,
      ...this.clock.state,
      state: this.#module.state,
      lastFrame,
    });
  }

  /**
   * Goes on from a snapshot. The outputs hold no value until the next one falls due.
   * @throws RN712 where the snapshot is damaged or was made with other weights, scales or layout.
   */
  restore(bytes: Uint8Array): void {
    const frameBytes = this.#lastFrame.reduce((sum, frame) => sum + frame.byteLength, 0);
    const snapshot = unpackSnapshot(bytes, this.manifest.stateDigest, this.#module.state.length, frameBytes);
    this.#turn.begin();
    this.#module.state.set(snapshot.state);
    this.#failed = false;
    this.#turn.hasOutput = false;
    this.clock.restore(snapshot);
    let at = 0;
    for (const frame of this.#lastFrame) {
      bytesOf(frame).set(snapshot.lastFrame.subarray(at, at + frame.byteLength));
      at += frame.byteLength;
    }
  }
}

const nothing = new Int8Array(0);
