/**
 * The gate of the C host against Node's: random networks over WAMR and as plain C give the same outputs byte
 * for byte and the same counts, and so does the zoo's kws behind vad. The rule alone, and streams with any
 * constants, arguments and failures.
 *
 * Counts: RUNLET_MCU_GATES networks over WAMR (default 24), every ninth and the misaligned ones also as plain
 * C; RUNLET_MCU_STREAMS made-up streams (default 20,000); seed RUNLET_SEED (default 1). Address and
 * undefined-behaviour sanitizers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bundle, build as buildBundle } from '../../assembly/build.ts';
import { storedBytes } from '../../assembly/bundle/manifest.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { Gate, type GatedCount, GatedStream, openSession, type Session, type Stored } from '../../host/session/index.ts';
import { bytesOf, storedZeros } from '../../host/session/open.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { makeNetwork, random } from '../property/random-network.ts';
import { recurrentNetwork } from '../property/recurrent-network.ts';
import { absentTools } from '../wamr/runner.ts';
import { planned, plans } from './random-plans.ts';
import { absent, answer, at, build, plainC } from './tools.ts';

const networks = Number(process.env.RUNLET_MCU_GATES ?? 24);
const streams = Number(process.env.RUNLET_MCU_STREAMS ?? 20_000);
const seed = Number(process.env.RUNLET_SEED ?? 1);
const noCompiler = absentTools({ gcc: 'the package gcc' });
for (const why of new Set([absent, noCompiler])) if (why) console.log(`skipped: ${why}`);
const overWamr = absent ? test.skip : test;
const asPlainC = noCompiler ? test.skip : test;

const outputsOf = (session: Session): Uint8Array[] =>
  session.manifest.outputs.map((_, i) => bytesOf(session.outputRaw(i).slice()));

/** A gated run: the signal of each input, the outputs that are wanted, and what Node gives. */
interface Run {
  signals: Stored[];
  wanted: Uint8Array;
  preRoll: number;
  keptFrames: number;
  keptBytes: number;
  count: GatedCount;
  early: number;
  /** For each computed output a byte with the hops to the wanted one, and the output. */
  records: Uint8Array;
}

/** Runs a bundle in Node twice, with a reset between, as gate.c does. */
async function inNode({ wasm, manifest }: Bundle, rnd: () => number): Promise<Run> {
  const preRoll = Math.floor(rnd() * 3);
  const stream = new GatedStream(await openSession(wasm as BufferSource), preRoll);
  const frames = 3 * stream.keptFrames + 12 * manifest.hop;
  const signals = manifest.inputs.map((port) => {
    const signal = storedZeros(port, frames * (port.rate ?? 1) * port.elements);
    return signal.map(() => Math.floor(rnd() * 65536)) as Stored;
  });
  const wanted = new Uint8Array(frames);
  for (let n = 0, open = rnd() < 0.5 ? 1 : 0; n < frames; open = 1 - open) {
    const to = n + 1 + Math.floor(rnd() * rnd() * (2 * (stream.keptFrames / manifest.hop) + 8));
    wanted.fill(open, n, to);
    n = to;
  }
  const records: Uint8Array[] = [];
  let early = 0;
  for (let round = 0; round < 2; round++) {
    let due = 0;
    stream.push(
      signals,
      () => wanted[due++] === 1,
      (index, isEarly) => {
        if (isEarly) early++;
        records.push(Uint8Array.of(stream.clock.outputIndex - index), ...outputsOf(stream.session));
      },
    );
    stream.reset();
  }
  const { keptFrames, keptBytes, count } = stream;
  return { signals, wanted, preRoll, keptFrames, keptBytes, count: { ...count }, early, records: Buffer.concat(records) };
}

interface Answer {
  code: number;
  keptFrames: number;
  keptBytes: number;
  count: GatedCount;
}

function runC(program: string, { signals, wanted, preRoll }: Run, more: string[]): Answer & { records: Uint8Array } {
  writeFileSync(at('signal'), Buffer.concat(signals.map(bytesOf)));
  writeFileSync(at('wanted'), wanted);
  const got = answer<Answer>(program, seed, preRoll, at('signal'), at('wanted'), at('records'), ...more);
  return { ...got, records: new Uint8Array(readFileSync(at('records'))) };
}

function compare(got: ReturnType<typeof runC>, expected: Run, what: string): void {
  assert.is(got.code, 0, what);
  assert.is(Buffer.compare(got.records, expected.records), 0, `${what}: outputs that differ`);
  assert.equal(got.count, expected.count, what);
  assert.equal([got.keptFrames, got.keptBytes], [expected.keptFrames, expected.keptBytes], what);
}

/** Runs a bundle over WAMR. */
function inWamr({ wasm }: Bundle, expected: Run): ReturnType<typeof runC> {
  writeFileSync(at('gated.wasm'), wasm);
  return runC(build('gate.c'), expected, [at('gated.wasm'), '-']);
}

