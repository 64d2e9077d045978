/** Damaged ONNX files: RUNLET_FUZZ_COUNT of them (default 3000), from RUNLET_FUZZ_SEED (default 1). */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stepFiles } from '../read/step-models.ts';
import { fuzzOnnx } from './onnx.ts';

const folder = new URL('../fixtures/onnx/', import.meta.url);
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => new Uint8Array(readFileSync(new URL(name, folder))));
const files = [...fixtures, ...stepFiles()];

test('a damaged ONNX file gives a graph or a RunletError', () => {
  const count = Number(process.env.RUNLET_FUZZ_COUNT ?? 3000);
  const result = fuzzOnnx({ count, seed: Number(process.env.RUNLET_FUZZ_SEED ?? 1), files });
  if (process.env.RUNLET_FUZZ_COUNT) console.log(JSON.stringify(result));
  assert.is(result.tried, count);
  assert.ok(result.refused > 0 && result.accepted > 0);
});

test.run();
