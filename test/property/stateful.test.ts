/**
 * Random valid streaming TensorFlow Lite models: the reader, the planner and the reference give the values of
 * the interpreter, which runs the file operator by operator.
 *
 * Counts: RUNLET_NETWORKS models (default 300), seed RUNLET_SEED (default 1). Every model's integer reference
 * is compared over 40 steps of three signals. RUNLET_ASC of them (default 24) also run as modules, in both
 * styles, on poisoned memory, and through a session in the file's number type.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import { openSession } from '../../host/session/index.ts';
import { judge, type Verdict } from '../oracle/judge.ts';
import { beyond, randomModel } from '../oracle/writer/random-model.ts';
import { writeFile } from '../oracle/writer/write.ts';
import { differing } from './harness.ts';
import { runStyles, spread } from './styles.ts';

const runs = Math.ceil(Number(process.env.RUNLET_NETWORKS ?? 1000) / 5);
const compiled = Math.min(runs, Math.ceil(Number(process.env.RUNLET_ASC ?? 160) / 10));
const seed = Number(process.env.RUNLET_SEED ?? 1);

/** Compares the module, in both styles and fed in pieces, with the reference. */
async function compareModules({ quant, signals, expected }: Verdict, pieces: number[]): Promise<number> {
  if (!quant) throw new Error('no plan');
  let n = 0;
  for (const [i, signal] of signals.entries()) {
    let step = 0;
    for await (const outputs of runStyles(quant, signal[0] as Int8Array, pieces, true)) {
      assert.is(differing(expected[i]?.[step] ?? [], outputs), 0, `signal ${i}, step ${step}`);
      step++;
    }
    assert.is(step, expected[i]?.length);
    n += step;
  }
  return n;
}

/** Compares a session with the reference. After a reset it must give the same outputs again. */
async function compareSession({ quant, signals, expected }: Verdict): Promise<number> {
  if (!quant) throw new Error('no plan');
  const session = await openSession((await build(quant)).wasm as BufferSource);
  assert.is(session.manifest.warmUpHops, 0);
  let n = 0;
  for (const [i, [signal]] of signals.entries()) {
    session.reset();
    const steps = expected[i]?.length ?? 0;
    const perStep = (signal?.length ?? 0) / steps;
    for (let step = 0; step < steps; step++) {
      assert.ok(session.pushInt8((signal as Int8Array).subarray(step * perStep, (step + 1) * perStep)), `step ${step} is due`);
      for (const which of (expected[i]?.[step] ?? []).keys())
        assert.equal([...session.outputRaw(which)], [...(expected[i]?.[step]?.[which] ?? [])], `step ${step}`);
      n++;
    }
  }
  return n;
}

test(`random streaming models: reference and modules equal the interpreter (${runs} models, seed ${seed})`, async () => {
  const alsoCompile = spread(compiled, runs);
  const refused = new Map<string, number>();
  const count = { equal: 0, stateful: 0, values: 0, lively: 0, modules: 0 };
  for (let i = 0; i < runs; i++) {
    const model = randomModel(seed * 1_000_003 + i);
    const about = `model ${model.seed} (${[...model.tags].join(', ')})`;
    const verdict = await judge(writeFile(model.file), model.seed);
    if (verdict.kind === 'refused') {
      const tag = beyond.find((t) => model.tags.has(t));
      assert.ok(tag, `${about} is refused: ${verdict.detail}`);
      refused.set(tag, (refused.get(tag) ?? 0) + 1);
      continue;
    }
    assert.is(verdict.kind, 'equal', `${about}: ${verdict.detail}`);
    count.equal++;
    count.values += verdict.values;
    if (verdict.stateful) count.stateful++;
    if (new Set(verdict.expected.flat(2).map((v) => v.join())).size > 8) count.lively++;
    if (!alsoCompile(i) || !verdict.stateful) continue;
    count.modules += await compareModules(verdict, [1 + (i % 3), 7]);
    count.modules += await compareSession(verdict);
  }
  console.log(`  ${JSON.stringify(count)}, refused ${JSON.stringify(Object.fromEntries(refused))}`);
  assert.ok(count.stateful > runs / 2 && count.lively > runs / 2 && count.modules > 0);
});

test.run();
