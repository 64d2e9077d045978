/**
 * Every operator case over every kernel variant.
 *
 * In: the *.cases.ts of this folder.  Out: for each case (a) the integer reference computes the operator: its
 * distance from the real value stays below the case's bound, in output steps; (b) the windowed module equals
 * the integer reference byte for byte; (c) so does the streamed one. With RUNLET_SHARE (CI) each case is
 * built for one target, a different one each day. RUNLET_CASES (a part of `conv, causal, dilation 3`) selects
 * cases, without the controls, and RUNLET_TARGETS (names separated by commas) selects targets. Default: all.
 */

import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { targets as allTargets } from '../../assembly/emit/target.ts';
import type { Graph, Node, OpName } from '../../models/graph/types.ts';
import { ops } from '../../models/ops/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { MacParams } from '../../quant/ops/op.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { todays } from '../shared.ts';
import { type CaseFile, type OpCase, twoRoundings } from './case.ts';
import { compareModule, distanceFromReal, framesFor, signalOf, strideProduct, windowsOf } from './run-case.ts';

const suffix = '.cases.ts';
const outputsPerCase = 6;
const windowsPerCase = 8;

const { RUNLET_CASES: wanted = '', RUNLET_TARGETS: wantedTargets } = process.env;
const targets = allTargets.filter((target) => wantedTargets?.split(',').includes(target) ?? true);

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(suffix))
  .sort();
const files = await Promise.all(
  names.map(async (file) => ({ op: file.slice(0, -suffix.length), ...((await import(`./${file}`)) as CaseFile) })),
);
const totals = { cases: 0, elements: 0, windowedBytes: 0, streamedBytes: 0, trunk: 0, worst: new Map<string, number>() };

const hopOf = (item: OpCase): number => item.hop ?? strideProduct(item.graph.nodes);
const plan = (item: OpCase, mode: 'windowed' | 'stream'): QuantPlan =>
  quantPlan(planStream(item.graph, { hop: hopOf(item), mode }));
const signalFor = (quant: QuantPlan): Int8Array => signalOf(quant.plan.graph, framesFor(quant, outputsPerCase), 0x2545f491);
const hasTrunk = (quant: QuantPlan): boolean => quant.plan.steps.some((step) => step.section === 'trunk');

test('every operator has cases, and every case contains its operator', () => {
  assert.equal(files.map((file) => file.op).sort(), Object.keys(ops).sort());
  for (const { op, cases } of files) {
    assert.ok(cases.length > 0, op);
    assert.is(new Set(cases.map((c) => c.name)).size, cases.length, `${op}: the names are unique`);
    for (const c of cases)
      assert.ok(
        c.graph.nodes.some((node) => node.op === op),
        `${op}: ${c.name}`,
      );
  }
});

/** Returns the targets whose turn it is: a different one for the next case, and for the next day. */
const targetsOf = (index: number) => (wanted === '' ? todays(targets, index) : targets);

for (const { op, cases } of files) {
  for (const [index, item] of cases.filter(({ name }) => `${op}, ${name}`.includes(wanted)).entries()) {
    test(`${op}, ${item.name}: the integer reference computes the operator`, () => {
      const quant = plan(item, 'windowed');
      const distance = distanceFromReal(quant, windowsOf(quant, windowsPerCase));
      for (const [name, steps] of Object.entries(distance.steps)) {
        const bound = name === op ? (item.steps ?? twoRoundings) : twoRoundings;
        assert.ok(steps <= bound, `${name} is ${steps} steps from its real value, ${bound} are allowed`);
      }
      assert.ok(distance.distinct > 1 || item.constant, 'the outputs of a case are not all equal');
      totals.cases++;
      totals.elements += distance.elements;
      totals.worst.set(op, Math.max(totals.worst.get(op) ?? 0, distance.steps[op as OpName] ?? 0));
    });

    for (const target of targetsOf(index)) {
      // one target compiles code for each network, the others interpret a table with the same kernels
      const style = target === 'interp' ? ({ style: 'calls' } as const) : ({ style: 'table', kernels: 'every' } as const);
      test(`${op}, ${item.name}: windowed and streamed modules equal the reference (${target})`, async () => {
        for (const mode of ['windowed', 'stream'] as const) {
          const quant = plan(item, mode);
          if (mode === 'stream' && !hasTrunk(quant)) continue; // the same steps as windowed
          const result = compareModule(quant, await build(quant, { target, ...style }), signalFor(quant));
          assert.is(result.differing, 0, `${mode}: bytes that differ`);
          assert.is(result.outputs, outputsPerCase, mode);
          if (mode === 'stream') totals.trunk++;
          totals[mode === 'stream' ? 'streamedBytes' : 'windowedBytes'] += result.bytes;
        }
      });
    }
  }
}

/** Returns the case with one weight changed by one step. */
function perturbed(item: OpCase): OpCase {
  const nodes = item.graph.nodes.map((node): Node => {
    if (node.op !== 'conv') return node;
    const data = Int8Array.from(node.attrs.weights.data);
    data[0] = (data[0] as number) + (data[0] === 127 ? -1 : 1);
    return { ...node, attrs: { ...node.attrs, weights: { ...node.attrs.weights, data } } };
  });
  return { ...item, graph: { ...item.graph, nodes } as Graph };
}

const controlCase = files.find((file) => file.op === 'conv')?.cases.find((c) => c.name === 'causal, dilation 3') as OpCase;
const control = wanted === '' ? test : test.skip;

control('negative control: a multiplier that is 2 % too large exceeds the bound', () => {
  const quant = plan(controlCase, 'windowed');
  const params = [...quant.params.values()][0] as MacParams;
  params.multiplier[1] = Math.round((params.multiplier[1] as number) * 1.02);
  const { steps } = distanceFromReal(quant, windowsOf(quant, windowsPerCase));
  assert.ok((steps.conv ?? 0) > twoRoundings);
});

for (const mode of ['windowed', 'stream'] as const) {
  control(`negative control: a weight that is off by one gives other bytes (${mode})`, async () => {
    const quant = plan(controlCase, mode);
    const bundle = await build(plan(perturbed(controlCase), mode), {});
    assert.ok(compareModule(quant, bundle, signalFor(quant)).differing > 0);
  });
}

control('negative control: a changed byte of history gives other bytes', async () => {
  const quant = plan(controlCase, 'stream');
  const result = compareModule(quant, await build(quant, {}), signalFor(quant), (memory, map) => {
    const at = map.state.address + map.state.bytes - 8;
    memory[at] = (memory[at] as number) ^ 0x40;
  });
  assert.ok(result.differing > 0);
});

control('negative control: a write past the end is detected', async () => {
  const quant = plan(controlCase, 'windowed');
  const bundle = await build(quant, {});
  const write = (memory: Int8Array) => {
    memory[bundle.memory.end] = 0;
  };
  assert.throws(() => compareModule(quant, bundle, signalFor(quant), write), /past the end/);
});

control('more than half of the cases stream', () => {
  const worst = [...totals.worst].map(([op, steps]) => `${op} ${steps.toFixed(3)}`).join(', ');
  console.log(
    `  ${totals.cases} cases of ${files.length} operators on ${targets.join(', ')}; ${totals.elements} elements against their real value, ` +
      `${totals.windowedBytes} windowed and ${totals.streamedBytes} streamed bytes equal (${totals.trunk} cases stream); largest distance in steps: ${worst}`,
  );
  assert.ok(totals.trunk > totals.cases / 2);
});

test.run();
