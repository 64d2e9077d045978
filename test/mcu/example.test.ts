/**
 * The example of docs/c-host.md: compiled unchanged from the page, with all warnings and sanitizers, and run.
 * Its outputs are those of Node.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openModule } from '../../host/session/open.ts';
import { textOf } from '../sources.ts';
import { type Subject, zooSubjects } from '../wamr/models.ts';
import { absent, at, build, run } from './tools.ts';

if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;

only('the example gives Node’s outputs from all homes, and codes with a message when it must stop', async () => {
  const source = /```c\n([\s\S]*?int main[\s\S]*?)```/.exec(textOf('docs/c-host.md'))?.[1];
  assert.ok(source);
  writeFileSync(at('example.c'), source as string);
  const program = build(at('example.c'));
  const make = await (zooSubjects.find(({ name }) => name === 'ppg-hr') as Subject).open();
  for (const home of ['embed', 'linear', 'tile'] as const) {
    const { wasm, weights } = await make('interp', home);
    writeFileSync(at('ppg.wasm'), wasm);
    if (weights) writeFileSync(at('ppg.weights.bin'), weights);
    const { stdout, stderr, ended } = run(program, at('ppg.wasm'), ...(weights ? [at('ppg.weights.bin')] : []));
    assert.is(ended, 'exit 0', stdout + stderr);
    const { exports, inputs, outputs, manifest } = await openModule(wasm as BufferSource, { weights: weights as BufferSource });
    exports.rn_reset();
    const answers: string[] = [];
    for (let pushed = 0, n = 0; pushed < 16; pushed++) {
      inputs[0]?.set(Int8Array.from({ length: manifest.hop }, () => ((n * (8 + (n++ >> 8))) % 256) - 128));
      const { scale, zeroPoint } = manifest.outputs[0] as { scale: number; zeroPoint: number };
      if (exports.rn_push(manifest.hop) === 1)
        answers.push(String(Math.fround(scale) * ((outputs[0]?.[0] as number) - zeroPoint)));
    }
    assert.ok(new Set(answers).size > 3, answers.join());
    const found = [...stdout.matchAll(/^answer (.*)$/gm)].map(([, value]) => Number(value));
    assert.equal(found, answers.map((value) => Number(Number(value).toPrecision(6)))); // biome-ignore format: one line
    assert.match(stdout, /^hop 64, window 256, memory \d+, pool \d+\n[\s\S]*\nlost 0, most waiting \d+\n$/);
  }
  writeFileSync(at('cut.wasm'), readFileSync(at('ppg.wasm')).subarray(0, 1000));
  const cut = run(program, at('cut.wasm'));
  assert.is(cut.ended, 'exit 1');
  assert.match(cut.stdout, /^-4: a section of the module is cut short/, cut.stderr);
});

test.run();
