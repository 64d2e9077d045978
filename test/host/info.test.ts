/**
 * What a module reports about itself: rn_info, homes of weights by target and form, and the message of a WASI
 * command. No compiler is needed.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buffersOf } from '../../assembly/emit/buffers.ts';
import { checkHome, homes } from '../../assembly/emit/home.ts';
import { infoCases } from '../../assembly/emit/info.ts';
import { mapMemory } from '../../assembly/emit/memory.ts';
import { isScalar, targets } from '../../assembly/emit/target.ts';
import { wasiData } from '../../assembly/emit/wasi.ts';
import { REGION } from '../../assembly/runtime/numbers.ts';
import type { Graph } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { codeOf } from './helpers.ts';

const infoOf = (hostType: 'float32' | 'int8' | 'uint8'): Map<number, number> => {
  const graph: Graph = { ...tinyStream() };
  graph.inputs = graph.inputs.map((port) => ({ ...port, hostType }));
  graph.outputs = graph.outputs.map((port) => ({ ...port, hostType }));
  const quant = quantPlan(planStream(graph, { hop: 12 }));
  const map = mapMemory(quant.plan, buffersOf(quant.plan), 16, { weights: 100, tables: 60 });
  return new Map(infoCases(quant, map).map(([what, value]) => [what, value]));
};

test('rn_info gives types, zero points and scales of ports as in docs/abi.md', () => {
  for (const [hostType, type] of [
    ['float32', 1],
    ['int8', 1],
    ['uint8', 3],
  ] as const) {
    const info = infoOf(hostType);
    assert.equal([info.get(16), info.get(64)], [type, type], hostType);
    const { tensors, inputs, outputs } = quantPlan(planStream(tinyStream(), { hop: 12 })).plan.graph;
    for (const [base, port] of [
      [16, inputs[0]],
      [64, outputs[0]],
    ] as const) {
      const q = tensors[port?.tensor ?? -1]?.quant;
      assert.is(info.get(base + 2), q?.zeroPoint);
      assert.is(new Float32Array(Int32Array.of(info.get(base + 3) as number).buffer)[0], q?.scale);
    }
    assert.equal([info.get(0), info.get(1), info.get(9), info.get(10)], [12, 48, 1, 1]);
    assert.ok((info.get(8) as number) % 16 === 0, 'the end is where a stack may begin');
  }
});

test('a home of tiles needs kernels that can fetch, and a command has all weights inside', async () => {
  for (const home of homes)
    for (const target of targets) {
      assert.is(await codeOf(() => checkHome(home, target)), home === 'tile' && !isScalar(target) ? 'RN508' : 'none');
      assert.is(await codeOf(() => checkHome(home, target, 'wasi')), home === 'embed' ? 'none' : 'RN508');
    }
  assert.is(await codeOf(() => checkHome('flash', 'interp')), 'RN508');
});

test('a command prints how many bytes a frame has: elements, rate and width', () => {
  const text = (...info: [number, number][]): string => new TextDecoder().decode(wasiData(4096, info));
  assert.match(text([0, 4], [9, 1], [16, 1], [17, 6]), /a frame of 6 bytes\n/);
  assert.match(text([0, 4], [9, 1], [16, 2], [17, 1]), /a frame of 2 bytes\n/);
  assert.match(text([0, 4], [9, 1], [16, 1], [17, 1]), /a frame of 1 byte\n/);
  assert.match(text([0, 4], [9, 2], [16, 1], [17, 3], [20, 2], [24, 2], [25, 5], [28, 1]), /a hop of 64 bytes \(24 \+ 40\)/);
  assert.ok(wasiData(4096, [[0, 1e9], [9, 2], [17, 1e9], [25, 1e9]]).length <= REGION); // biome-ignore format: one line
});

test.run();
