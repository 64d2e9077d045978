/**
 * Targets: which class of engine a module's kernels are for. Every target computes the same bytes.
 *
 * relaxed  the int8 dot product of relaxed SIMD: browsers and Node. The module refuses CPUs without it
 * simd     SIMD128: browsers and Node
 * interp   three outputs in one 64-bit multiplication: interpreters (WAMR, wasm3) and engines without SIMD
 * native   blocks of four outputs: WebAssembly compiled ahead of time, on 32-bit cores
 */
/** For engines of browsers and Node alone: SIMD128. */
export const vectorTargets = ['relaxed', 'simd'] as const;
/** For any engine. */
export const scalarTargets = ['interp', 'native'] as const;
/** Of those that a browser runs, best first. */
export const targets = [...vectorTargets, ...scalarTargets] as const;

export type VectorTarget = (typeof vectorTargets)[number];
export type ScalarTarget = (typeof scalarTargets)[number];
export type Target = VectorTarget | ScalarTarget;

export const isTarget = (name: string): name is Target => (targets as readonly string[]).includes(name);
export const isScalar = (name: string): name is ScalarTarget => (scalarTargets as readonly string[]).includes(name);
