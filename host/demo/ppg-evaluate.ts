/**
 * npm run eval:ppg [-- DIR]: computes the heart-rate error of ppg-hr, float and int8, windowed and streamed.
 *
 * In: the zoo's demo recording, and the Welltory development records in DIR (default
 * ../shared/data/ppg-welltory) if they exist: finger PPG from phone cameras at 30 Hz with the rate of a chest
 * strap.  Out: mean absolute error per set of recordings. Columns: `windowed` runs every 256-frame window
 * with zero padding, for which the model was not trained; `extended` and `streamed` have the 320 earlier
 * frames that it was trained with.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../assembly/build.ts';
import { executeStream } from '../../models/stream/execute.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { runSignal } from '../../quant/reference.ts';
import { quantiseSignal } from '../../quant/report.ts';
import { table } from '../report/table.ts';
import { openSession } from '../session/index.ts';
import { prepared, type Recording, readWelltory } from './ppg-recordings.ts';
import { readFloat, root, zooArray, zooFile } from './zoo.ts';

function demo(): Recording {
  const rows = readFileSync(zooFile('ppg-hr', 'demo.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  return {
    set: 'demo.csv (simulated)',
    signal: prepared(rows.map((r) => r[1] as number)),
    truth: Float64Array.from(rows, (r) => r[2] as number),
  };
}

/** Sum of absolute errors and number of the answers after the warm-up whose truth is known. */
class Errors {
  sum = 0;
  count = 0;
  add(bpm: number, truth: number): void {
    if (!(truth > 0)) return;
    this.sum += Math.abs(bpm - truth);
    this.count++;
  }
}

async function main(): Promise<void> {
  const graph = await readFloat('ppg-hr', 'ppg-hr.onnx');
  const hop = 64;
  const calibration = zooArray('ppg-hr', 'calib.npy').data as Float32Array;
  const int8 = quantize(graph, calibration, { hop, noReport: true }).graph;
  const streamed = quantPlan(planStream(int8, { hop }));
  const windowed = quantPlan(planStream(int8, { hop, mode: 'windowed' }));
  const floats = { 'float windowed': planStream(graph, { hop, mode: 'windowed' }), 'float extended': planStream(graph, { hop }) };
  const session = await openSession((await build(streamed)).wasm as BufferSource);
  const q = int8.tensors[int8.outputs[0]?.tensor ?? -1]?.quant ?? { scale: 1, zeroPoint: 0 };
  const folder = process.argv[2] ?? join(root, '..', 'shared', 'data', 'ppg-welltory');
  const recordings = [demo(), ...(existsSync(folder) ? readWelltory(folder) : [])];
  if (recordings.length === 1) process.stderr.write(`no Welltory records at ${folder}: only the simulated recording is judged\n`);

  const columns = ['float windowed', 'float extended', 'int8 windowed', 'int8 streamed'];
  const sets = new Map<string, Map<string, Errors>>();
  for (const { set, signal, truth } of recordings) {
    const errors = sets.get(set) ?? new Map(columns.map((c) => [c, new Errors()]));
    sets.set(set, errors);
    const judge = (column: string, n: number, bpm: number) => {
      if (n >= streamed.plan.warmUpHops) errors.get(column)?.add(bpm, truth[n * hop + 256 - 1] as number);
    };
    for (const [column, plan] of Object.entries(floats)) {
      for (const { index, outputs } of executeStream(plan, floatBlock(plan, signal), floatRunner))
        judge(column, index, outputs[0]?.[0] as number);
    }
    const stored = quantiseSignal(signal, int8.tensors[int8.inputs[0]?.tensor ?? -1]?.quant ?? q);
    for (const { index, outputs } of runSignal(windowed, stored))
      judge('int8 windowed', index, q.scale * ((outputs[0]?.[0] as number) - q.zeroPoint));
    session.reset();
    session.pushAll(signal, (n) => judge('int8 streamed', n, session.output()[0] as number));
  }
  const rows = [...sets].map(([set, errors]) => [
    set,
    errors.get('int8 streamed')?.count ?? 0,
    ...columns.map((c) => ((errors.get(c)?.sum ?? 0) / (errors.get(c)?.count || 1)).toFixed(2)),
  ]);
  process.stdout.write('mean absolute error, beats per minute\n\n');
  process.stdout.write(`${table(rows, { head: ['recordings', 'answers', ...columns] })}\n`);
}

await main();
