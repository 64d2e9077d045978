/**
 * Targets: which class of engine a module's kernels are for. Every target computes the same bytes.
 *
 * simd     SIMD128: browsers and Node
 * interp   three outputs in one 64-bit multiplication: interpreters (WAMR, wasm3) and engines without SIMD
 * native   blocks of four outputs: WebAssembly compiled ahead of time, on 32-bit cores
 */
export const targets = ['simd', 'interp', 'native'] as const;
export type Target = (typeof targets)[number];

export const isTarget = (name: string): name is Target => (targets as readonly string[]).includes(name);
