/**
 * Targets: the class of engine that a module's kernels are for. Every target computes the same bytes.
 *
 * relaxed  the int8 dot product of relaxed SIMD: browsers and Node. The module refuses CPUs without it
 * simd     SIMD128: browsers and Node
 * interp   three outputs in one 64-bit multiplication: interpreters (WAMR, wasm3) and engines without SIMD
 * native   blocks of four outputs: WebAssembly compiled ahead of time, on 32-bit cores
 */
/** Targets for browsers and Node only: SIMD128. */
export const vectorTargets = ['relaxed', 'simd'] as const;
/** Targets for any engine. */
export const scalarTargets = ['interp', 'native'] as const;
/** All targets. Browsers should take the first one that they can run. */
export const targets = [...vectorTargets, ...scalarTargets] as const;

export type VectorTarget = (typeof vectorTargets)[number];
export type ScalarTarget = (typeof scalarTargets)[number];
export type Target = VectorTarget | ScalarTarget;

export const isTarget = (name: string): name is Target => (targets as readonly string[]).includes(name);
export const isScalar = (name: string): name is ScalarTarget => (scalarTargets as readonly string[]).includes(name);
