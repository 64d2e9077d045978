/**
 * Requantisation of the interpreters' kernels against the integer rule: every possible sum of a layer, in the
 * narrow and the wide kernel.
 *
 * In: random multipliers, shifts, biases, zero points and clamps.  Out: 0 sums whose output differs.
 * `RUNLET_FLOAT_CHANNELS` sets their number.
 */
import { instantiateSync } from '@assemblyscript/loader';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packBlock, zeros } from '../../assembly/emit/block.ts';
import { TileBlock } from '../../assembly/emit/blocks.ts';
import { compile } from '../../assembly/emit/compile.ts';
import type { Need } from '../../assembly/emit/needs.ts';
import { scaleTable } from '../../assembly/emit/targets/requantise-interp.ts';
import { clampInt, requantise } from '../../quant/fixed-point.ts';
import type { MacParams } from '../../quant/ops/op.ts';
import { random } from '../property/random-network.ts';
import { type AnyLayer, anyLayer } from './any-layer.ts';

const channels = Number(process.env.RUNLET_FLOAT_CHANNELS ?? 60);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const rnd = random(seed);

interface Harness extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  many(p: number, y: number, sums: number): void;
}
// the block has the number of outputs; all have the parameters of one channel
const source = `import { finish_row_interp } from "./kernels/finish-interp";
import { TileBlock } from "./kernels/patch";
export { __heap_base, __data_end };
export function many(p: TileBlock, y: usize, sums: usize): void {
  const count = p.y_c;
  p.y_c = 1;
  for (let i: i32 = 0; i < count; i++) {
    p.sums = sums + i * 4;
    finish_row_interp(p, y + i);
  }
  p.y_c = count;
}
`;
const sumsAt = 4096;
const kernelWith = async (...needs: Need[]) =>
  instantiateSync<Harness>(
    (await compile({ 'module.ts': source }, 2 ** 24, 'interp', new Set(needs))) as BufferSource & Uint8Array,
  ).exports;

function inKernel(kernel: Harness, p: AnyLayer, table: Int32Array, sums: Int32Array): Int8Array {
  const [block, y] = [256, sumsAt + 4 * sums.length + 64];
  const fields = { ...zeros(TileBlock), y_c: sums.length, min: p.min, max: p.max, bias: 1024, y_zero: 2 * p.yZero + 1 };
  new Uint8Array(kernel.memory.buffer).set(packBlock(TileBlock, fields).bytes, block);
  new Int32Array(kernel.memory.buffer, 1024, table.length).set(table);
  new Int32Array(kernel.memory.buffer, sumsAt, sums.length).set(sums);
  kernel.many(block, y, sumsAt);
  return new Int8Array(kernel.memory.buffer, y, sums.length).slice();
}

/** Returns k and m of the layer's only channel. */
const tableOf = (p: AnyLayer, largest: number): Int32Array | undefined =>
  scaleTable(
    p as MacParams,
    () => largest,
    () => p.bias[0] as number,
  );

test(`the kernels equal the integer rule for every sum of ${channels} random channels (seed ${seed})`, async () => {
  const kernels = [await kernelWith('SIGNED'), await kernelWith('SIGNED', 'WIDE')];
  let compared = 0;
  for (let i = 0; i < channels; i++) {
    const p = anyLayer(rnd);
    const [multiplier, shift, bias] = [p.multiplier[0] as number, p.shift[0] as number, p.bias[0] as number];
    // past both ends of the clamp
    const largest = Math.ceil((300 * 2 ** (31 - shift)) / multiplier);
    const table = tableOf(p, largest);
    assert.ok(table, `${JSON.stringify(p)} has no table`);
    const sums = Int32Array.from({ length: 2 * largest + 1 }, (_, k) => k - largest - bias);
    for (const kernel of kernels) {
      const got = inKernel(kernel, p, table, sums);
      for (const [k, sum] of sums.entries()) {
        const wanted = clampInt(p.yZero + requantise(sum + bias, multiplier, shift), p.min, p.max);
        if (got[k] !== wanted) assert.unreachable(`${JSON.stringify(p)}: sum ${sum} gives ${got[k]}, ${wanted} is right`);
      }
    }
    compared += sums.length;
  }
  console.log(`  ${compared} sums equal`);
});

test('left shifts, shifts that are too large for k, and sums of 2^30 have no table', () => {
  const layer = (shift: number): AnyLayer => ({ ...anyLayer(rnd), shift: Int32Array.of(shift) });
  assert.is(tableOf(layer(0), 1000), undefined);
  assert.is(tableOf(layer(-22), 1000), undefined);
  assert.is(tableOf(layer(-5), 2 ** 30), undefined);
  assert.ok(tableOf(layer(-21), 1000));
});

test.run();
