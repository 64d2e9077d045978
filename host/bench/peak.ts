/**
 * The most int8 multiply-adds a nanosecond that this engine reaches with the instructions of the SIMD kernels: their inner loop on data that stays in the
 * first cache, without loading, requantising or storing anything else.
 *
 * Out: a function, and the multiply-adds of one call of it.
 */
import { compile } from '../../assembly/emit/compile.ts';

const taps = 256;
const places = 4;
const outputs = 8;
const repeats = 4;
const names = Array.from({ length: places }, (_, i) => i);

const source = `
export { __heap_base, __data_end };
memory.data(8192, 16);
export function peak(): i32 {
  let all = i32x4.splat(0);
  for (let r: i32 = 0; r < ${repeats}; r++) {
    let w: usize = 16;
    ${names.map((i) => `let x${i}: usize = ${4096 + 1024 * i}; let a${i} = i32x4.splat(0); let b${i} = i32x4.splat(0);`).join('\n    ')}
    for (let i: i32 = 0; i < ${taps}; i += 2) {
      const w0 = v128.load_ext<i8>(w);
      const w1 = v128.load_ext<i8>(w, 8);
      let v = i32x4.splat(0);
      ${names
        .map(
          (i) =>
            `v = v128.load_splat<i32>(x${i}); a${i} = i32x4.add(a${i}, i32x4.dot_i16x8_s(v, w0)); b${i} = i32x4.add(b${i}, i32x4.dot_i16x8_s(v, w1)); x${i} += 4;`,
        )
        .join('\n      ')}
      w += 16;
    }
    ${names.map((i) => `all = i32x4.add(all, i32x4.add(a${i}, b${i}));`).join('\n    ')}
  }
  return i32x4.extract_lane(all, 0);
}
`;

export const peakMacs = taps * places * outputs * repeats;

export async function peakKernel(): Promise<() => void> {
  const wasm = await compile({ 'module.ts': source }, 16 + 8192, 'simd');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
  return exports.peak as () => void;
}
