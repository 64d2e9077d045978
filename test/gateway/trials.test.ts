/**
 * Trials and listeners that go wrong: outputs of 200,000 values, outputs of one value, listeners that throw.
 * A fault fails the trial or the stream and is counted; everything else continues.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { argmax, compareOutputs, Waiting } from '../../host/gateway/hub/agreement.ts';
import { Events, type Fault, type GatewayEvents, type OutputEvent } from '../../host/gateway/hub/events.ts';
import type { Slot } from '../../host/gateway/hub/slot.ts';
import { bundleOf, channels, keys, signal } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const quick = { enduranceHops: 4, outputs: 3, seconds: 60, latencyMs: 1e5 };
const gateways: Gateway[] = [];
async function opened(): Promise<Gateway> {
  const options = { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } };
  const gateway = await Gateway.open(new CrashDisk(), options);
  gateways.push(gateway);
  return gateway;
}
// threads of a failed test would keep the process running
test.after(async () => {
  for (const gateway of gateways) await gateway.close();
});
const wide = 200_000;

async function until(done: () => boolean): Promise<void> {
  for (let wait = 0; !done(); wait++) {
    if (wait > 6000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Flashes a bundle and tries it. */
async function flash(gateway: Gateway, sequence: number, options: Parameters<typeof bundleOf>[1], trial: object = {}) {
  const { wasm, digest } = await bundleOf(sequence, options);
  await gateway.receive(wasm, digest);
  return gateway.try('main', { ...quick, ...trial });
}

