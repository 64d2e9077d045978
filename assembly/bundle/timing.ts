/**
 * What the timing constants of a model imply: the frames before its first output, and the frames that it
 * keeps behind a gate.
 *
 * In: hop, window, delay, warm-up and micro-hop of a manifest or a plan.  Out: frames and bytes; with several
 * inputs, frames are ticks.  Exact.  Source: docs/abi.md, "Time"; host/session/gated-stream.ts.
 */
import { type Manifest, type PortManifest, storedBytes } from './manifest.ts';

/** The timing constants of a manifest. */
export interface Timing {
  hop: number;
  window: number;
  delayFrames: number;
  warmUpHops: number;
}

/** Returns the number of frames that must be taken before the first output is reported. */
export const framesNeeded = ({ hop, window, delayFrames, warmUpHops }: Timing): number => window + delayFrames + warmUpHops * hop;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/**
 * Frames between two places where a reset module computes the same rows: the hop, or in mode misaligned the
 * least common multiple of hop and micro-hop.
 */
export const restartFrames = ({ hop, microHop }: { hop: number; microHop: number }): number =>
  (hop / divisor(hop, microHop)) * microHop;

/**
 * Returns the number of frames that a gated stream keeps: the context and window of the earliest output that
 * it computes at a wake-up.
 * @param preRoll number of outputs before a wanted one that are computed too after a sleep
 */
export const keptFramesOf = (timing: Timing & { microHop: number }, preRoll: number): number =>
  framesNeeded(timing) + preRoll * timing.hop + restartFrames(timing) - timing.hop;

/** Returns the bytes of one frame of an input as stored values; of one tick if there are several inputs. */
export const frameBytes = (port: PortManifest): number => (port.rate ?? 1) * port.elements * storedBytes(port);

/** What a model keeps behind a gate, for the outputs that its detector needs. */
export interface Kept {
  preRoll: number;
  frames: number;
  /** Bytes of these frames as stored values, of all inputs. */
  bytes: number;
}

/** Returns what a model keeps behind a gate; undefined if it carries a state, and so cannot sleep. */
export function keptOf(manifest: Manifest): Kept | undefined {
  if (manifest.carriesState) return undefined;
  const preRoll = (manifest.detector?.slidingWindow ?? 1) - 1;
  const frames = keptFramesOf(manifest, preRoll);
  return { preRoll, frames, bytes: manifest.inputs.reduce((sum, port) => sum + frames * frameBytes(port), 0) };
}
