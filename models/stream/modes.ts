/**
 * The streaming modes, and how each one streams its layers.
 *
 * This file is the only place of the planner, the quantiser and the emitter that tells modes approx and
 * misaligned apart from the others. Source: StreamiNNC sections 1.2 (approx), 1.4 and 1.6.
 */

/**
 * windowed, edge-exact: equal to the model as it was trained. stream: the model on windows with real signal
 * in place of padding. approx: every hop alone, with zero points at its ends. misaligned: stream at a hop
 * that is no multiple of the total stride; each window begins at the multiple before it.
 */
export const modes = ['windowed', 'edge-exact', 'stream', 'approx', 'misaligned'] as const;
export type Mode = (typeof modes)[number];

interface Streaming {
  /** True: layers keep history or sub-embeddings; a model that pads time differs from its windows. */
  hasTrunk: boolean;
  /** True: each hop is computed alone, with the model's padding at its ends. False: history stands there. */
  padsHops: boolean;
  /** True: micro-hops and outputs have separate clocks, so an output may fall due between two micro-hops. */
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

/** How a mode streams. */
export const streamingOf = (mode: Mode): Streaming => streaming[mode];

/** Checks whether a mode keeps history or sub-embeddings. */
export const hasTrunk = (mode: Mode): boolean => streaming[mode].hasTrunk;

/**
 * Ticks between two places where a window of the trunk may begin: the hop, or the total stride where outputs
 * have a clock of their own.
 */
export const windowGrid = (mode: Mode, hop: number, alignment: number): number => (streaming[mode].outputClock ? alignment : hop);
