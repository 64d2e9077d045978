/**
 * Counts up to 2^32 in a file: the readers of the C host take no more steps than the bytes of the file allow
 * (work.c), and read nothing outside.
 *
 * 20,000 modules, 20,000 images and 20,000 frames (RUNLET_MCU_COUNTS; `npm run soak -- mcu`: 10^6 each).
 * Address and undefined-behaviour sanitizers.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as buildBundle } from '../../assembly/build.ts';
import { makeImage } from '../../assembly/bundle/image.ts';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { absentTools } from '../wamr/runner.ts';
import { makeModule, tileImport } from './modules.ts';
import { at, build, mcu, run } from './tools.ts';

const absent = absentTools({ gcc: 'the package gcc' });
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const count = Number(process.env.RUNLET_MCU_COUNTS ?? 20_000);
const seed = Number(process.env.RUNLET_SEED ?? 1);

const here = import.meta.dirname;
function program(): string {
  const object = at('steps.o');
  execFileSync('gcc', ['-std=gnu99', '-O2', '-c', join(here, 'steps.c'), '-o', object]);
  const more = ['runlet-image.c', 'runlet-sha256.c', 'runlet-flash.c', 'runlet-flash-text.c', 'runlet-serial.c'].map((name) =>
    join(mcu, name),
  );
  return build('work.c', { more: [...more, object, '-fsanitize-coverage=trace-pc'] }, false);
}

interface Worked {
  inputs: number;
  maxStepsAByte: number;
  codes: Record<string, number>;
}
function work(...args: (string | number)[]): Worked {
  const { stdout, stderr, ended } = run(program(), ...args);
  assert.is(ended, 'exit 0', `${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as Worked;
}

function written(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

const leb = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...leb(Math.floor(value / 128))]);
const section = (kind: number, ...body: number[]): number[] => [kind, ...leb(body.length), ...body];
const word = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const most = leb(2 ** 32 - 1);
const last = leb(2 ** 32 - 2);
const i32 = 0x7f;

/** Files of a few bytes with the largest possible counts. */
const small: Record<string, number[][]> = {
  'functions and an export of the last': [
    section(1, 1, 0x60, 0, 1, i32),
    section(3, ...most, 0),
    section(7, 1, ...word('rn_abi'), 0, ...last),
  ],
  'functions after an import and an export of the last': [
    section(1, 1, 0x60, 3, i32, i32, i32, 0),
    section(2, 1, ...word('runlet'), ...word('weights'), 0, 0),
    section(3, ...most, 0),
    section(7, 1, ...word('rn_abi'), 0, ...most),
  ],
  types: [section(1, ...most, 0x60, 0, 1, i32), section(3, 1, ...last), section(7, 1, ...word('rn_abi'), 0, 0)],
  globals: [section(6, ...most, i32, 0, 0x41, 0, 0x0b), section(7, 1, ...word('__data_end'), 3, ...last)],
  exports: [section(7, ...most, ...word('more'), 3, 0)],
  imports: [section(2, ...most, ...word('runlet'), ...word('weights'), 0, 0)],
  signatures: [section(0, ...word('signature'), 1, 1, 1, ...most), section(7, ...most)],
};

for (const [name, sections] of Object.entries(small))
  only(`a file of a few bytes with 2^32 ${name} is refused in few steps`, () => {
    const bytes = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, ...sections.flat()]);
    assert.ok(bytes.length < 64);
    const { codes } = work('one', written('small.wasm', bytes));
    assert.is(codes[0], undefined, 'it is refused');
  });

only('modules with counts, lengths and indices of any size take few steps', async () => {
  const { wasm } = await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { sequence: 1 });
  const files = [makeModule(), makeModule({ imports: tileImport }), wasm, await signBundle(wasm, await newKeyPair())];
  const r = work('modules', count, seed, ...files.map((bytes, i) => written(`module-${i}.wasm`, bytes)));
  console.log(`  seed ${seed}: ${JSON.stringify(r)}`);
  // every part refuses some modules, and some are accepted
  for (const code of [0, -4, -6, -7, -10]) assert.ok((r.codes[code] ?? 0) > 0, `${code} never came up`);
});

const images = async (): Promise<string[]> => {
  const bundles = await Promise.all(
    (['embed', 'tile'] as const).map((weights) =>
      buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { weights, sequence: 1 }),
    ),
  );
  const detector = {
    output: 0,
    slidingWindow: 2,
    refractoryMs: 10,
    voice: false,
    words: [{ element: 0, label: 'yes', cutoff: 0.5 }],
  };
  return [
    ...bundles.map((bundle) => makeImage(bundle)),
    makeImage({ ...(bundles[1] as (typeof bundles)[number]), detector }),
  ].map((bytes, i) => written(`image-${i}.bin`, bytes));
};

only('images with numbers of any size take few steps', async () => {
  const r = work('images', count, seed, ...(await images()));
  console.log(`  seed ${seed}: ${JSON.stringify(r)}`);
  for (const code of [0, -2, -4, -5, -6, -7]) assert.ok((r.codes[code] ?? 0) > 0, `${code} never came up`);
});

only('requests with numbers of any size take few steps', async () => {
  const [image] = await images();
  const r = work('frames', count, seed, image as string);
  console.log(`  seed ${seed}: ${JSON.stringify(r)}`);
  assert.ok((r.codes[0] ?? 0) > count / 2);
});

test.run();
