/**
 * Measures the peak rate of int8 multiply-adds of this engine for the targets simd and relaxed: runs the
 * inner loop of their kernels on data in the first-level cache, without other loads, requantisation or
 * stores.
 *
 * Out: a function, and the number of multiply-adds per call.
 */
import { compile } from '../../assembly/emit/compile.ts';
import type { VectorTarget } from '../../assembly/emit/target.ts';

const taps = 256;
const places = 4;
const outputs = 8;
const repeats = 4;
const names = Array.from({ length: places }, (_, i) => i);

/** together: taps per instruction. weights: loads weights of four outputs. mac: adds products to `sum`. */
const loops: Record<
  VectorTarget,
  { together: number; weights: (at: number) => string; mac: (sum: string, w: string) => string }
> = {
  simd: {
    together: 2,
    weights: (at) => `v128.load_ext<i8>(w, ${8 * at})`,
    mac: (sum, w) => `i32x4.add(${sum}, i32x4.dot_i16x8_s(v, ${w}))`,
  },
  relaxed: {
    together: 4,
    weights: (at) => `v128.load(w, ${16 * at})`,
    mac: (sum, w) => `i32x4.relaxed_dot_i8x16_i7x16_add_s(${w}, v, ${sum})`,
  },
};

const sourceOf = (target: VectorTarget): string => {
  const { together, weights, mac } = loops[target];
  const place = (i: number) =>
    `v = v128.load_splat<i32>(x${i}); a${i} = ${mac(`a${i}`, 'w0')}; b${i} = ${mac(`b${i}`, 'w1')}; x${i} += 4;`;
  return `
export { __heap_base, __data_end };
memory.data(8192, 16);
export function peak(): i32 {
  let all = i32x4.splat(0);
  for (let r: i32 = 0; r < ${repeats}; r++) {
    let w: usize = 16;
    ${names.map((i) => `let x${i}: usize = ${4096 + 1024 * i}; let a${i} = i32x4.splat(0); let b${i} = i32x4.splat(0);`).join('\n    ')}
    for (let i: i32 = 0; i < ${taps}; i += ${together}) {
      const w0 = ${weights(0)};
      const w1 = ${weights(1)};
      let v = i32x4.splat(0);
      ${names.map(place).join('\n      ')}
      w += ${8 * together};
    }
    ${names.map((i) => `all = i32x4.add(all, i32x4.add(a${i}, b${i}));`).join('\n    ')}
  }
  return i32x4.extract_lane(all, 0);
}
`;
};

export const peakMacs = taps * places * outputs * repeats;

export async function peakKernel(target: VectorTarget): Promise<() => void> {
  const wasm = await compile({ 'module.ts': sourceOf(target) }, 16 + 8192, target);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  return exports.peak as () => void;
}
