/**
 * The benchmark's networks on every target, windowed and at every hop: the bytes equal the integer reference,
 * and the code stays within its size limits.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { SlidingBlock } from '../../assembly/emit/blocks.ts';
import { emit } from '../../assembly/emit/emit.ts';
import { targets } from '../../assembly/emit/target.ts';
import { benchNetworks, Chain, madeUpNetwork, noiseOf } from '../../host/bench/networks.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { compareModule, framesFor, signalOf } from '../ops/run-case.ts';
import { todays } from '../shared.ts';

const outputs = 5;

const cases = Object.keys(benchNetworks).flatMap((name) => {
  const { int8, hops } = madeUpNetwork(name);
  const window = int8.tensors[int8.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  return [...hops.map((hop) => ({ name, int8, hop, mode: undefined })), { name, int8, hop: window, mode: 'windowed' as const }];
});

for (const { name, int8, hop, mode } of todays(cases))
  test(`${name}, hop ${hop}${mode ? `, ${mode}` : ''}: every target and style equals the reference`, async () => {
    const quant = quantPlan(planStream(int8, { hop, mode }));
    const signal = signalOf(int8, framesFor(quant, outputs), hop);
    const expected = [...runSignal(quant, signal)];
    for (const target of targets)
      for (const style of ['calls', 'table'] as const) {
        const result = compareModule(quant, await build(quant, { target, style }), signal, undefined, expected);
        assert.is(result.differing, 0, `${target} ${style}: bytes that differ`);
        assert.is(result.outputs, outputs);
      }
  });

test('simd: a pool that is the only reader of the new rows of a convolution is fused into it', async () => {
  const { int8, hops } = madeUpNetwork('N1');
  const quant = quantPlan(planStream(int8, { hop: hops[0] as number }));
  const simd = await build(quant, { target: 'simd' });
  const native = await build(quant, { target: 'native' });
  const pools = ({ source }: Bundle) => source['runtime/network.ts']?.match(/^ +maxpool_s8\w*\(/gm)?.length;
  assert.match(simd.source['kernels/needs.ts'] ?? '', /POOLED: bool = true/);
  assert.is(pools(native), 3);
  assert.is(pools(simd), undefined, 'every pool is fused');
});

test('simd: a fused pool does not overwrite rows that are still read', async () => {
  let pairs = 0;
  for (const mode of ['windowed', undefined] as const) {
    for (let window = 260; window < 272; window++) {
      const net = new Chain('pools', window, 4, 5).conv(8, 5).maxpool(4).conv(32, 3).maxpool(2).conv(8, 1).globalavg();
      const { graph } = quantize(net.dense(3).done(), noiseOf(2 * window * 4), {
        hop: window,
        mode: 'windowed',
        preset: 'fast',
        noReport: true,
      });
      const quant = quantPlan(planStream(graph, { hop: mode ? window : 128, mode }));
      const { memory, packed, data } = emit(quant, 'simd');
      const view = new DataView(data.buffer, data.byteOffset);
      for (const { step, calls } of packed.steps) {
        const [call] = calls;
        const pool = [...packed.pooled].find(([, conv]) => conv === step)?.[0];
        if (!call || !pool) continue;
        const field = (name: keyof SlidingBlock) =>
          view.getInt32(memory.at(call.block) - memory.base + SlidingBlock.at[name], true);
        const [x, y] = [field('x'), field('y')];
        const ends = [x + field('x_rows') * field('x_f') * field('x_c'), y + pool.outRows * field('y_c')] as const;
        assert.ok(
          ends[0] <= y || ends[1] <= x,
          `${step.node.name} of window ${window} reads ${x} to ${ends[0]}, writes ${y} to ${ends[1]}`,
        );
        pairs++;
      }
      const bundle = await build(quant, { target: 'simd', style: 'table', kernels: 'every' });
      const { differing } = compareModule(quant, bundle, signalOf(graph, framesFor(quant, 2), window));
      assert.is(differing, 0, `window ${window}, ${mode ?? 'stream'}: bytes that differ`);
    }
  }
  assert.ok(pairs >= 18, `${pairs} pairs`);
});

test('features that no layer needs are not compiled: the code stays within its limits', async () => {
  const limits = [
    ['N1', 64, 2048, 2560, 3072],
    ['N2', 2, 3072, 3072, 4608],
    ['N2', 20, 3072, 3072, 4800], // ten rows per layer: simd computes the last two together
    ['N1P', 64, 2048, 2560, 3072],
  ] as const;
  for (const [name, hop, native, interp, simd] of limits) {
    const { int8 } = madeUpNetwork(name);
    const quant = quantPlan(planStream(int8, { hop }));
    for (const [target, bytes] of [['native', native] as const, ['interp', interp] as const, ['simd', simd] as const]) {
      const { file } = await build(quant, { target });
      console.log(`  ${name}, hop ${hop}, ${target}: ${file.codeBytes} bytes of code`);
      assert.ok(file.codeBytes <= bytes, `${name}, hop ${hop}, ${target}: ${file.codeBytes} bytes of code, ${bytes} are allowed`);
    }
  }
});

test.run();
