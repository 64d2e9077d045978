/**
 * Fuzz test of the C host: randomly changed bundles are checked, loaded and run; calls come in any order with
 * any arguments; signed bundles get changed bits.
 *
 * 20,000 bundles and 100,000 calls (RUNLET_MCU_BUNDLES, RUNLET_MCU_CALLS; `npm run soak -- mcu`: 10^5 and
 * 10^6). Our files are compiled with the address and undefined-behaviour sanitizers, WAMR without them. A
 * fault in WAMR is listed below with its reason; a fault in our files fails the test. With
 * RUNLET_WAMR_SANITIZE=1 WAMR is also compiled with sanitizers (`npm run soak -- mcu-wamr`), and faults.ts
 * lists their reports about WAMR.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as buildBundle } from '../../assembly/build.ts';
import { hexOf, newKeyPair } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyEdge, tinyStream } from '../stages/tiny-networks.ts';
import { reportsOf, unknownReports } from './faults.ts';
import { makeModule } from './modules.ts';
import { absent, answer, at, build, openssl, run, runWith, selfTestFiles, wamrSanitized } from './tools.ts';

if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const bundleCount = Number(process.env.RUNLET_MCU_BUNDLES ?? 20_000);
const callCount = Number(process.env.RUNLET_MCU_CALLS ?? 100_000);
const seed = Number(process.env.RUNLET_SEED ?? 1);

/**
 * Known faults in WAMR 2.4.3 that a changed bundle can provoke: from network, home, seed and number of the
 * bundle to the reason. None is known.
 */
const knownFaults: Record<string, string> = {};

const reported = new Set<string>();
/** Checks that no report is about our files, and keeps those about WAMR. */
function noted(stderr: string): void {
  const { wamr, ours } = reportsOf(stderr);
  assert.equal(ours, []);
  for (const one of wamr) reported.add(one);
}

interface Bundles {
  count: number;
  ran: number;
  disagreed: number;
  leaks: number;
  faultCount: number;
  codes: Record<string, number>;
  calls: Record<string, number>;
  faults: { number: number; ended: number }[];
}

const networks = {
  stream: () => quantPlan(planStream(tinyStream(), { hop: 12 })),
  edge: () => quantPlan(planStream(tinyEdge(), { hop: 3, mode: 'edge-exact' })),
};
const subjects = [
  ['stream', 'embed'],
  ['stream', 'tile'],
  ['edge', 'linear'],
  ['edge', 'tile'],
] as const;

async function files(network: keyof typeof networks, home: 'embed' | 'linear' | 'tile'): Promise<[string, string]> {
  const { wasm, weights } = await buildBundle(networks[network](), { weights: home, target: 'interp' });
  const name = at(`${network}-${home}`);
  writeFileSync(`${name}.wasm`, wasm);
  if (weights) writeFileSync(`${name}.weights.bin`, weights);
  return [`${name}.wasm`, weights ? `${name}.weights.bin` : '-'];
}

for (const [network, home] of subjects) {
  only(`changed bundles: ${network}, ${home}`, async () => {
    const count = Math.ceil(bundleCount / subjects.length);
    const paths = await files(network, home);
    const { stdout, stderr, ended } = run(build('fuzz.c'), 'bundles', count, seed, ...paths);
    assert.is(ended, 'exit 0', stderr);
    const r = JSON.parse(stdout) as Bundles;
    console.log(
      `  ${network}, ${home}: ${r.count} bundles, ${r.ran} ran; codes ${JSON.stringify(r.codes)}, pushes ${JSON.stringify(r.calls)}`,
    );
    const unknown = r.faults.filter(({ number }) => !knownFaults[`${network} ${home} ${seed} ${number}`]);
    noted(stderr);
    assert.equal(unknown, [], `${r.faultCount} faults; ${stderr}`);
    assert.is(r.disagreed, 0, 'a check and an opening that disagree, or a push with another answer');
    assert.is(r.leaks, 0, 'bundles after which the pool was not whole again');
    // many bundles reach the interpreter, and every stage refuses some
    assert.ok(r.ran > count / 50, `${r.ran} of ${count} ran`);
    for (const code of [-4, -10, -18]) assert.ok((r.codes[code] ?? 0) > 0, `${code} never came up`);
  });

  only(`calls in any order: ${network}, ${home}`, async () => {
    const count = Math.ceil(callCount / subjects.length);
    const { stdout, stderr, ended } = run(build('fuzz.c'), 'calls', count, seed, ...(await files(network, home)));
    noted(stderr);
    assert.is(ended, 'exit 0', stderr);
    const r = JSON.parse(stdout) as { wrong: number; leaked: boolean; made: number[] };
    assert.is(r.wrong, 0, stderr);
    assert.is(r.leaked, false);
    assert.ok(r.made.every((n) => n > 0) && r.made.reduce((a, b) => a + b) > count / 2, JSON.stringify(r.made));
  });
}

(absent || !openssl ? test.skip : test)('a signed bundle: no changed bit passes', async () => {
  const pair = await newKeyPair();
  const { wasm } = await buildBundle(networks.stream());
  writeFileSync(at('signed.wasm'), await signBundle(wasm, pair));
  const program = build('signed.c', { more: [join(import.meta.dirname, 'crypto.c'), '-lcrypto'] });
  const count = Math.ceil(bundleCount / 10);
  const r = answer<{ passed: number; passedId: number; codes: Record<string, number> }>(program, count, seed, at('signed.wasm'), hexOf(pair.publicKey)); // biome-ignore format: one line
  assert.is(r.passed, 0, JSON.stringify(r));
  // the 96 bits of the key id, once each, and some again by chance
  assert.ok(r.passedId >= 96 && r.passedId < 96 + count / 20, JSON.stringify(r));
  assert.ok((r.codes[-13] ?? 0) > count / 2 && (r.codes[-12] ?? 0) > 0 && (r.codes[-4] ?? 0) > 0, JSON.stringify(r));
});

if (wamrSanitized) {
  only('every sanitizer report about WAMR is a known one', () => {
    console.log(`  ${reported.size} places inside WAMR:\n    ${[...reported].sort().join('\n    ')}`);
    assert.equal(unknownReports([...reported]), []);
  });

  (openssl ? only : test.skip)("WAMR's bounds are those of whole pages, whatever the platform gives", () => {
    const program = build('open.c', { more: [...selfTestFiles, join(import.meta.dirname, 'crypto.c'), '-lcrypto'] });
    // the memory has 1024 bytes
    const push = (address: number, exact: boolean) => {
      writeFileSync(at('outside.wasm'), makeModule({ push: `(i32.store8 (i32.const ${address}) (i32.const 1)) (i32.const 1)` }));
      const { stdout, stderr } = runWith(
        exact ? { RUNLET_EXACT_MEMORY: '1' } : {},
        program,
        `module=${at('outside.wasm')}`,
        'calls=p',
      );
      return {
        calls: (/"calls":\[(-?\d+)\]/.exec(stdout) ?? [])[1],
        wamr: reportsOf(stderr).wamr.filter((one) => !one.includes('misaligned')),
      };
    };
    assert.equal(push(1023, true), { calls: '1', wamr: [] });
    assert.equal(push(4096, true), { calls: '-23', wamr: [] });
    assert.equal(push(1024, false), { calls: '1', wamr: [] });
    const [report, ...others] = push(1024, true).wamr;
    assert.match(report ?? '', /wasm_runtime_common\.h:260: heap-buffer-overflow in STORE_U8$/);
    assert.equal(others, []);
  });
}

test.run();