/** Runs a network as plain C. Its header has the kept frames and bytes; with a state it has none. */
async function inPlainC(quant: QuantPlan, { manifest }: Bundle, expected: Run): Promise<ReturnType<typeof runC>> {
  const c = await buildC(quant, manifest, { name: 'model' });
  const bytes = manifest.outputs.map((port) => port.elements * storedBytes(port));
  const got = runC(build('gate.c', { more: plainC(c), defines: [`PLAIN={${bytes}}`] }, false), expected, []);
  const constants = [...(c.files['src/model.h'] as string).matchAll(/^#define MODEL_(MAY_SLEEP|PRE_ROLL|KEPT_\w+) (\d+)$/gm)];
  const found = Object.fromEntries(constants.map(([, name, value]) => [name, Number(value)]));
  const frames = got.keptFrames - expected.preRoll * manifest.hop;
  const keptBytes = (got.keptBytes / got.keptFrames) * frames;
  if (manifest.carriesState) assert.equal(found, { MAY_SLEEP: 0 });
  else assert.equal(found, { MAY_SLEEP: 1, PRE_ROLL: 0, KEPT_FRAMES: frames, KEPT_BYTES: keptBytes });
  return got;
}

overWamr(`random networks give Node's outputs and counts, over WAMR and as plain C (${networks}, seed ${seed})`, async () => {
  const sums = { ran: 0, plain: 0, outputs: 0, wakeUps: 0, early: 0, int16: 0, inputs: 0, misaligned: 0 };
  // a hop that the micro-hop does not divide is rare: after the others the sample goes on until there is one
  for (const quant of plans(10 * networks, seed)) {
    const rest = sums.ran >= networks;
    if (rest && sums.misaligned > 0) break;
    if (rest && quant.plan.hop % quant.plan.microHop === 0) continue;
    const bundle = await buildBundle(quant, { style: 'table', kernels: 'every' });
    const { manifest } = bundle;
    if (manifest.carriesState) continue;
    const rnd = random(seed ^ (sums.ran * 0x9e37));
    const expected = await inNode(bundle, rnd);
    const what = `network ${sums.ran}, ${manifest.mode}, hop ${manifest.hop}`;
    compare(inWamr(bundle, expected), expected, `${what}, WAMR`);
    const misaligned = manifest.hop % manifest.microHop > 0;
    // every ninth, so that all kinds of networks have their turn
    if (misaligned || sums.ran % 9 === 0) {
      compare(await inPlainC(quant, bundle, expected), expected, `${what}, plain C`);
      sums.plain++;
    }
    sums.ran++;
    sums.outputs += expected.count.wanted;
    sums.wakeUps += expected.count.wakeUps;
    sums.early += expected.early;
    if (manifest.inputs.some((port) => storedBytes(port) === 2)) sums.int16++;
    if (manifest.inputs.length > 1) sums.inputs++;
    if (misaligned) sums.misaligned++;
  }
  console.log(`  ${JSON.stringify(sums)}`);
  assert.ok(sums.ran > networks / 2 && sums.outputs > sums.ran && sums.wakeUps > sums.ran / 2, JSON.stringify(sums));
  for (const [what, number] of Object.entries(sums)) assert.ok(networks < 24 || number > 0, what);
});

overWamr('a model that carries a state is refused, over WAMR and as plain C', async () => {
  for (const spec of fc.sample(recurrentNetwork, { numRuns: 40, seed })) {
    const quant = planned(makeNetwork(spec), 2, ['stream'], 0);
    if (!quant) continue;
    const bundle = await buildBundle(quant, { style: 'table', kernels: 'every' });
    if (!bundle.manifest.carriesState) continue;
    const nothing = {
      signals: [],
      wanted: new Uint8Array(),
      preRoll: 0,
      keptFrames: 0,
      keptBytes: 0,
      early: 0,
      records: new Uint8Array(),
    };
    const expected = { ...nothing, count: {} as GatedCount };
    assert.is(inWamr(bundle, expected).code, -28);
    assert.is((await inPlainC(quant, bundle, expected)).code, -28);
    return;
  }
  assert.unreachable('no network of the sample carries a state');
});

const fuzz = () => build('gate-fuzz.c', {}, false);

asPlainC('the rule is open at the same frames as in Node', () => {
  const rnd = random(seed);
  for (const orEqual of [false, true])
    for (const holdFrames of [0, 7, 2 ** 40]) {
      const gate = new Gate({ output: 0, element: 0, threshold: 0.5, orEqual, holdFrames });
      const values: number[] = [0.5, Number(orEqual), holdFrames, 0];
      let open = '';
      for (let n = 0, frame = 0; n < 2000; n++) {
        // some values equal the threshold, some are no number; frames reach beyond 2^32
        const value = rnd() < 0.05 ? Number.NaN : Math.floor(rnd() * 3) / 4 + (rnd() < 0.8 ? 0 : 0.25);
        const begins = rnd() < 0.01;
        if (begins) gate.reset();
        frame += Math.floor(rnd() * (n % 100 ? 6 : 2 ** 36));
        const asked = frame + Math.floor(rnd() * 10);
        gate.judge(value, frame);
        open += gate.isOpen(asked) ? '1' : '0';
        values.push(value, frame, asked, Number(begins));
      }
      writeFileSync(at('values'), new Uint8Array(Float64Array.from(values).buffer));
      assert.is(answer<{ open: string }>(fuzz(), 'rule', at('values')).open, open, `${orEqual ? '>=' : '>'}, hold ${holdFrames}`);
      assert.ok(open.includes('1') && (open.includes('0') || holdFrames > 7));
    }
});

asPlainC(`streams with any constants, arguments and failures (${streams}, seed ${seed})`, () => {
  const r = answer<{ ran: number; outputs: number; early: number; codes: Record<string, number> }>(
    fuzz(),
    'streams',
    streams,
    seed,
  );
  console.log(`  ${JSON.stringify(r)}`);
  assert.ok(r.ran > streams / 3 && r.outputs > r.ran && r.early > r.ran / 2);
  for (const code of [0, -1, -21, -22, -23, -28]) assert.ok((r.codes[code] ?? 0) > 0, `${code} never came up`);
});

test.run();
