/**
 * Requantisation in float32 against the integer rule: every possible sum of a layer, in TypeScript and in the
 * kernel.
 *
 * In: random multipliers, shifts, zero points and clamps.  Out: 0 sums whose output differs.
 * `RUNLET_FLOAT_CHANNELS` sets their number.
 */
import { instantiateSync } from '@assemblyscript/loader';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packBlock, zeros } from '../../assembly/emit/block.ts';
import { SimdBlock } from '../../assembly/emit/blocks.ts';
import { compile } from '../../assembly/emit/compile.ts';
import { besideSteps, type Finish, floatTables, magicBits } from '../../assembly/emit/targets/requantise-f32.ts';
import { clampInt, requantise } from '../../quant/fixed-point.ts';
import { random } from '../property/random-network.ts';
import { anyLayer } from './any-layer.ts';

const channels = Number(process.env.RUNLET_FLOAT_CHANNELS ?? 60);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const rnd = random(seed);

interface Harness extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  many(p: number, y: number, sums: number, places: number): void;
}
const source = `import { SimdBlock, finish_place } from "./kernels/mac-simd";
export { __heap_base, __data_end };
export function many(p: SimdBlock, y: usize, sums: usize, places: i32): void {
  for (let i: i32 = 0; i < places; i++) finish_place(p, y + i * 8, sums + i * 32);
}
`;
const sumsAt = 4096;
const { exports: kernel } = instantiateSync<Harness>(
  (await compile({ 'module.ts': source }, 2 ** 24, 'simd')) as BufferSource & Uint8Array,
);

/** Returns the kernel's outputs of `places` x 8 sums. */
function inKernel(p: Finish, tables: NonNullable<ReturnType<typeof floatTables>>, sums: Int32Array): Int8Array {
  const [block, y] = [256, sumsAt + 4 * sums.length + 64];
  const eight = (at: number, of: Float32Array) => new Float32Array(kernel.memory.buffer, at, 8).fill(of[0] as number);
  eight(1024, tables.scale);
  eight(1088, tables.offset);
  if (tables.below) eight(1152, tables.below);
  const fields = {
    ...zeros(SimdBlock),
    y_c: 8,
    min: p.min,
    max: p.max,
    multiplier: 1024,
    shift: 1088,
    below: tables.below ? 1152 : 0,
    y_zero: tables.zero,
    magic: magicBits,
  };
  new Uint8Array(kernel.memory.buffer).set(packBlock(SimdBlock, fields).bytes, block);
  const away = (tables.start[0] as number) - (p.bias[0] as number);
  new Int32Array(kernel.memory.buffer, sumsAt, sums.length).set(sums.map((sum) => sum + away));
  kernel.many(block, y, sumsAt, sums.length / 8);
  return new Int8Array(kernel.memory.buffer, y, sums.length).slice();
}

test(`float32 equals the integer rule for every sum of ${channels} random channels (seed ${seed})`, () => {
  let found = 0;
  let compared = 0;
  for (let i = 0; i < channels; i++) {
    const p = anyLayer(rnd);
    const [multiplier, shift] = [p.multiplier[0] as number, p.shift[0] as number];
    // past both ends of the clamp
    const largest = Math.ceil((300 * 2 ** (31 - shift)) / multiplier);
    const tables = floatTables(p, () => largest);
    if (!tables) continue;
    found++;
    const sums = Int32Array.from({ length: 8 * Math.ceil((2 * largest + 1) / 8) }, (_, k) => Math.min(k - largest, largest));
    const got = inKernel(p, tables, sums);
    for (const [k, sum] of sums.entries()) {
      const wanted = clampInt(p.yZero + requantise(sum, multiplier, shift), p.min, p.max);
      if (got[k] !== wanted) assert.unreachable(`${JSON.stringify(p)}: sum ${sum} gives ${got[k]}, ${wanted} is right`);
    }
    compared += sums.length;
  }
  console.log(`  ${found} of ${channels} channels have tables; ${compared} sums equal`);
  assert.ok(found > 0.8 * channels, `${found} of ${channels}`);
});

test('a layer whose sums exceed the range of exact floats has no tables', () => {
  const wide: Finish = { ...anyLayer(rnd), multiplier: Int32Array.of(2 ** 30), shift: Int32Array.of(-1) };
  assert.is(
    floatTables(wide, () => 2 ** 29),
    undefined,
  );
});

test('a multiplier of 0, which has no steps, has no tables', () => {
  const flat: Finish = { ...anyLayer(rnd), multiplier: Int32Array.of(0), shift: Int32Array.of(-5) };
  assert.is(
    floatTables(flat, () => 8160),
    undefined,
  );
  assert.equal(besideSteps(flat, 0, 8160), [-8160, 8160]);
});

test('a layer whose steps no pair of floats reproduces has no tables', () => {
  // 2^13 sums per output: distinguishing the steps needs more digits than a float32 has
  const steep: Finish = {
    multiplier: Int32Array.of(1172033635),
    shift: Int32Array.of(-13),
    bias: Int32Array.of(0),
    yZero: -85,
    min: -128,
    max: 127,
  };
  assert.is(
    floatTables(steep, () => 32920755),
    undefined,
  );
});

test.run();
