/**
 * The C host on real WAMR: every home of weights gives Node's bytes, in whole hops or pieces, with one or
 * several bundles at once, and no memory grows.
 *
 * 100,000 hops of a small network (RUNLET_MCU_HOPS; `npm run soak -- mcu`: 10^7). Our files are compiled with
 * address and undefined-behaviour sanitizers.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build as buildBundle } from '../../assembly/build.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { todays } from '../shared.ts';
import { tinyEdge, tinyStream } from '../stages/tiny-networks.ts';
import { type Subject, sharedSubjects, zooSubjects } from '../wamr/models.ts';
import { hopsOf, signalOf } from '../wamr/signal.ts';
import { absent, answer, at, build, compileOurs, run } from './tools.ts';

if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const homes = ['embed', 'linear', 'tile'] as const;

interface Held {
  hops: number;
  outputs: number;
  home: number;
  linearBytes: number;
  poolBytes: number;
}

let count = 0;
/** Writes the files of a bundle. @returns the program's arguments for it */
function files({ wasm, weights }: Pick<Bundle, 'wasm' | 'weights'>): [module: string, weights: string] {
  const name = at(`bundle-${count++}`);
  writeFileSync(`${name}.wasm`, wasm);
  if (weights) writeFileSync(`${name}.weights.bin`, weights);
  return [`${name}.wasm`, weights ? `${name}.weights.bin` : '-'];
}

/** Pushes all frames. @returns the program's report and the outputs */
function outputsOf(verb: string, number: number, bundle: Bundle, frames: Uint8Array): Held & { bytes: Uint8Array } {
  writeFileSync(at('frames'), frames);
  const held = answer<Held>(build('host.c'), verb, number, at('frames'), at('outputs'), ...files(bundle));
  return { ...held, bytes: new Uint8Array(readFileSync(at('outputs'))) };
}

const differing = (a: Uint8Array, b: Uint8Array): number =>
  Math.abs(a.length - b.length) + a.reduce((sum, byte, i) => sum + Number(byte !== b[i]), 0);

async function compare({ name, open }: Subject): Promise<void> {
  const make = await open();
  for (const target of ['interp', 'native'] as Target[])
    for (const [i, home] of homes.entries()) {
      const bundle = await make(target, home);
      const { frames, outputs } = await signalOf(bundle);
      // front ends have no weights for a separate file
      const given = bundle.weights ? i : 0;
      const { bytes, ...held } = outputsOf('run', 0, bundle, frames);
      assert.is(differing(bytes, outputs), 0, `${target}, ${home}: number of different bytes`);
      assert.is(held.home, given);
      assert.is(held.hops, hopsOf(bundle.manifest));
      const { memoryBytes } = bundle.manifest.bytes;
      assert.ok(held.linearBytes >= memoryBytes && held.linearBytes <= memoryBytes + 24, `${held.linearBytes}`);
      if (target === 'interp') {
        const parts = `file ${bundle.wasm.length}, linear memory ${held.linearBytes}, pool ${held.poolBytes}`;
        console.log(`  ${name}, ${home}: ${bytes.length} bytes, 0 differ; ${parts}`);
      }
      if (bundle.manifest.inputs.length === 1 && target === 'interp')
        assert.is(differing(outputsOf('pieces', 5 + i, bundle, frames).bytes, outputs), 0, `${home}: pieces, saved and restored`);
    }
}

for (const subject of absent ? [] : todays([...zooSubjects, ...sharedSubjects()]))
  test(`${subject.name}: Node's bytes from every home`, () => compare(subject));

only('nine bundles of three networks and three homes run at once', async () => {
  const makes = [
    (weights: (typeof homes)[number]) => buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { weights }),
    (weights: (typeof homes)[number]) =>
      buildBundle(quantPlan(planStream(tinyEdge(), { hop: 3, mode: 'edge-exact' })), { weights }),
    await (zooSubjects.find(({ name }) => name === 'ppg-hr') as Subject).open().then((make) => (weights: (typeof homes)[number]) => make('interp', weights)), // biome-ignore format: one line
  ];
  const args: string[] = [];
  const expected: [path: string, outputs: Uint8Array][] = [];
  for (const make of makes)
    for (const home of homes) {
      const bundle = await make(home);
      const { frames, outputs } = await signalOf(bundle);
      const name = at(`together-${expected.length}`);
      writeFileSync(`${name}.frames`, frames);
      args.push(`${name}.frames`, `${name}.outputs`, ...files(bundle));
      expected.push([`${name}.outputs`, outputs]);
    }
  const { outputs } = answer<Held>(build('host.c'), 'together', ...args);
  assert.ok(outputs > 9 * 10, `${outputs} outputs`);
  for (const [path, bytes] of expected) assert.is(differing(new Uint8Array(readFileSync(path)), bytes), 0, path);
});

only('neither pool nor heap grows in a long run of a small network', async () => {
  const hops = Number(process.env.RUNLET_MCU_HOPS ?? 100_000);
  for (const home of homes) {
    const paths = files(await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { weights: home }));
    const r = answer<{ hops: number; outputs: number; pool: number[]; poolMost: number[]; heap: number[] }>(
      build('host.c', { sanitizer: 'none' }),
      'soak',
      hops,
      ...paths,
    );
    const text = JSON.stringify(r);
    assert.is(r.hops, hops);
    assert.ok(r.outputs > hops - 10, text);
    for (const [before, after] of [r.pool, r.poolMost, r.heap]) assert.is(after, before, text);
    console.log(`  ${home}: ${hops} hops, pool ${r.pool[1]}, heap ${r.heap[1]}, not a byte more than before`);
  }
});

only('stacks of 2048 bytes are large enough on 64 bits too, and one that is too small gives an error, no crash', async () => {
  const bundle = await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })));
  const { frames, outputs } = await signalOf(bundle);
  assert.is(differing(outputsOf('run', 2048, bundle, frames).bytes, outputs), 0);
  writeFileSync(at('frames'), frames);
  const small = run(build('host.c'), 'run', 64, at('frames'), at('outputs'), ...files(bundle));
  assert.is(small.ended, 'exit 1', small.stderr);
  assert.match(small.stderr, /-2[34]|-19/);
});

only('the C host calls only memory functions of a library, and has one byte of static data', () => {
  const wanted = new Set<string>();
  let data = 0;
  for (const object of compileOurs()) {
    for (const [, name] of execFileSync('nm', ['-u', object], { encoding: 'utf8' }).matchAll(/U (\w+)/g))
      if (!/^(wasm|runlet)_/.test(name as string)) wanted.add(name as string);
    for (const [, bytes] of execFileSync('nm', ['-S', object], { encoding: 'utf8' }).matchAll(/^\w+ (\w+) [bB] /gm))
      data += Number.parseInt(bytes as string, 16);
  }
  assert.equal([...wanted].sort(), ['memcmp', 'memcpy', 'memset', 'strlen', 'strstr']);
  assert.is(data, 1);
});

test.run();
