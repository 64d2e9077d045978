/**
 * The oracle itself: its values equal every run of every reference model, and those of every tensor if the
 * run recorded them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseNpy } from '../read/npy.ts';
import { shared } from '../shared.ts';
import { Oracle } from './execute.ts';
import { rawBytes } from './runtime.ts';

const models = shared('models');
const bytesAt = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
const numbersAt = (path: string): ArrayLike<number> => parseNpy(bytesAt(path)).data;

/** Counts the differing values of one run. */
function compareRun(oracle: Oracle, folder: string, run: string): { values: number; wrong: number } {
  oracle.reset();
  const [input, output] = [oracle.inputs[0]?.values.length ?? 0, oracle.outputs[0]?.values.length ?? 0];
  const signal = parseNpy(bytesAt(join(folder, `${run}.in0.npy`))).data;
  const expected = numbersAt(join(folder, `${run}.out0.npy`));
  const about = JSON.parse(readFileSync(join(folder, `${run}.json`), 'utf8')) as { logits?: { file: string; tensor: number } };
  const logits = about.logits && numbersAt(join(folder, about.logits.file));
  let values = 0;
  let wrong = 0;
  const compare = (got: ArrayLike<number>, from: ArrayLike<number>, at: number) => {
    for (let i = 0; i < got.length; i++) if (got[i] !== from[at + i]) wrong++;
    values += got.length;
  };
  for (let step = 0; (step + 1) * input <= signal.length; step++) {
    const [got] = oracle.step([signal.subarray(step * input, (step + 1) * input)]);
    compare(got ?? [], expected, step * output);
    if (logits && about.logits) {
      const tensor = oracle.tensors[about.logits.tensor]?.values ?? [];
      compare(tensor, logits, step * tensor.length);
    }
  }
  assert.ok(values >= expected.length, `${folder} ${run}: ${values} values`);
  return { values, wrong };
}

/** Counts the differing bytes of every tensor in the first steps. */
function compareTensors(oracle: Oracle, folder: string): { values: number; wrong: number } {
  const list = JSON.parse(readFileSync(join(folder, 'rand.tensors.json'), 'utf8')) as {
    tensor: number;
    type: string;
    offset: number;
    bytes: number;
  }[];
  const all = bytesAt(join(folder, 'rand.tensors.bin'));
  const signal = parseNpy(bytesAt(join(folder, 'rand.in0.npy'))).data;
  const input = oracle.inputs[0]?.values.length ?? 0;
  const bytesPerStep = Math.max(...list.map((t) => t.offset + t.bytes));
  oracle.reset();
  let values = 0;
  let wrong = 0;
  for (let step = 0; (step + 1) * bytesPerStep <= all.length; step++) {
    oracle.step([signal.subarray(step * input, (step + 1) * input)]);
    for (const { tensor, type, offset, bytes } of list) {
      if (type === 'RESOURCE') continue;
      const t = oracle.tensors[tensor];
      const got = t ? rawBytes(t) : new Uint8Array(0);
      assert.is(got.length, bytes, `tensor ${tensor} of ${folder}`);
      got.forEach((v, i) => {
        if (v !== all[step * bytesPerStep + offset + i]) wrong++;
      });
      values += bytes;
    }
  }
  assert.ok(values > 0, folder);
  return { values, wrong };
}

if (models) {
  const folders = readdirSync(models, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('model.tflite') && !f.includes('audio_preprocessor'))
    .map((f) => dirname(f))
    .sort();
  for (const name of folders) {
    test(`${name}: the oracle equals every recorded value`, () => {
      const folder = join(models, name);
      const oracle = new Oracle(bytesAt(join(folder, 'model.tflite')));
      const runs = readdirSync(folder)
        .filter((f) => f.endsWith('.in0.npy'))
        .map((f) => f.slice(0, -8));
      assert.ok(runs.length >= 3);
      const results = runs.map((run) => compareRun(oracle, folder, run));
      if (existsSync(join(folder, 'rand.tensors.bin'))) results.push(compareTensors(oracle, folder));
      const sum = (key: 'values' | 'wrong') => results.reduce((n, r) => n + r[key], 0);
      console.log(`  ${name}: ${runs.length} runs, ${sum('values')} values`);
      assert.is(sum('wrong'), 0);
    });
  }
  test('there are at least 12 reference models', () => {
    assert.ok(folders.length >= 12, `${folders.length} models`);
  });
}

test.run();
