/** plan --explain: a sentence per layer with the plan's numbers, the alternatives and their options. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../../host/command/load.ts';
import { planArgs } from '../../host/command/model-options.ts';
import { parse } from '../../host/command/parse.ts';
import { choiceCells, choiceHead } from '../../host/report/plan-table.ts';
import { table } from '../../host/report/table.ts';
import type { Graph } from '../../models/graph/types.ts';
import { readModel } from '../../models/read/index.ts';
import { alternatives, explainPlan } from '../../models/report/explain.ts';
import { planRows } from '../../models/report/print.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type PlanOptions, preferences } from '../../models/stream/types.ts';
import { root } from '../shared.ts';
import { fAcc, fEeg } from '../stages/paper-networks.ts';
import { codeOf } from './helpers.ts';

const ppg = await readModel(new Uint8Array(readFileSync(join(root, 'models/zoo/ppg-hr/ppg-hr.onnx'))));
const why = (graph: Graph, options: PlanOptions) => explainPlan(planStream(graph, options)).map((r) => r.why);

test('edge-exact: new, left and right rows add up to the frames in the table', () => {
  for (const [graph, hop] of [
    [ppg, 50],
    [fEeg(1), 63],
    [fAcc(1), 160],
  ] as const) {
    const plan = planStream(graph, { hop });
    const rows = planRows(plan);
    let streamed = 0;
    for (const [i, { layer, why: text }] of explainPlan(plan).entries()) {
      assert.is(layer, graph.nodes[i]?.name);
      const found = /^(\S+) of (\S+) rows .*\((\d+) new, (\d+) left, (\d+) right\)/.exec(text)?.slice(1);
      if (!found) continue;
      const [all, of, ...parts] = found.map((n) => Number(n.replaceAll(',', ''))) as [number, number, ...number[]];
      assert.is(
        parts.reduce((a, b) => a + b),
        all,
        text,
      );
      assert.is(`${all}/${of}`, `${rows[i]?.framesPerHop}/${rows[i]?.framesPerWindow}`);
      streamed++;
    }
    assert.ok(streamed > 0);
  }
});

test('a layer that is computed whole, folded, streamed or in the head says so', () => {
  const edge = why(ppg, { hop: 50, prefer: 'work' });
  assert.is(edge[4], '39 of 64 rows are new or touch an edge (25 new, 14 left, 0 right); streamed, 2 phases');
  assert.is(edge[10], 'computed whole: 0 interior rows of 32, 25 new');
  assert.is(edge[12], 'computed whole: it reads all 16 rows of the window');
  assert.is(
    why(ppg, { hop: 50 })[4],
    '47 of 64 rows are new or touch an edge (25 new, 22 left, 8 of them interior rows, 0 right); streamed, 2 phases',
  );
  const stream = why(ppg, { hop: 64 });
  assert.match(stream[4] as string, /^16 of 64 rows are new at a hop.*real history replaces 8 rows of padding$/);
  assert.match(stream[12] as string, /^head: it reads all 16 rows of the window, 12 of them kept from before$/);
  assert.match(why(fAcc(1), { hop: 160 })[6] as string, /^one accumulator per waiting window \(5 x 1,024 B and 1 x 1,024 B of/);
  assert.match(why(fAcc(1), { hop: 160, mode: 'stream' })[0] as string, /it waits for 1 frame of look-ahead$/);
  assert.match(
    why(ppg, { hop: 50, mode: 'windowed' })[0] as string,
    /248 interior rows of 256, 50 new, so edge-exact could reuse 198$/,
  );
  assert.match(why(ppg, { hop: 50, mode: 'edge-exact', depth: 2 })[2] as string, /beyond depth 2/);
});

test('running sums and edges that are sums of taps are explained', () => {
  assert.match(why(fAcc(1), { hop: 160, mode: 'stream' })[6] as string, /^(a running sum|running sums|one partial result)/);
  const plan = planStream(fEeg(1), { hop: 1 });
  const taps = plan.graph.nodes.findIndex((n) => plan.layout?.taps.has(n));
  if (taps >= 0) assert.match(explainPlan(plan)[taps]?.why as string, /are sums of some of its taps, at no MACs/);
  assert.match(why(fAcc(1), { hop: 160, mode: 'approx' })[0] as string, /it pads at every hop$/);
});

test('there are at most 5 alternatives, none is better than another in everything, and each equals the plan of its option', () => {
  for (const [graph, hop] of [
    [ppg, 50],
    [fEeg(1), 60],
  ] as const) {
    const plan = planStream(graph, { hop });
    const found = alternatives(plan);
    assert.ok(found.length > 1 && found.length <= 5);
    assert.is(found.filter((a) => a.chosen).length, 1);
    for (const [i, a] of found.entries()) {
      const before = found[i - 1];
      assert.ok(!before || (before.macsPerHop < a.macsPerHop && before.stateBytes > a.stateBytes));
      const { macsPerHop, stateBytes } = planStream(
        graph,
        planOptions(graph, { ...parse('plan', a.option.split(' '), planArgs).args, hop }),
      );
      assert.equal([macsPerHop, stateBytes], [a.macsPerHop, a.stateBytes], a.option);
      assert.equal([a.work, a.state], [macsPerHop / plan.macsPerHop, stateBytes / plan.stateBytes]);
    }
    for (const prefer of preferences) {
      const { macsPerHop, stateBytes } = planStream(graph, { hop, prefer });
      const is = (a: (typeof found)[number]) => a.macsPerHop === macsPerHop && a.stateBytes === stateBytes;
      assert.ok(found.some(is), prefer);
    }
  }
  // trained for mode stream: no other mode gives the same outputs
  assert.equal(alternatives(planStream(ppg, { hop: 64 })), []);
});

test('the table of alternatives has costs and options, within 80 columns', () => {
  const text = table(alternatives(planStream(ppg, { hop: 50 })).map(choiceCells), { head: choiceHead, columns: 80 });
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  const lines = text.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '));
  assert.is(lines[0], 'MACs/hop work state B state taken by layers, left edges');
  assert.match(lines[1] as string, /^[\d,]+ -\d+ % [\d,]+ \+\d+ % --prefer work \d+ layers/);
  assert.ok(lines.some((line) => / this plan \d+ layers/.test(line)));
});

test('edge-exact with depth 0 does the work of the windowed model', () => {
  const whole = planStream(ppg, { hop: 50, mode: 'windowed' });
  const none = planStream(ppg, { hop: 50, mode: 'edge-exact', depth: 0 });
  assert.is(none.macsPerHop, whole.macsPerHop);
  assert.is(none.macsPerHop, none.macsPerWindow);
});

test('a budget or a depth selects edge-exact, and is refused with another mode', async () => {
  assert.equal(planOptions(ppg, { hop: 50, budgetRam: 9000 }), { hop: 50, mode: 'edge-exact', budgetRam: 9000 });
  assert.equal(planOptions(ppg, { depth: 0 }), { hop: 64, mode: 'edge-exact', depth: 0 });
  assert.equal(planOptions(ppg, { mode: 'edge-exact', budgetMacs: 1 }).budgetMacs, 1);
  assert.is(await codeOf(() => planOptions(ppg, { mode: 'stream', depth: 3 })), 'RN740');
  assert.is(await codeOf(() => planOptions(ppg, { mode: 'windowed', budgetMacs: 3 })), 'RN740');
  assert.is(await codeOf(() => parse('plan', ['--budget-ram', '-1'], planArgs)), 'RN740');
  assert.equal(planOptions(ppg, { hop: 50, prefer: 'ram' }), { hop: 50, prefer: 'ram' });
  assert.is(await codeOf(() => parse('plan', ['--prefer', 'fast'], planArgs)), 'RN740');
});

test.run();
