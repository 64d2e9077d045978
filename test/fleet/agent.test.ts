/**
 * A gateway's agent without a broker: every kind of desired state, its reports, and hostile messages.
 *
 * RUNLET_FLEET_MESSAGES hostile messages (`npm run soak -- fleet`: 100,000): unsigned, signed by a stranger,
 * changed, replayed, for other gateways, or with too large a number. None crashes or changes the gateway.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { unsigned } from '../../assembly/bundle/sign.ts';
import { Agent } from '../../host/gateway/fleet/agent.ts';
import { fleetMemory } from '../../host/gateway/fleet/memory.ts';
import {
  type Desired,
  encode,
  gatewayOf,
  maxSequence,
  maxSequenceJump,
  parseDesired,
  parseEnvelope,
  parseReported,
} from '../../host/gateway/fleet/messages.ts';
import { sealer } from '../../host/gateway/fleet/signed.ts';
import { isRunletError } from '../../models/error.ts';
import { bundleOf, bytesOf, digestOf, signal } from '../gateway/bundles.ts';
import { mutate, randomOf } from '../host/helpers.ts';
import { fixture, newer, sealedByOther, trial, unsealed } from './agent-of.ts';

const messages = Number(process.env.RUNLET_FLEET_MESSAGES ?? 4000);
const seed = Number(process.env.RUNLET_SEED ?? 20260724);
console.log(`seed ${seed}, ${messages} messages`);

const atPush = (n: number, body: string): [string, string][] => [
  [
    'let due: i32 = 0;',
    `let due: i32 = 0; store<i32>(state, load<i32>(state, 12) + 1, 12); if (load<i32>(state, 12) == ${n}) { ${body} }`,
  ],
];

test('a desired bundle is fetched once and run, and each step is reported', async () => {
  const { reports, fetched, offer, desired, ends, runs, close } = await fixture();
  const first = offer(await bundleOf(5));
  assert.is(await ends(desired(7, first)), 'confirmed');
  assert.is(runs(), first);
  const seen = reports.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1]);
  assert.equal(seen, ['downloading', 'staged', 'trial', 'confirmed']);
  assert.ok(reports.every((report) => parseReported(encode(report))));
  assert.equal(reports.at(-1)?.active, { digest: first, name: 'moving-average', version: '1.5.0', sequence: 5 });
  assert.equal([reports.at(-1)?.sequence, reports.at(-1)?.digest], [7, first]);

  const before = reports.length;
  assert.is(await ends(desired(7, first)), 'confirmed');
  assert.is(reports.length, before + 1, 'the same again is answered');
  const second = offer(await bundleOf(6));
  for (const message of [desired(6, second), desired(7, second), desired(0, null), desired(6, null, { instead: first })]) {
    await ends(message);
    assert.equal(reports.at(-1)?.refused, { code: 'RN897', digest: digestOf(message) });
  }
  assert.equal(fetched, [first], 'what is older, or other than what came under its number, is refused');
  assert.is(runs(), first);
  assert.is(await ends(desired(8, first)), 'confirmed', 'what runs already');
  assert.is(fetched.length, 1);
  await close();
});

test('a bundle that cannot run is given up with its code, and the old one still runs', async () => {
  const { offer, desired, ends, runs, close } = await fixture();
  const first = offer(await bundleOf(5));
  await ends(desired(1, first));
  const other = await bundleOf(6);
  const cases: [string, string][] = [
    ['reverted RN831', offer(await bundleOf(6, { edit: atPush(100, 'unreachable();') }))],
    [
      'reverted RN713',
      offer(await bundleOf(6, { manifest: (m) => ({ ...m, golden: { ...m.golden, digest: '0'.repeat(64) } }) })),
    ],
    ['failed RN610', offer(await bundleOf(6, { key: await newKeyPair() }))],
    ['failed RN608', offer({ wasm: unsigned(other.wasm), digest: digestOf(unsigned(other.wasm)) })],
    ['failed RN810', offer({ wasm: other.wasm, digest: 'f'.repeat(64) })],
    ['failed RN817', offer(await bundleOf(4))],
    ['failed RN822', offer(await bundleOf(6, { channels: 5 }))],
    ['failed RN853', 'e'.repeat(64)],
  ];
  let sequence = 1;
  for (const [wanted, digest] of cases) {
    assert.is(await ends(desired(++sequence, digest, { trial: { ...trial, enduranceHops: 400 } })), wanted);
    assert.is(runs(), first);
  }
  assert.is(
    await ends(desired(++sequence, 'e'.repeat(64), { bundle: { digest: 'e'.repeat(64), at: 'gateway' } })),
    'failed RN856',
  );
  await close();
});

test('a rollback happens only from the named bundle, and only to the previous one', async () => {
  const { offer, desired, ends, runs, close } = await fixture();
  const [first, second] = [offer(await bundleOf(5)), offer(await bundleOf(6))];
  await ends(desired(1, first));
  await ends(desired(2, second));
  const back = (digest: string, instead: string) => ({ bundle: { digest, at: 'gateway' as const }, instead });
  assert.is(await ends(desired(3, null, back('a'.repeat(64), second))), 'failed RN856', 'the one before is another');
  assert.is(await ends(desired(4, null, back(first, 'a'.repeat(64)))), 'failed RN856', 'another one runs');
  assert.is(await ends(desired(5, null, { instead: second })), 'failed RN856', 'there is nothing to run');
  assert.is(runs(), second);
  assert.is(await ends(desired(6, null, back(first, second))), 'confirmed');
  assert.is(runs(), first);
  assert.is(await ends(desired(7, second)), 'failed RN817', 'what was given up does not come back');
  assert.is(await ends(desired(8, null)), 'idle');
  assert.is(runs(), first);
  await close();
});

test('a newer desired state ends the one in progress', async () => {
  const { agent, offer, desired, ends, runs, fetched, reports, close } = await fixture();
  const first = offer(await bundleOf(5));
  agent.take(desired(1, '0'.repeat(64)));
  while (fetched.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(await ends(desired(2, first)), 'confirmed');
  assert.is(runs(), first);
  assert.ok(reports.every(({ state, sequence }) => sequence !== 1 || state === 'downloading'));

  const slow = offer(await bundleOf(6));
  agent.take(desired(3, slow, { trial: { ...trial, enduranceHops: 1e7, enduranceSeconds: 60 } }));
  while (reports.at(-1)?.state !== 'trial') await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(await ends(desired(4, null, { bundle: { digest: first, at: 'gateway' }, instead: slow })), 'confirmed');
  assert.is(runs(), first);
  await close();
});

test('a bundle that traps once it runs is rolled back and reported', async () => {
  const { gateway, offer, desired, ends, runs, reports, close } = await fixture();
  const first = offer(await bundleOf(5));
  await ends(desired(1, first));
  const late = offer(await bundleOf(6, { edit: atPush(100, 'unreachable();') }));
  assert.is(await ends(desired(2, late)), 'confirmed', 'the trial is too short to find it');
  for (let at = 0; reports.at(-1)?.state !== 'reverted'; at += 40) {
    assert.ok(at < 40_000, 'it does not trap');
    gateway.push('wrist', bytesOf(signal(0, at, 40)), { from: at });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal([reports.at(-1)?.code, reports.at(-1)?.digest, runs()], ['RN831', late, first]);
  await close();
});

test('after a restart, a bundle that was given up is not tried again, and one in progress is', async () => {
  const { agent, begin, offer, desired, ends, runs, fetched, reports, close } = await fixture();
  const first = offer(await bundleOf(5));
  await ends(desired(1, first));
  const bad = offer(await bundleOf(6, { edit: atPush(3, 'unreachable();') }));
  const message = desired(2, bad);
  assert.is(await ends(message), 'reverted RN831');
  await agent.close();
  const again = await begin();
  const before = fetched.length;
  assert.is(await ends(message, again), 'reverted RN831', 'reported again');
  assert.is(fetched.length, before);
  const hanging = desired(3, '0'.repeat(64));
  again.take(hanging);
  while (fetched.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
  await again.close();
  const third = await begin();
  while (fetched.length === before + 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(reports.at(-1)?.state, 'downloading');
  third.take(desired(2, first));
  assert.is(reports.at(-1)?.state, 'downloading', 'a number that has passed');
  await third.close();
  assert.is(runs(), first);
  await close();
});

test('topics of other sites and wrong topics name no gateway', () => {
  assert.is(gatewayOf('runlet/site/one/reported', 'site', 'reported'), 'one');
  for (const topic of [
    'runlet/site/one/desired',
    'runlet/other/one/reported',
    'runlet/site/bundles/reported',
    'runlet/site/a/b/reported',
    'x',
  ])
    assert.is(gatewayOf(topic, 'site', 'reported'), undefined, topic);
});

test('messages that are unsigned, signed by a stranger or for others are refused with a code, and nothing changes', async () => {
  const { agent, offer, desired, ends, everything, reports, close } = await fixture();
  const first = offer(await bundleOf(5));
  assert.is(await ends(desired(1, first)), 'confirmed');
  const next = offer(await bundleOf(6));
  const back: Partial<Desired> = { bundle: { digest: next, at: 'gateway' }, instead: first };
  const good = JSON.parse(new TextDecoder().decode(desired(2, next)));
  const changed = (change: object) => new TextEncoder().encode(JSON.stringify({ ...good, ...change }));
  const before = everything();
  const cases: [string, string, Uint8Array][] = [
    ['RN895', 'not signed', desired(2, next, {}, unsealed)],
    ['RN895', 'its way back neither', desired(2, null, back, unsealed)],
    ['RN895', 'the signature was taken off', changed({ signature: undefined })],
    ['RN896', 'signed by a stranger', desired(2, next, {}, sealedByOther)],
    [
      'RN896',
      'a stranger with the id of a known key',
      changed({ ...JSON.parse(new TextDecoder().decode(desired(2, next, {}, sealedByOther))), keyId: good.keyId }),
    ],
    ['RN896', 'changed since', changed({ desired: good.desired.replace('"sequence":2', '"sequence":3') })],
    ['RN897', 'for another gateway', desired(2, next, { gateway: 'two' })],
    ['RN897', 'for another site', desired(2, next, { site: 'barn' })],
    ['RN897', 'a number that would end updates', desired(maxSequence, next)],
    ['RN897', 'too far ahead', desired(2 + maxSequenceJump, next)],
    ['RN897', 'one that was passed', desired(0, null)],
    ['RN850', 'beyond what a number holds', desired(2 ** 53, next)],
    ['RN850', 'too large', new Uint8Array(9000)],
    ['RN850', 'the form before', new TextEncoder().encode('{"fleet":1,"sequence":2,"rollout":"r","slot":"main","bundle":null}')],
  ];
  for (const [code, what, message] of cases) {
    agent.take(message);
    await agent.idle();
    assert.equal(reports.at(-1)?.refused, { code, digest: digestOf(message) }, what);
    assert.is(everything(), before, what);
  }
  assert.is(agent.counts.refused, cases.length);
  assert.is(await ends(desired(2, next, {}, await sealer(newer))), 'confirmed', 'the other of its keys');
  await close();
});

test('--insecure-unsigned takes unsigned messages, but no number that would end all updates', async () => {
  const { offer, desired, ends, runs, reports, close } = await fixture({ insecureUnsigned: true });
  const first = offer(await bundleOf(5));
  assert.is(await ends(desired(1, first, {}, unsealed)), 'confirmed');
  await ends(desired(2 ** 48, null, {}, unsealed));
  assert.is(reports.at(-1)?.refused?.code, 'RN897');
  const second = offer(await bundleOf(6));
  assert.is(await ends(desired(2, second, {}, unsealed)), 'confirmed');
  assert.is(runs(), second);
  await close();
});

test('a signature with another last digit, whose other bits are the same, is refused', async () => {
  const { offer, desired, ends, runs, reports, close } = await fixture();
  const first = offer(await bundleOf(5));
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const text = new TextDecoder().decode(desired(1, first));
  const changed = text.replace(/(.)"\}$/, (_, digit) => `${digits[digits.indexOf(digit) + 1]}"}`);
  assert.is.not(changed, text);
  await ends(new TextEncoder().encode(changed));
  assert.is(reports.at(-1)?.refused?.code, 'RN850');
  assert.is.not(runs(), first);
  await close();
});

test('a desired state for an unknown slot does not create it', async () => {
  const { gateway, offer, desired, ends, close } = await fixture();
  const stranger = offer(await bundleOf(9, { key: await newKeyPair() }));
  for (let i = 1; i <= 80; i++) {
    const digest = i % 2 ? stranger : 'e'.repeat(64);
    const more: Partial<Desired>[] = [{}, { bundle: null }, { bundle: { digest, at: 'gateway' }, instead: digest }];
    await ends(desired(i, digest, { slot: `s${i}`, ...more[i % 3] }));
  }
  assert.equal(
    [...gateway.slots.keys()].filter((name) => name.startsWith('s')),
    [],
  );
  assert.is(
    await ends(desired(81, offer(await bundleOf(1)), { slot: 'new' })),
    'confirmed',
    'a bundle that is verified makes its slot',
  );
  await close();
});

test('a flood of messages that change nothing gets few answers', async () => {
  const { gateway, disk, desired } = await fixture();
  let reportCount = 0;
  const report = () => void reportCount++;
  const fetch = () => Promise.reject(new Error('nothing is fetched'));
  const agent = await Agent.begin({
    gateway,
    site: 'hall',
    id: 'one',
    memory: fleetMemory(disk),
    fetch,
    report,
    answerMs: 60_000,
  });
  for (let i = 0; i < 1000; i++) agent.take(i % 2 ? desired(1, null, {}, unsealed) : new Uint8Array(10));
  assert.is(agent.counts.refused, 1000);
  assert.is(reportCount, 1);
  await agent.close();
  await gateway.close();
});

test("the agent's saved state is checked: a file of another form is reported and ignored", async () => {
  const { disk, desired, ends, close } = await fixture();
  await ends(desired(3, null));
  const codes: string[] = [];
  const memory = fleetMemory(disk, ({ code }) => codes.push(code));
  const whole = await memory.read();
  assert.is(whole.desired?.sequence, 3);
  const files: unknown[] = [[], 'x', { desired: 1 }, { ...whole, more: 1 }, { desired: { ...whole.desired, sequence: '3' } }];
  files.push({ ...whole, outcome: { state: 'constructor' } }, { ...whole, outcome: { state: 'failed', code: '\x1b[31m' } });
  for (const file of files) {
    await memory.write(file as never);
    assert.equal(await memory.read(), {}, JSON.stringify(file));
  }
  assert.equal(
    codes,
    files.map(() => 'RN898'),
  );
  await close();
});

test(`${messages} hostile messages cause no crash and change nothing of the gateway`, async () => {
  const random = randomOf(seed);
  const { gateway, agent, offer, desired, ends, everything, reports, close } = await fixture();
  const [before, first] = [offer(await bundleOf(4)), offer(await bundleOf(5))];
  const passed = [desired(1, before), desired(2, first)];
  for (const message of passed) assert.is(await ends(message), 'confirmed');
  const next = offer(await bundleOf(6));
  const digests = [offer(await bundleOf(9)), next, before, first, 'e'.repeat(64)];
  const one = <T>(...values: T[]): T => values[random(values.length)] as T;
  const odd = [null, true, -1, 1e300, 0.5, '', 'x'.repeat(700), [], {}, '__proto__', '../..', 'oci://x', 2 ** 53];
  const text = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const whole = everything();
  const codes = new Map<string, number>();
  for (let i = 0; i < messages; i++) {
    const digest = one(...digests);
    const common = {
      rollout: `r${random(3)}`,
      slot: one('main', 'main', 'other', `s${random(99)}`),
      ...one({}, { instead: one(...digests) }),
    };
    const bundle = one({ digest, at: one('message' as const, 'gateway' as const) }, null);
    // each would be accepted if it were signed, new, and for this gateway
    const wish: [number, Partial<Desired>] = [3 + random(1000), { ...common, bundle }];
    const kind = random(7);
    let bytes = passed[random(2)] as Uint8Array;
    if (kind === 1) bytes = desired(wish[0], null, wish[1], one(unsealed, sealedByOther));
    else if (kind === 2) bytes = desired(one(0, 1, 2), null, wish[1]);
    else if (kind === 3) bytes = desired(one(3 + maxSequenceJump, maxSequence, 2 ** 52), null, wish[1]);
    else if (kind === 4) bytes = desired(wish[0], null, { ...wish[1], ...one({ gateway: 'two' }, { site: 'barn' }) });
    else if (kind === 5) {
      // a right signature with another text
      const signed = text(desired(wish[0], null, wish[1]));
      const other = {
        ...JSON.parse(signed.desired),
        ...one({ sequence: 7777 }, { slot: 'third' }, { bundle: { digest: next, at: 'message' } }),
      };
      const key = one('constructor', 'desired', 'keyId', 'signature', 'fleet');
      bytes = new TextEncoder().encode(
        JSON.stringify(one({ ...signed, desired: JSON.stringify(other, null, 1) }, { ...signed, [key]: one<unknown>(...odd) })),
      );
    } else if (kind === 6) {
      const signed = desired(wish[0], null, wish[1]);
      const changed = mutate(signed, random);
      // an unchanged message would be valid
      if (Buffer.compare(signed, changed) !== 0) bytes = changed;
    }
    for (const parse of [parseEnvelope, parseReported, () => parseDesired(new TextDecoder().decode(bytes))])
      try {
        parse(bytes);
      } catch (error) {
        assert.ok(isRunletError(error) && error.code === 'RN850', String(error));
      }
    agent.take(bytes);
    await agent.idle();
    assert.is(everything(), whole, new TextDecoder().decode(bytes));
    const code = reports.at(-1)?.refused?.code ?? 'answered';
    codes.set(code, (codes.get(code) ?? 0) + 1);
    reports.length = 1;
  }
  console.log(
    [...codes]
      .sort()
      .map(([code, count]) => `${code} ${count}`)
      .join(', '),
  );
  for (const code of ['RN850', 'RN895', 'RN896', 'RN897']) assert.ok((codes.get(code) ?? 0) > messages / 100, code);
  assert.is(await ends(desired(3, next)), 'confirmed', 'and the next one comes to run');
  assert.equal([...gateway.slots.keys()], ['main']);
  await close();
});

test.run();
