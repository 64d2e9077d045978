/**
 * Session: one running module.
 *
 * In: frames of a signal, as real numbers or int8, in pieces of any size.  Out: the model's outputs, as they fall due.
 * Time (docs/abi.md): window n is frames [n * hop, n * hop + window); its output is due once frame
 * n * hop + window - 1 + delayFrames is in. In mode `stream` the first warmUpHops outputs are not reported.
 * No Node import and no dependency, so it runs in a browser as it is. Exact: quantisation is TensorFlow Lite's, the rest is
 * the module's own arithmetic. push and output allocate nothing.
 */
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type OpenModule, openModule } from './open.ts';
import { dequantiseValue, type Frames, Quantiser } from './quantise.ts';
import { packSnapshot, unpackSnapshot } from './snapshot.ts';
import { type StreamChunk, type StreamOutput, streamOf } from './stream.ts';

export interface SessionOptions {
  /** For modules whose custom section was stripped; it is checked against the module's constants all the same. */
  manifest?: Manifest;
}

export class Session {
  readonly manifest: Manifest;
  /** Frames between outputs; the most that one push takes. Ticks, where the model has several inputs (docs/abi.md). */
  readonly hop: number;
  /** Frames that one output looks at. */
  readonly window: number;
  #module: OpenModule;
  #quantisers: Quantiser[];
  #outputs: Float32Array[];
  #scales: number[];
  #framesPushed = 0;
  #outputsDue = 0;

  /** Use openSession: it checks the module first. */
  constructor(module: OpenModule) {
    this.#module = module;
    this.manifest = module.manifest;
    this.hop = module.manifest.hop;
    this.window = module.manifest.window;
    this.#quantisers = module.manifest.inputs.map((port) => new Quantiser(port));
    this.#outputs = module.manifest.outputs.map((port) => new Float32Array(port.elements));
    this.#scales = module.manifest.outputs.map((port) => Math.fround(port.scale));
    this.reset();
  }

  /** Frames taken since the last reset. */
  get framesPushed(): number {
    return this.#framesPushed;
  }

  /** Outputs reported since the last reset. */
  get outputsDue(): number {
    return this.#outputsDue;
  }

  /** n of the latest output (its window is frames [n * hop, n * hop + window)), or -1 before the first. */
  get outputIndex(): number {
    return this.#outputsDue === 0 ? -1 : this.manifest.warmUpHops + this.#outputsDue - 1;
  }

  /** Forgets the signal: the next frame is frame 0. */
  reset(): void {
    try {
      this.#module.exports.rn_reset();
    } catch (error) {
      throw trap('rn_reset', error);
    }
    this.#framesPushed = 0;
    this.#outputsDue = 0;
  }

  /**
   * Takes 1 to hop frames of the signal; true if an output fell due (read it with output or outputRaw).
   * @param frames whole frames. Float32Array: real values, quantised here. Int8Array: stored values. Uint8Array: hostType
   *   uint8 only. A frame is in the model file's order where that begins with t, else [f][c]. A model with several inputs
   *   takes one array per input, for the same ticks: input i has rate[i] frames a tick, and the counts of this class are ticks.
   * @throws RN706 no whole frames, RN707 more than a hop, RN708 wrong type, RN709 NaN (nothing was consumed), RN710 the module failed.
   */
  push(frames: Frames | readonly Frames[]): boolean {
    const count = this.framesIn(frames);
    if (count > this.hop) throw tooMany(this.hop, count);
    return this.pushPart(frames, 0, count);
  }