/** Pushes frames until `run` has ended. */
async function fed<T>(gateway: Gateway, width: number, run: () => Promise<T>): Promise<T> {
  let ended = false;
  let at = 0;
  const done = run().finally(() => {
    ended = true;
  });
  while (!ended) {
    const { waiting = 0 } = gateway.streams.get('s') ?? {};
    if (waiting < 8) {
      const values = signal(1, at, 4, width);
      gateway.push('s', new Uint8Array(values.buffer), { from: at });
      at += 4;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return done;
}

test(`a bundle with an output of ${wide} values is tried on the live signal and compared`, async () => {
  const gateway = await opened();
  const options = { channels: wide, goldenHops: 2, memory: ['--initialMemory', '40', '--maximumMemory', '40'] };
  assert.is((await flash(gateway, 1, options)).failure, undefined);
  const report = await fed(gateway, wide, () => flash(gateway, 2, { ...options, name: 'wide' }, { agreement: 1 }));
  assert.is(report.failure, undefined);
  assert.is(report.phase, 'confirmed');
  assert.ok(report.compared > 0 && report.agreement === 1 && report.maxDifference === 0);
  const kept = gateway.outputs('s').reduce((sum, { raw }) => sum + raw.length, 0);
  assert.ok(kept <= 1 << 20, `${kept} values of outputs are kept`);
});

for (const differs of [false, true])
  test(`outputs of one value agree only if the values are equal: ${differs ? 'another' : 'an equal'} value, ${differs ? 'no ' : ''}agreement`, async () => {
    const gateway = await opened();
    assert.is((await flash(gateway, 1, { channels: 1 })).failure, undefined);
    // the same bytes with another zero point are other real values
    const manifest = (m: Manifest) => ({
      ...m,
      outputs: m.outputs.map((port) => ({ ...port, zeroPoint: differs ? 3 : port.zeroPoint })),
    });
    const edit: [string, string][] = differs ? [['case 66: return 0;', 'case 66: return 3;']] : [];
    const report = await fed(gateway, 1, () => flash(gateway, 2, { channels: 1, edit, manifest }, { agreement: 0.5 }));
    assert.ok(report.compared > 0);
    assert.equal([report.failure?.code, report.agreement], differs ? ['RN833', 0] : [undefined, 1]);
  });

test('outputs agree if the largest element has the same index, or if the only value is equal', () => {
  const of = (...outputs: number[][]) => outputs.map((values) => Float32Array.from(values));
  const agrees = (mine: number[][], theirs: number[][]) => compareOutputs(of(...mine), of(...theirs)).agrees;
  assert.ok(agrees([[1]], [[1]]));
  assert.not.ok(agrees([[1]], [[1.5]]), 'one value');
  assert.not.ok(agrees([[1, 2], [3]], [[1, 2], [4]]), 'the second output is one value');
  assert.not.ok(agrees([[3], [1, 2]], [[4], [1, 2]]), 'the first output is one value');
  assert.ok(agrees([[1, 5, 2]], [[0, 3, 1]]));
  assert.not.ok(agrees([[1, 5, 2]], [[6, 5, 2]]));
  assert.is(compareOutputs(of([1, 5], [2]), of([1, 1], [9])).difference, 7);
  assert.is(compareOutputs(of([1]), of([1])).difference, 0);
  for (const theirs of [of([1]), of([1, 2, 3]), of(), of([1, 2], [3])]) assert.throws(() => compareOutputs(of([1, 2]), theirs));
  assert.is(argmax(Float32Array.from([2, 7, 7, 1])), 1);
  assert.is(argmax(Float32Array.from({ length: 1e6 }, (_, i) => -Math.abs(i - 654_321))), 654_321);
});

test('outputs that wait for their counterpart are bounded in number and values, and the oldest is dropped first', () => {
  const small = new Waiting();
  for (let i = 0; i < 10_000; i++) small.add(`s ${i}`, [new Float32Array(1)]);
  assert.ok(small.size > 1000 && small.size < 10_000, `${small.size} wait`);
  assert.is(small.take('s 0'), undefined);
  assert.ok(small.take('s 9999'));
  const large = new Waiting();
  for (let i = 0; i < 100; i++) large.add(`s ${i}`, [new Float32Array(wide)]);
  assert.ok(large.size * wide * 4 <= 64 << 20, `${large.size} wait`);
  assert.is(large.take('s 99')?.[0]?.length, wide);
  for (let i = 0; i < 1000; i++) large.add('s 1', [new Float32Array(wide)]);
  assert.ok(large.take('s 1'), 'the same place again and again takes room once');
});

test('a listener that throws, now or later, is counted and reported, and all other listeners are still called', async () => {
  const events = new Events<GatewayEvents>();
  const faults: Fault[] = [];
  const heard: string[] = [];
  events.on('stream', () => {
    throw new Error('at once');
  });
  events.on('stream', (async () => {
    throw new Error('later');
  }) as () => void);
  events.on('stream', ({ stream }) => heard.push(stream));
  events.on('fault', () => {
    throw new Error('even this one');
  });
  events.on('fault', (fault) => faults.push(fault));
  assert.is(events.emit('stream', { stream: 'a', slot: 'main', state: 'opened' }), false);
  await until(() => faults.length === 2);
  assert.equal(heard, ['a']);
  assert.equal(
    faults.map(({ event, error }) => [event, (error as Error).message]),
    [
      ['stream', 'at once'],
      ['stream', 'later'],
    ],
  );
  assert.is(events.faults, 4);
});

test('a listener that throws during a trial fails the trial, and the old bundle still runs', async () => {
  const gateway = await opened();
  await flash(gateway, 1, {});
  const stop = gateway.events.on('trial', ({ phase }) => {
    if (phase === 'live') throw new Error('a page that cannot show this');
  });
  const report = await fed(gateway, channels, () => flash(gateway, 2, {}));
  stop();
  assert.equal([report.phase, report.failure?.code], ['failed', 'RN849']);
  const { active, last, trial } = gateway.store.slot('main');
  assert.equal([active?.sequence, last?.code, trial], [1, 'RN849', false]);
  assert.is((await fed(gateway, channels, () => flash(gateway, 3, {}))).phase, 'confirmed');
});

test('a fault during an output fails that stream and no other', async () => {
  const gateway = await opened();
  await flash(gateway, 1, {});
  const slot = gateway.slots.get('main') as Slot;
  const outputs: OutputEvent[] = [];
  const states: string[] = [];
  gateway.events.on('output', (output) => outputs.push(output));
  gateway.events.on('stream', ({ stream, state }) => stream === 'bad' && states.push(state));
  slot.expect = ({ stream }) => {
    if (stream === 'bad') throw new Error('a fault of the gateway');
  };
  for (let at = 0; at < 80; at += 8)
    for (const stream of ['bad', 'good']) gateway.push(stream, new Uint8Array(signal(1, at, 8).buffer), { from: at });
  await until(() => states.includes('failed') && outputs.length === 19);
  assert.is(gateway.streams.get('bad')?.failure?.code, 'RN849');
  assert.equal(
    outputs.map(({ stream, sequence }) => [stream, sequence]),
    Array.from({ length: 19 }, (_, i) => ['good', i]),
  );
});

test.run();
