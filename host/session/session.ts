/**
 * Session: runs one stream of a module.
 *
 * In: frames of a signal, as real numbers or int8, in pieces of any size.  Out: the model's outputs, each as
 * soon as it is due.
 * Time (docs/abi.md): window n covers frames [n * hop, n * hop + window). Its output is due once the session
 * has taken frame n * hop + window - 1 + delayFrames. In mode `stream` the first warmUpHops outputs are not
 * reported. Counts of frames and outputs are exact up to 2^53 (at 48 kHz, six thousand years).
 * Errors: frames.ts checks every pushed value. After a trap or an answer that breaks the ABI, the session
 * refuses frames until reset or restore. No thread can stop a module that it runs itself: docs/session.md
 * shows how to run a session in a worker.
 * It has no Node import and no dependency, so it also runs in browsers. Exact: quantisation follows
 * TensorFlow Lite, and the module computes everything else. push and output allocate nothing.
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

/** Index for rn_info: form of the dot product that rn_reset detected. Value 0: not exact (docs/abi.md). */
const dotForm = 12;

export class Session {
  readonly manifest: Manifest;
  /**
   * Frames between two outputs, and the largest number of frames in one push. Counted in ticks if the model
   * has several inputs (docs/abi.md).
   */
  readonly hop: number;
  /** Frames in the window of one output. */
  readonly window: number;
  /** Number of values in a frame of the first input: its channels, or f * c if a frame is [f][c]. */
  readonly frameElements: number;
  /** Names of the classes, in the output's order; empty if the model has none. */
  readonly labels: readonly string[];
  /** Counts of frames and outputs. Only the session and GatedStream change it. */
  readonly clock: StreamClock;
  #module: OpenModule;
  #quantisers: Quantiser[];
  /** The newest frame of each input, for the gap policy `hold`; zero points before the first frame. */
  #lastFrame: Stored[];
  /**
   * View of the last frame of each input buffer, which is the newest frame after a push of a whole hop.
   * Created once, because a new view costs more than the copy.
   */
  #newest: Stored[];
  /** The caller's array for each input, during a push. */
  #parts: Frames[] = [];
  /** True if the module trapped or broke the ABI. Its state is then undefined until reset or restore. */
  #failed = false;
  #turn: Turn;