  /**
   * push without quantising or reordering: stored int8 values in the module's own order [frames][f][c].
   * Same errors as push.
   */
  pushInt8(frames: Int8Array | readonly Int8Array[]): boolean {
    const count = this.framesIn(frames);
    if (count > this.hop) throw tooMany(this.hop, count);
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++)
      (inputs[i] as Int8Array).set((Array.isArray(frames) ? frames[i] : frames) as Int8Array);
    return this.#run(count);
  }

  /**
   * Takes any number of frames, and calls back after each output that falls due.
   * @param onOutput gets n of the output; read it with output or outputRaw before returning.
   * @returns outputs that fell due. Errors as for push, except RN707.
   */
  pushAll(frames: Frames | readonly Frames[], onOutput: (index: number) => void): number {
    const count = this.framesIn(frames);
    const before = this.#outputsDue;
    for (let from = 0; from < count; from += this.hop)
      if (this.pushPart(frames, from, Math.min(this.hop, count - from))) onOutput(this.outputIndex);
    return this.#outputsDue - before;
  }

  /** Ticks (with one input, frames) in `frames`; RN706 where there are none, a part of one, or not the same number on every input. */
  framesIn(frames: Frames | readonly Frames[]): number {
    const { inputs } = this.manifest;
    const several = Array.isArray(frames);
    let count = -1;
    for (let i = 0; i < inputs.length; i++) {
      const port = inputs[i] as (typeof inputs)[number];
      const part = (several ? frames[i] : i === 0 ? frames : undefined) as Frames | undefined;
      const found = part === undefined ? 0 : part.length / (port.elements * (port.rate ?? 1));
      if (
        found < 1 ||
        !Number.isInteger(found) ||
        (count >= 0 && found !== count) ||
        (several && frames.length !== inputs.length)
      )
        throw notWhole(inputs, several ? frames : [frames as Frames], i, count);
      count = found;
    }
    return count;
  }

  /**
   * Takes frames (ticks, where there are several inputs) [from, from + count) of `frames` (what framesIn accepts) without a copy; count is 1 to hop.
   * @throws RN708, RN709 (nothing was consumed), RN710
   */
  pushPart(frames: Frames | readonly Frames[], from: number, count: number): boolean {
    const { inputs } = this.#module;
    for (let i = 0; i < inputs.length; i++) {
      const part = (Array.isArray(frames) ? frames[i] : frames) as Frames;
      const { rate = 1 } = this.manifest.inputs[i] as PortManifest;
      (this.#quantisers[i] as Quantiser).write(part, from * rate, count * rate, inputs[i] as Int8Array);
    }
    return this.#run(count);
  }

  /** rn_push over what stands in the input buffers. */
  #run(count: number): boolean {
    let result: number;
    try {
      result = this.#module.exports.rn_push(count);
    } catch (error) {
      throw trap('rn_push', error);
    }
    if (result < 0)
      throw new RunletError('RN710', {
        what: `rn_push returned ${result}`,
        where: `rn_push(${count}) at frame ${this.#framesPushed}`,
        why: result === -1 ? 'rn_reset has not been called' : result === -2 ? `frames is not 1 to ${this.hop}` : 'unknown error',
        tryThis: 'push 1 to hop frames; see docs/abi.md',
      });
    this.#framesPushed += count;
    if (result === 0) return false;
    this.#outputsDue++;
    return true;
  }

  /**
   * The latest value of an output as real numbers, [t][f][c]. The same array every time; copy it to keep it.
   * @throws RN711
   */
  output(which = 0): Float32Array {
    const raw = this.outputRaw(which);
    const out = this.#outputs[which] as Float32Array;
    const scale = this.#scales[which] as number;
    const zeroPoint = this.manifest.outputs[which]?.zeroPoint ?? 0;
    for (let i = 0; i < out.length; i++) out[i] = dequantiseValue(raw[i] as number, scale, zeroPoint);
    return out;
  }

  /**
   * The latest value of an output as stored, int8 [t][f][c] (for hostType uint8 add 128). A view of the module's memory.
   * @throws RN711
   */
  outputRaw(which = 0): Int8Array {
    const raw = this.#module.outputs[which];
    if (raw) return raw;
    throw new RunletError('RN711', {
      what: `there is no output ${which}`,
      where: 'output',
      why: `the model has ${this.manifest.outputs.length}, counted from 0`,
    });
  }

  /**
   * Runs a signal that comes in pieces of any length, also ones that break a frame, and yields the outputs as they fall due.
   * Errors as for pushAll; RN706 also where the signal ends inside a frame.
   */
  stream(chunks: AsyncIterable<StreamChunk> | Iterable<StreamChunk>): AsyncGenerator<StreamOutput, void, undefined> {
    return streamOf(this, chunks);
  }

  /** Everything that restore needs to go on from here, in this or another session of the same bundle. */
  snapshot(): Uint8Array {
    const { stateDigest } = this.manifest;
    return packSnapshot({
      stateDigest,
      framesPushed: this.#framesPushed,
      outputsDue: this.#outputsDue,
      state: this.#module.state,
    });
  }

  /**
   * Goes on from a snapshot. The outputs hold no value until the next one falls due.
   * @throws RN712 where the snapshot is damaged or was made with other weights, scales or layout.
   */
  restore(bytes: Uint8Array): void {
    const snapshot = unpackSnapshot(bytes, this.manifest.stateDigest, this.#module.state.length);
    this.#module.state.set(snapshot.state);
    this.#framesPushed = snapshot.framesPushed;
    this.#outputsDue = snapshot.outputsDue;
  }
}

/** RN706 for input `i`; `ticks` are those of the inputs before it, -1 if there is none. */
function notWhole(inputs: readonly PortManifest[], frames: readonly Frames[], i: number, ticks: number): RunletError {
  const { name, elements, rate = 1 } = inputs[i] as PortManifest;
  const given = frames[i]?.length ?? 0;
  const found = Number.isInteger(given / elements)
    ? `${given / elements} frames`
    : `${given} elements, and a frame has ${elements}`;
  const one = inputs.length === 1;
  const wanted = inputs.map((p, k) => `${p.name} ${p.rate ?? 1}${k === 0 ? ' frames a tick' : ''}`).join(', ');
  let why = one ? `${given} elements, and a frame has ${elements}` : `${found}, and a tick has ${rate} of them`;
  if (!one && ticks >= 0 && Number.isInteger(given / elements))
    why = `${found}, where input ${inputs[0]?.name} has ${ticks} ticks, so that ${ticks * rate} are wanted`;
  if (frames.length !== inputs.length) why = `the model has ${inputs.length} inputs, and wants an array for each`;
  return new RunletError('RN706', {
    what: 'these are not whole frames',
    where: `input ${name}`,
    why,
    tryThis: one ? 'pass a multiple of the elements of a frame' : `pass one array per input, for the same ticks: ${wanted}`,
  });
}

const tooMany = (hop: number, count: number): RunletError =>
  new RunletError('RN707', {
    what: `push takes at most one hop of ${hop} frames, and got ${count}`,
    where: 'push',
    why: 'two outputs could fall due, and the first would be lost',
    tryThis: 'use pushAll or stream, or split the frames',
  });

const trap = (name: string, error: unknown): RunletError =>
  new RunletError('RN710', {
    what: `${name} trapped`,
    where: name,
    why: error instanceof Error ? error.message : String(error),
    tryThis: 'reset or restore the session; if it happens again, build the bundle again',
  });

/**
 * Opens a bundle: compiles, instantiates without imports, checks ABI, exports, memory and manifest, and resets.
 * @param wasm the bundle's bytes, or an already compiled module.
 * @throws RN600-RN606, RN700-RN705, RN710 (docs/errors.md).
 */
export async function openSession(wasm: BufferSource | WebAssembly.Module, options: SessionOptions = {}): Promise<Session> {
  return new Session(await openModule(wasm, options.manifest));
}
