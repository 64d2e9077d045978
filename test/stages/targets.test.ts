/** The benchmark's networks on every target, windowed and at every hop: the same bytes as the integer reference; and how small they are. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build } from '../../assembly/build.ts';
import { targets } from '../../assembly/emit/target.ts';
import { benchNetworks, madeUpNetwork } from '../../host/bench/networks.ts';
import { quantPlan } from '../../quant/plan.ts';
import { compareModule, framesFor, signalOf } from '../ops/run-case.ts';

const outputs = 5;

for (const name of Object.keys(benchNetworks)) {
  const { int8, hops } = madeUpNetwork(name);
  const window = int8.tensors[int8.inputs[0]?.tensor ?? -1]?.shape.t ?? 0;
  for (const [hop, mode] of [...hops.map((h) => [h, undefined] as const), [window, 'windowed'] as const]) {
    test(`${name}, hop ${hop}${mode ? `, ${mode}` : ''}: every target and style equals the reference`, async () => {
      const quant = quantPlan(int8, { hop, mode });
      const signal = signalOf(int8, framesFor(quant, outputs), hop);
      for (const target of targets) {
        for (const style of ['calls', 'table'] as const) {
          const result = compareModule(quant, await build(quant, { target, style, shrink: style === 'calls' }), signal);
          assert.is(result.differing, 0, `${target} ${style}: bytes that differ`);
          assert.is(result.outputs, outputs);
        }
      }
    });
  }
}

test('simd: a pool that alone reads the new rows of a convolution is part of it', async () => {
  const { int8, hops } = madeUpNetwork('N1');
  const quant = quantPlan(int8, { hop: hops[0] as number });
  const simd = await build(quant, { target: 'simd' });
  const native = await build(quant, { target: 'native' });
  const pools = ({ source }: Bundle) => source['module.ts']?.match(/^ +maxpool_s8\w*\(/gm)?.length;
  assert.match(simd.source['kernels/needs.ts'] ?? '', /POOLED: bool = true/);
  assert.is(pools(native), 3);
  // rows of the other two wait for the next hop
  assert.is(pools(simd), 2);
});

test('what no layer needs is not compiled: bytes of code', async () => {
  const most = { N1: [2048, 2560], N2: [3072, 3072], N1P: [2560, 2900] } as const;
  for (const [name, [native, interp]] of Object.entries(most)) {
    const { int8, hops } = madeUpNetwork(name);
    const quant = quantPlan(int8, { hop: hops[0] as number });
    for (const [target, bytes] of [['native', native] as const, ['interp', interp] as const]) {
      const { file } = await build(quant, { target, shrink: true });
      console.log(`  ${name} ${target}: ${file.codeBytes} bytes of code`);
      assert.ok(file.codeBytes <= bytes, `${name} ${target}: ${file.codeBytes} bytes of code, ${bytes} are allowed`);
    }
  }
});

test.run();
