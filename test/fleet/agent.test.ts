/**
 * A gateway's agent without a broker: each state that is desired, its reports, what it must not do, and messages that nobody would send.
 *
 * RUNLET_FLEET_MESSAGES changed messages (`npm run soak -- fleet`: 100,000): no crash, and what runs does not change.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { unsigned } from '../../assembly/bundle/sign.ts';
import { Agent } from '../../host/gateway/fleet/agent.ts';
import { fleetMemory } from '../../host/gateway/fleet/memory.ts';
import {
  type BundleRef,
  type Desired,
  encode,
  gatewayOf,
  mostSequence,
  type OnlineReport,
  parseDesired,
  parseReported,
} from '../../host/gateway/fleet/messages.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { bundleOf, bytesOf, digestOf, keys, type MadeBundle, signal } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { mutate, randomOf } from '../host/helpers.ts';

const messages = Number(process.env.RUNLET_FLEET_MESSAGES ?? 10_000);
const seed = Number(process.env.RUNLET_SEED ?? 20260724);
console.log(`seed ${seed}, ${messages} messages`);

const trial = { enduranceHops: 40, outputs: 2, seconds: 1 };
const atPush = (n: number, body: string): [string, string][] => [
  [
    'let due: i32 = 0;',
    `let due: i32 = 0; store<i32>(state, load<i32>(state, 12) + 1, 12); if (load<i32>(state, 12) == ${n}) { ${body} }`,
  ],
];

async function fixture() {
  const disk = new CrashDisk();
  const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 2000 } });
  const there = new Map<string, Uint8Array>();
  const reports: OnlineReport[] = [];
  const fetched: string[] = [];
  const fetchBundle = async ({ digest }: BundleRef, signal: AbortSignal): Promise<Uint8Array> => {
    fetched.push(digest);
    const bytes = there.get(digest);
    if (bytes) return bytes;
    if (digest.startsWith('00')) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new RunletError('RN853', { what: 'the bundle did not come from the broker', why: 'nothing came' });
  };
  const begin = async () => {
    const memory = fleetMemory(disk);
    const one = await Agent.begin({ gateway, id: 'one', memory, fetch: fetchBundle, report: (report) => reports.push(report) });
    one.resume();
    return one;
  };
  const agent = await begin();
  const offer = ({ wasm, digest }: MadeBundle) => {
    there.set(digest, wasm);
    return digest;
  };
  const desired = (sequence: number, digest: string | null, more: Partial<Desired> = {}): Uint8Array =>
    encode({
      fleet: 1,
      sequence,
      rollout: 'r',
      slot: 'main',
      bundle: digest === null ? null : { digest, at: 'message' },
      trial,
      ...more,
    });
  /** Takes it, and says how it ended. */
  const ends = async (bytes: Uint8Array, one = agent): Promise<string> => {
    one.take(bytes);
    await one.idle();
    const { state, code } = reports.at(-1) as OnlineReport;
    return code ? `${state} ${code}` : state;
  };
  const runs = () => gateway.find('main').state.active?.digest;
  return {
    disk,
    gateway,
    agent,
    begin,
    reports,
    fetched,
    offer,
    desired,
    ends,
    runs,
    close: async () => {
      await agent.close();
      await gateway.close();
    },
  };
}

test('a bundle that is desired comes to run, once, and is reported step by step', async () => {
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
  for (const message of [desired(6, second), desired(7, second), desired(0, null), desired(6, null, { instead: first })])
    await ends(message);
  assert.equal(fetched, [first], 'what is older, or other than what came under its number, is ignored');
  assert.is(reports.length, before + 1);
  assert.is(runs(), first);
  assert.is(await ends(desired(8, first)), 'confirmed', 'what runs already');
  assert.is(fetched.length, 1);
  await close();
});

test('what cannot run is given up, with its code, and what ran runs', async () => {
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

test('the way back: only from the bundle that was meant, and only to the one before', async () => {
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

test('a newer desired state ends what is under way', async () => {
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

test('one that traps once it runs is left behind, and reported', async () => {
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

test('after a restart: what was given up is not tried again, and what was under way is', async () => {
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

test('topics', () => {
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

test(`${messages} changed messages: no crash, and what runs does not change`, async () => {
  const random = randomOf(seed);
  const { gateway, agent, offer, desired, ends, runs, reports, close } = await fixture();
  const [before, first] = [offer(await bundleOf(4)), offer(await bundleOf(5))];
  await ends(desired(1, before));
  await ends(desired(2, first));
  const stranger = offer(await bundleOf(9, { key: await newKeyPair() }));
  const plain = unsigned((await bundleOf(9)).wasm);
  const bare = offer({ wasm: plain, digest: digestOf(plain) });
  const old = offer(await bundleOf(3));
  const lie = offer({ wasm: plain, digest: 'd'.repeat(64) });
  const digests = [stranger, bare, old, lie, before, first, 'e'.repeat(64)];
  const one = <T>(...values: T[]): T => values[random(values.length)] as T;
  const odd = [null, true, -1, 1e300, 0.5, '', 'x'.repeat(700), [], {}, '__proto__', '../..', 'oci://x', 2 ** 53];
  let sequence = 1_000_000;
  let parsed = 0;
  let acted = 0;
  for (let i = 0; i < messages; i++) {
    const digest = one(...digests);
    const instead = one(undefined, undefined, ...digests.filter((d) => d !== first), ...(digest === before ? [] : [first]));
    sequence += random(3);
    const message: Record<string, unknown> = {
      fleet: 1,
      sequence: sequence - random(2) * random(4),
      rollout: `r${random(3)}`,
      slot: one('main', 'main', 'main', 'other'),
      bundle: one<unknown>({ digest, at: one('message', 'message', 'gateway') }, null),
      ...(instead && { instead }),
      ...(random(4) === 0 && { trial: { outputs: one<unknown>(1, 2, 'no', 0) } }),
    };
    for (let k = random(3); k > 0 && random(2) === 0; k--)
      message[one(...Object.keys(message), 'constructor', 'confirm')] = one<unknown>(...odd);
    let bytes: Uint8Array = new TextEncoder().encode(JSON.stringify(message));
    if (random(2) === 0) bytes = mutate(bytes, random);
    for (const parse of [parseDesired, parseReported])
      try {
        parse(bytes);
        parsed++;
      } catch (error) {
        assert.ok(isRunletError(error) && error.code === 'RN850', String(error));
      }
    const said = reports.length;
    agent.take(bytes);
    await agent.idle();
    if (reports.length > said) acted++;
    assert.is(runs(), first, new TextDecoder().decode(bytes));
    assert.is(gateway.find('main').state.floor, 5);
    assert.is(gateway.find('main').state.staged, undefined);
  }
  // a slot that nothing ran in yet may come to run what was signed, and nothing else
  const elsewhere = gateway.slots.get('other')?.state.active?.digest;
  assert.ok(elsewhere === undefined || [before, first, old].includes(elsewhere));
  console.log(`${parsed} of them were of the right form, ${acted} were answered`);
  assert.ok(acted > messages / 50 && parsed < 2 * messages);
  const next = offer(await bundleOf(6));
  assert.is(await ends(desired(mostSequence, next)), 'confirmed', 'and the next one comes to run');
  await close();
});

test.run();
