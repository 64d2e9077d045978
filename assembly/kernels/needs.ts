/**
 * Needs: features of kernels that the layers of a module use. A build replaces this file with its own
 * (emit/needs.ts), so that unused features are not compiled. This one has everything.
 */

/** Taps that are not adjacent in the input, or that are padding. */
export const PATCHES: bool = true;
/** More than one feature row. */
export const FEATURES: bool = true;
/** Taps that are not adjacent in time. */
export const DILATIONS: bool = true;
/** Convolutions of several groups. */
export const GROUPS: bool = true;
/** Convolutions with a fused max pool (simd). */
export const POOLED: bool = true;
/** Layers whose outputs are requantised in integers (simd). */
export const EXACT: bool = true;
/** Layers with outputs below the zero point, requantised in float32 (simd). */
export const SIGNED: bool = true;
/** Outputs with a range smaller than that of int8 (simd). */
export const CLAMPS: bool = true;
/**
 * Convolutions compute four positions at a time, two, one (simd, emit/targets/simd-loops.ts). Without single
 * ones, a pair computes the same position twice.
 */
export const FOURS: bool = true;
export const PAIRS: bool = true;
export const ONES: bool = true;
/** Depthwise convolutions compute four rows at a time, one row (simd). */
export const ROW_FOURS: bool = true;
export const ROW_ONES: bool = true;
/** Depthwise convolutions whose channels are not a multiple of 8 (simd). */
export const ROW_PARTS: bool = true;
/** One or two outputs in addition to full tiles. */
export const LEFT_OVER: bool = true;
/** Two tiles at a time (interp). */
export const WIDE: bool = true;
/** Sums with an operand that is subtracted. */
export const MINUS: bool = true;
/** Weights are fetched one tile at a time (fetch.ts). Off by default, because it has an import. */
export const FETCH: bool = false;
/** Positions that read past an edge. */
export const EDGES: bool = true;
/** Layers whose sums are rounded once (fixed-point.ts). */
export const ONCE: bool = true;
/**
 * Constants have a separate memory, so that no distance leads there from writable memory (C without a
 * runtime).
 */
export const APART: bool = false;
/** The dot product of relaxed SIMD (mac-relaxed.ts). Off by default, because it is another target. */
export const RELAXED: bool = false;
/** Weights of -128 with that dot product. */
export const LOWEST_WEIGHT: bool = true;
