/**
 * What a module's layers ask of their kernels. A build puts its own file in place of this one
 * (emit/needs.ts), so that what no layer needs is not compiled; here is everything.
 */

/** Taps that do not lie side by side in the input, or that are padding. */
export const PATCHES: bool = true;
/** More than one feature row. */
export const FEATURES: bool = true;
/** Taps that are not next to each other in time. */
export const DILATIONS: bool = true;
/** Convolutions of several groups. */
export const GROUPS: bool = true;
/** Convolutions that keep the largest of several places (simd). */
export const POOLED: bool = true;
/** Layers whose outputs are requantised in integers (simd). */
export const EXACT: bool = true;
/** Layers with outputs below the zero point, requantised in float32 (simd). */
export const SIGNED: bool = true;
/** Outputs that end before int8 does (simd). */
export const CLAMPS: bool = true;
/**
 * Convolutions take four places at a time, two, one (simd, emit/ops/simd-tiles.ts); where singles are not
 * there, a pair is.
 */
export const FOURS: bool = true;
export const PAIRS: bool = true;
export const ONES: bool = true;
/** Depthwise convolutions take four rows at a time, single ones (simd). */
export const ROW_FOURS: bool = true;
export const ROW_ONES: bool = true;
/** Depthwise convolutions whose channels are no whole eights (simd). */
export const ROW_PARTS: bool = true;
/** One or two outputs beside whole tiles. */
export const LEFT_OVER: bool = true;
/** Two tiles at a time (interp). */
export const WIDE: bool = true;
/** Sums of which an operand is subtracted. */
export const MINUS: bool = true;
/** Weights come from outside, a tile at a time (fetch.ts). Not part of everything: it has an import. */
export const FETCH: bool = false;
/** Places that read past an edge. */
export const EDGES: bool = true;
/** Layers whose sums are rounded once (fixed-point.ts). */
export const ONCE: bool = true;
/**
 * What is constant has a memory of its own, so that no distance leads there from what changes (C without a
 * runtime).
 */
export const APART: bool = false;
/** The dot product of relaxed SIMD (mac-relaxed.ts). Not part of everything: it is another target. */
export const RELAXED: bool = false;
/** Weights of -128 beside it. */
export const LOWEST_WEIGHT: bool = true;
