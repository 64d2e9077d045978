/**
 * Stream: runs a signal that arrives in pieces of any length through a session.
 *
 * In: an iterable or async iterable of pieces; with one input a piece may end inside a frame.  Out: the
 * outputs, in order.  Errors: RN706 to RN710, RN718, RN752.
 * Exactness: the outputs are the same bytes for any division of the signal (docs/abi.md).
 * Cost: a copy of each divided frame and of each output.
 */
import type { Manifest, PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Signal, ticksIn } from './frames.ts';
import { type Frames, isFrames, kindOf, wrongKind } from './kinds.ts';

/** A piece of the signal. It holds whole frames, but a typed array may end inside a frame. */
export type StreamChunk = Signal;

export interface StreamOutput {
  /** Number n of the output's window. In mode `stream` the first reported output has n = warmUpHops. */
  index: number;
  /** The output's window is frames [startFrame, endFrame) of the signal, gaps included. */
  startFrame: number;
  endFrame: number;
  /** Number of made-up frames (filled in for a gap) in the window. */
  gapFrames: number;
  /** Copy of output 0 as real values, [t][f][c]. */
  output: Float32Array;
  /** Copies of all outputs; outputs[0] is the same array as `output`. */
  outputs: Float32Array[];
}

/** The part of Session that this file uses. */
interface Driven {
  manifest: Manifest;
  hop: number;
  window: number;
  originFrame: number;
  outputIndex: number;
  framesPushed: number;
  gapFramesInWindow: number;
  output(which: number): Float32Array;
  pushPart(parts: Frames[], from: number, count: number): boolean;
}

const kinds = { Float32Array, Int8Array, Int16Array, Uint8Array };

/** Returns a copy of `first` followed by second[0, end), of second's type (a Buffer is a Uint8Array). */
function join(first: Frames | undefined, second: Frames, end: number): Frames {
  const start = first?.length ?? 0;
  const all = new kinds[kindOf(second) as keyof typeof kinds](start + end);
  if (first) all.set(first);
  all.set(second.subarray(0, end), start);
  return all;
}

/** Returns copies of a session's latest outputs. */
function latest(session: Driven): StreamOutput {
  const index = session.outputIndex;
  const outputs = session.manifest.outputs.map((_, which) => session.output(which).slice());
  const startFrame = session.originFrame + index * session.hop;
  const endFrame = startFrame + session.window;
  return { index, startFrame, endFrame, gapFrames: session.gapFramesInWindow, output: outputs[0] as Float32Array, outputs };
}

/** See Session.stream. */
export async function* streamOf(
  session: Driven,
  chunks: AsyncIterable<StreamChunk> | Iterable<StreamChunk>,
): AsyncGenerator<StreamOutput, void, undefined> {
  const port = session.manifest.inputs[0] as PortManifest;
  const { elements } = port;
  let carry: Frames | undefined;
  for await (const given of chunks) {
    let chunk = given;
    if (isFrames(chunk)) {
      let one: Frames = chunk;
      // the type of array must not change inside a frame
      if (carry && kindOf(carry) !== kindOf(one)) throw wrongKind(port, one);
      if (carry) one = join(carry, one, one.length);
      const whole = one.length - (one.length % elements);
      carry = whole < one.length ? join(undefined, one.subarray(whole), one.length - whole) : undefined;
      if (whole === 0) continue;
      chunk = whole < one.length ? one.subarray(0, whole) : one;
    }
    const parts: Frames[] = [];
    const count = ticksIn(session.manifest.inputs, chunk, parts);
    for (let from = 0; from < count; from += session.hop)
      if (session.pushPart(parts, from, Math.min(session.hop, count - from))) yield latest(session);
  }
  if (carry)
    throw new RunletError('RN706', {
      what: 'the signal ends inside a frame',
      where: `frame ${session.framesPushed}`,
      why: `${carry.length} elements are left over, and a frame has ${elements}`,
    });
}
