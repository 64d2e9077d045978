/**
 * The streaming modes, and how each one streams its layers.
 *
 * The planner, the quantiser and the emitter recognise modes approx and misaligned only through this file.
 * Source: StreamiNNC sections 1.2 (approx), 1.4 and 1.6.
 */

/**
 * windowed, edge-exact: outputs equal the model's. stream: real earlier signal takes the place of padding.
 * approx: each hop is computed alone, padded at both ends. misaligned: stream at a hop that is not a multiple
 * of the total stride; a window between two multiples starts early, at the first of them.
 */
export const modes = ['windowed', 'edge-exact', 'stream', 'approx', 'misaligned'] as const;
export type Mode = (typeof modes)[number];

interface Streaming {
  /** True: layers keep history or sub-embeddings, so a model that pads time gives other outputs. */
  hasTrunk: boolean;
  /** True: each hop is computed alone, with the model's padding at its ends. False: history replaces it. */
  padsHops: boolean;
  /** True: micro-hops and outputs have separate clocks, so an output may be due between two micro-hops. */
  outputClock: boolean;
}

const none: Streaming = { hasTrunk: false, padsHops: false, outputClock: false };
const streaming: Record<Mode, Streaming> = {
  windowed: none,
  'edge-exact': none,
  stream: { ...none, hasTrunk: true },
  approx: { ...none, hasTrunk: true, padsHops: true },
  misaligned: { ...none, hasTrunk: true, outputClock: true },
};

/** Returns how a mode streams. */
export const streamingOf = (mode: Mode): Streaming => streaming[mode];

/** Checks whether a mode keeps history or sub-embeddings. */
export const hasTrunk = (mode: Mode): boolean => streaming[mode].hasTrunk;

/**
 * Ticks between two possible starts of a trunk window: the hop, or the total stride if outputs have a
 * separate clock.
 */
export const windowGrid = (mode: Mode, hop: number, alignment: number): number => (streaming[mode].outputClock ? alignment : hop);
