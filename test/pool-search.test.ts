/**
 * models/zoo/pool-search: its README and its plot show results.json, the planner's costs are today's, and the
 * recipe works.
 *
 * In: the committed results; the planner. If RUNLET_PYTHON (default python3) has the packages, the recipe
 * also runs for a few steps on simulated people.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../host/command/load.ts';
import type { Graph } from '../models/graph/types.ts';
import { readModel } from '../models/read/index.ts';
import { sweepPlacements } from '../models/report/placements.ts';
import { planStream } from '../models/stream/plan.ts';
import { rowsOf, withFigures } from '../scripts/pools/page.ts';
import { poolsPlot } from '../scripts/pools/plot.ts';
import { chance, front, ranks, tau } from '../scripts/pools/ranking.ts';
import { folder, readResults, type Shared, sharedRun, type Trained, trainedRun } from '../scripts/pools/results.ts';
import { runPython, withPython } from './python.ts';
import { root } from './shared.ts';

const read = (path: string): Promise<Graph> => readModel(new Uint8Array(readFileSync(path)));
const har = await read(join(root, 'models/zoo/har/har-watch.onnx'));
const planned = sweepPlacements(har, planOptions(har, {}));
const convolutions = har.nodes.filter((node) => node.op === 'conv').map((node) => node.name);
const rows = planned.rows.map((row) => ({
  ...row,
  strides: convolutions.map((name) => row.strides.find(({ layer }) => layer === name)?.stride ?? 1),
}));

test('the tables of the README and the plot are those of results.json: npm run pools', async () => {
  const results = readResults();
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.is([...page.matchAll(/<!-- pools:/g)].length, 3);
  assert.is(withFigures(page, results), page);
  assert.is(readFileSync(join(folder, 'plot.svg'), 'utf8'), await poolsPlot(rowsOf(results)));
  assert.throws(() => withFigures('<!-- pools:other -->\n<!-- /pools -->', results), /block other/);
});

test('the costs are those of `runlet plan --sweep pools`', () => {
  assert.is(rows.length, 16);
  assert.equal(readResults().placements, rows);
});

test('the results are complete: every placement with every seed, its int8 module, and all steps of the supernets', () => {
  const results = readResults();
  /** True for a share of the answers, or of up to `more` further ones. */
  const isShare = (share: number, more: number): boolean =>
    Array.from({ length: more + 1 }, (_, i) => share * (results.answers + i)).some(
      (right) => right > 0 && right < results.answers && Math.abs(right - Math.round(right)) < 1e-6,
    );
  for (const placement of results.placements)
    for (const seed of results.seeds) {
      const { accuracy, int8 = Number.NaN } = trainedRun(results, placement, seed);
      assert.ok(isShare(accuracy, results.judged.length), `${accuracy} of the answers`);
      assert.ok(isShare(int8, 0), `${int8} of the answers of the int8 module`);
    }
  for (const kind of ['supernet', 'mixture'] as const)
    for (const seed of results.seeds) {
      const { accuracy, chosen, steps } = sharedRun(results, kind, seed);
      assert.is(accuracy.length, rows.length);
      assert.ok(accuracy.every((share) => isShare(share, results.judged.length)));
      assert.is(chosen.length, rows.length);
      assert.is(
        steps.flat().reduce((a, b) => a + b),
        results.searchSteps,
      );
      assert.ok(steps.every((row) => row.length === (kind === 'mixture' ? results.supernets : 1)));
    }
  assert.is(Object.keys(results.runs).length, results.seeds.length * (rows.length + 2));
});

test('rankings: tau with and without ties, ranks, front, chance', () => {
  // 6 of 10 pairs in the same order, 4 in the other
  assert.ok(Math.abs(tau([1, 2, 3, 4, 5], [3, 4, 1, 2, 5]) - 0.2) < 1e-12);
  // 2 pairs in the same order; a list has a tie
  assert.ok(Math.abs(tau([1, 1, 2], [1, 2, 3]) - 2 / Math.sqrt(6)) < 1e-12);
  assert.is(tau([1, 2, 3], [9, 8, 7]), -1);
  assert.equal(ranks([5, 7, 7, 1]), [3, 1, 1, 4]);
  assert.equal(front([1, 2, 2, 3, 4], [5, 6, 5, 6, 7]), [true, true, false, false, true]);
  assert.equal(front([1, 1], [5, 5]), [true, true]);
  const steps = [0, 1, 2, 3, 4, 5, 6, 7];
  assert.ok(chance([steps, steps, steps]) < 0.001);
  // every placement has the same mean
  assert.is(chance([steps, steps.toReversed()]), 1);
});

const title = 'the recipe trains placements and supernets on simulated people';

interface Printed {
  apart: number;
  frames: number[];
  same: boolean;
  rows: number[];
  load: number[];
  learned: number[];
  taken: number[];
}

async function tiny(out: string): Promise<void> {
  const placements = join(out, 'placements.json');
  writeFileSync(placements, JSON.stringify(planned));
  const runs = join(out, 'runs');
  const args = [join(root, 'test/fixtures/pool-search/driver.py'), placements, runs];
  const { status, stdout, stderr } = runPython(args);
  assert.is(status, 0, `${stdout}\n${stderr}`);
  const printed = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Printed;
  assert.ok(printed.apart < 1e-5, `a placement in the supernet differs by ${printed.apart} from its own network`);
  const frames = rows.map((row) => Math.floor((128 - row.receptiveField) / 8) + 1);
  assert.equal(printed.frames, frames);
  assert.is(printed.same, true, 'one supernet with the strides of har is trained as har');
  assert.ok(printed.rows.every((sum) => Math.abs(sum - 1) < 1e-9));
  // the bound follows from Pinsker's inequality for a divergence of 1e-4
  assert.ok(printed.load.reduce((sum, share) => sum + Math.abs(share - 1 / 4), 0) <= Math.sqrt(2e-4), `${printed.load}`);
  assert.equal(printed.learned, [0, 1, 0, 1]);
  // a binomial of 400 with one half is below 140 with a probability of 1e-9
  assert.ok(
    printed.taken.every((steps) => steps >= 140),
    `${printed.taken}`,
  );

  const results = readResults(join(runs, 'runs.json'));
  assert.equal(results.judged, ['p1', 'p5']);
  const two = [rows[0], rows.at(-1)] as typeof rows;
  assert.equal(results.placements, two);
  const shares = Object.values(results.runs).flatMap((run: Trained | Shared) => run.accuracy);
  assert.is(shares.length, 2 * (2 + 2 + 2));
  assert.ok(shares.every((share) => share >= 0 && share <= 1));
  for (const placement of two)
    for (const seed of [1, 2]) {
      const { file } = trainedRun(results, placement, seed);
      const graph = await read(join(runs, file));
      const { macsPerHop, stateBytes, delayFrames } = planStream(graph, planOptions(graph, {}));
      const costs = { macsPerHop, stateBytes, delayFrames };
      assert.equal(costs, {
        macsPerHop: placement.macsPerHop,
        stateBytes: placement.stateBytes,
        delayFrames: placement.delayFrames,
      });
    }
}

const needs = { statement: 'import numpy, onnx, onnxscript, torch', hint: 'pip install -r models/zoo/har/requirements.txt' };
withPython(title, needs, async () => {
  const out = mkdtempSync(join(tmpdir(), 'runlet-pools-'));
  try {
    await tiny(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test.run();