  /** Creates a session of a checked module. Callers use openSession, which checks the module first. */
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
   * Creates another stream of the same module in the same instance, so that weights, tables and workspace are
   * in memory only once. Siblings may be called in any order; a switch between two copies both states. Read
   * an output before you push to a sibling. A trap may damage the instance for all siblings: open the bundle
   * again and restore their snapshots.
   * @throws RN700, RN710
   */
  sibling(): Session {
    return new Session(this.#module, this.#turn.turns);
  }

  /**
   * Frames taken since the stream began, that is, since the last reset or the last gap with policy `reset`.
   * Frames of other gaps are included.
   */
  get framesPushed(): number {
    return this.clock.framesPushed;
  }

  /** Outputs reported since the stream began. */
  get outputsDue(): number {
    return this.clock.outputsDue;
  }

  /** Number of the signal's frame that is frame 0 of the stream. It is 0 until a gap with policy `reset`. */
  get originFrame(): number {
    return this.clock.originFrame;
  }

  /**
   * Index n of the latest output, or -1 before the first. Its window is frames originFrame + [n * hop, n *
   * hop + window) of the signal.
   */
  get outputIndex(): number {
    return this.clock.outputIndex;
  }

  /** Number of frames until the next output, and of outputs that the warm-up has suppressed. */
  get warmUp(): WarmUp {
    return this.clock.warmUp;
  }

  /** Number of made-up frames (frames filled in for a gap) in the latest output's window. */
  get gapFramesInWindow(): number {
    return this.clock.madeUpInWindow;
  }

  /**
   * Number of made-up frames in the context of the latest output: the warmUpHops hops before its window and
   * the delayFrames frames after it. The output depends on these frames as well.
   */
  get gapFramesInContext(): number {
    return this.clock.madeUpInContext;
  }

  /**
   * Clears the stream's state; the next frame is frame 0.
   * @throws RN700 if the module's target is relaxed and this engine is not exact; RN710
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
   * Handles a gap: `frames` frames of the signal were lost (there may be more than a hop of them).
   *
   * With policy `reset` the stream starts again. The next frame is its frame 0, originFrame is the number of
   * that frame in the signal, and the warm-up is repeated. With `hold` every lost frame is replaced by the
   * last frame, with `zero` by the real value 0.0; before the first frame both give 0.0. The numbering of
   * outputs continues. In a long gap whole periods are skipped once the state repeats; the later outputs are
   * the same bytes as without skipping.
   * @param onOutput receives the index of each output that is due inside the gap, and whether its window
   * contains made-up frames.
   * @throws RN715 if an argument is wrong (nothing was done), RN716 if the gap is too long for a module whose
   * state does not repeat, RN710 if the module failed.
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
   * Takes 1 to hop frames of the signal.
   * @param frames whole frames. A Float32Array holds real values (of sound: -1 to 1), which are quantised
   * here. An Int8Array holds stored values. A Uint8Array is only for inputs of hostType uint8, and an
   * Int16Array only for inputs that are stored as int16. The values of a frame are in the model file's order
   * if that order begins with t, else in [f][c]. `{ data, channels }` and one array of numbers per frame also
   * state the number of values in a frame, which must be frameElements. A model with several inputs takes one
   * array per input, all for the same number of ticks: input i has rate[i] frames per tick, and this class
   * counts in ticks.
   * @returns true if an output is due; read it with output or outputRaw.
   * @throws RN706 no whole frames, RN707 more than a hop, RN708 wrong type, RN709 NaN, RN718 wrong number of
   * values in a frame (nothing was consumed), RN710 the module failed, RN752 it failed before.
   */
  push(frames: Signal): boolean {
    return this.#take(0, this.#oneHop(frames));
  }

  /**
   * Takes frames as push does, but neither quantises nor reorders them. They are stored values in the
   * module's order [frames][f][c]: int8, or int16 for sound and for ports of type int16. Same errors as push.
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

  /** Reads the frames of one push into #parts and returns their number. @throws RN706, RN707, RN708 */
  #oneHop(frames: unknown): number {
    const count = ticksIn(this.manifest.inputs, frames, this.#parts);
    if (count <= this.hop) return count;
    throw tooMany(this.hop, `and got ${count}`, 'two outputs could be due, and the first would be lost');
  }

  /**
   * Takes any number of frames and calls `onOutput` as soon as an output is due.
   * @param onOutput receives the output's index. Read the output in this call, with output or outputRaw.
   * @returns the number of outputs. Same errors as push, except RN707.
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
   * Returns the number of ticks in `frames`; with one input a tick is a frame.
   * @throws RN706 if there are none, if the last one is incomplete, or if the inputs have different numbers.
   */
  framesIn(frames: Signal): number {
    return ticksIn(this.manifest.inputs, frames, []);
  }

  /**
   * Takes a part of `frames` without copying it. With several inputs, positions and counts are in ticks.
   * @param from number of the first frame to take. @param count frames to take, 1 to hop.
   * @throws RN706, RN707, RN708, RN709 (nothing was consumed), RN710, RN752
   */
  pushPart(frames: Signal, from: number, count: number): boolean {
    const all = ticksIn(this.manifest.inputs, frames, this.#parts);
    if (Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 1 && count <= this.hop && from + count <= all)
      return this.#take(from, count);
    throw tooMany(this.hop, `and got a request for ${String(count)} from frame ${String(from)} on`, `there are ${all}`);
  }

  /** Quantises and runs frames [from, from + count) of #parts. */
  #take(from: number, count: number): boolean {
    this.#turn.begin();
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++) {
      const rate = this.#rate(i);
      const part = this.#parts[i] as Frames;
      this.#parts[i] = noFrames; // an idle session must not keep the caller's buffer alive
      (this.#quantisers[i] as Quantiser).write(part, from * rate, count * rate, inputs[i] as Stored);
    }
    return this.#run(count);
  }

  /** Returns the frames of input `i` in a tick. */
  #rate(i: number): number {
    return this.manifest.inputs[i]?.rate ?? 1;
  }

  /** Calls rn_push for the frames in the input buffers. Returns true if an output is due. */
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
   * Returns the latest value of an output as real numbers, [t][f][c]. Every call returns the same array: copy
   * it to keep it.
   * @throws RN711
   */
  output(which = 0): Float32Array {
    return this.#turn.real(which);
  }

  /**
   * Returns a view of the latest stored value of an output, int8 or int16 [t][f][c], in the module's memory.
   * For hostType uint8 add 128.
   * @throws RN711 if there is no such output, or if a sibling has overwritten it
   */
  outputRaw(which = 0): Stored {
    return this.#turn.raw(which);
  }

  /**
   * Returns the label with the highest score in the latest output of a classifier. Returns undefined before
   * the first output, and after a restore until the next output.
   * @param which index of the output; by default the one that the manifest's detector reads, else 0.
   * @throws RN711, RN719 if the output has no labels
   */
  result(which = this.manifest.detector?.output ?? 0): Result | undefined {
    if (this.#turn.overwritten) return undefined;
    const result = resultOf(this.manifest, which, this.output(which));
    return this.#turn.hasOutput ? result : undefined;
  }

  /**
   * Runs a signal that arrives in pieces of any length and yields each output as soon as it is due. A piece
   * may end inside a frame.
   * @throws RN706 also if the signal ends inside a frame; else as pushAll.
   */
  stream(chunks: AsyncIterable<StreamChunk> | Iterable<StreamChunk>): AsyncGenerator<StreamOutput, void, undefined> {
    return streamOf(this, chunks);
  }

  /**
   * Returns the state of this stream as bytes, for restore in this or another session of the same bundle.
   * @throws RN752
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
   * Continues from a snapshot. The outputs have no value until the next one is due.
   * @throws RN712 if the snapshot is damaged or was made with other weights, scales or layout.
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

const noFrames = new Int8Array(0);
