/**
 * models/zoo/mixers: its README shows results.json, and the recipe works.
 *
 * In: the committed results. If RUNLET_PYTHON (default python3) has the packages, the recipe also runs for a
 * few steps on simulated people.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planOptions } from '../host/command/load.ts';
import { readModel } from '../models/read/index.ts';
import { planStream } from '../models/stream/plan.ts';
import { folder, type Results, type Run, readResults, runOf, withTable } from '../scripts/mixers/page.ts';
import { runPython, withPython } from './python.ts';
import { root } from './shared.ts';

test('the table of the README is that of results.json: npm run mixers', () => {
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.is([...page.matchAll(/<!-- mixers:/g)].length, 1);
  assert.is(withTable(page, readResults()), page);
  assert.throws(() => withTable('<!-- mixers:other -->\n<!-- /mixers -->', readResults()), /block other/);
});

test('the results are complete, and the table has their means', () => {
  const results = readResults();
  assert.is(Object.keys(results.runs).length, results.mixers.length * results.folds * results.seeds.length);
  for (const run of Object.values(results.runs)) assert.ok(run.accuracy > 0.2 && run.int8 !== undefined && run.int8 > 0.2);
  // accuracies of two folds and two seeds: 40 and 60 % for one seed, 70 and 90 % for the other
  const shares = [0.4, 0.6, 0.7, 0.9];
  const runs = Object.fromEntries(
    shares.map((accuracy, i): [string, Run] => [
      `a, fold ${i % 2}, seed ${1 + Math.floor(i / 2)}`,
      { file: '', accuracy, parameters: 7, int8: accuracy / 2 },
    ]),
  );
  const one = { moduleBytes: 11, instructions: 12 };
  const costs = { a: { macsPerHop: 13, stateBytes: 14, interp: one, native: { moduleBytes: 15, instructions: 16 } } };
  const made: Results = { device: 'watch', steps: 1, folds: 2, seeds: [1, 2], mixers: ['a'], runs, costs };
  assert.match(
    withTable('<!-- mixers:table -->\n<!-- /mixers -->', made),
    '| a | 65.00 ± 21.21 | 32.50 ± 10.61 | 7 | 13 | 14 | 11 | 12 | 15 | 16 |',
  );
});

const title = 'the recipe trains each mixer on simulated people';

async function tiny(out: string): Promise<void> {
  const args = [join(root, 'test/fixtures/mixers/driver.py'), out];
  const { status, stdout, stderr } = runPython(args);
  assert.is(status, 0, `${stdout}\n${stderr}`);
  const { pool, residual } = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Record<string, number>;
  assert.ok((pool as number) < 1e-5, `the mean minus the middle differs by ${pool}`);
  assert.ok((residual as number) < 1e-5, `a block without a mixer differs by ${residual}`);
  const [made, results] = [readResults(join(out, 'runs.json')), readResults()];
  assert.equal(made.mixers, results.mixers);
  assert.is(Object.keys(made.runs).length, results.mixers.length * 2);
  for (const mixer of results.mixers) {
    const { file, parameters } = runOf(made, mixer, 0, 1);
    assert.is(parameters, runOf(results, mixer, 0, 1).parameters);
    const graph = await readModel(new Uint8Array(readFileSync(join(out, file))));
    const { mode, macsPerHop, stateBytes } = planStream(graph, planOptions(graph, {}));
    const { costs } = results;
    assert.equal({ mode, macsPerHop }, { mode: 'stream', macsPerHop: costs[mixer]?.macsPerHop }, mixer);
    // state of the float graph, in elements, is that of the int8 graph, in bytes
    assert.is(stateBytes, costs[mixer]?.stateBytes, mixer);
  }
}

const needs = { statement: 'import numpy, onnx, onnxscript, torch', hint: 'pip install -r models/zoo/har/requirements.txt' };
withPython(title, needs, async () => {
  const out = mkdtempSync(join(tmpdir(), 'runlet-mixers-'));
  try {
    await tiny(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test.run();
