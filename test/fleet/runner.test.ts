/**
 * The rollout's runner with hostile messages: only true verdicts count, only existing gateways get states.
 *
 * RUNLET_FLEET_MESSAGES changed reports and desired states (`npm run soak -- fleet`: 100,000), on topics of
 * this site and of others.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Desired,
  encode,
  gatewayOf,
  maxSequence,
  maxSequenceJump,
  type OnlineReport,
  topics,
} from '../../host/gateway/fleet/messages.ts';
import { Runner, type RunnerLink, type RunOptions } from '../../host/gateway/fleet/rollout-runner.ts';
import { opener, sealer } from '../../host/gateway/fleet/signed.ts';
import { digestOf, keys } from '../gateway/bundles.ts';
import { mutate, randomOf } from '../host/helpers.ts';

const messages = Number(process.env.RUNLET_FLEET_MESSAGES ?? 10_000);
const seed = Number(process.env.RUNLET_SEED ?? 20260725);
console.log(`seed ${seed}, ${messages} messages`);

const site = 'hall';
const seal = await sealer(keys);
const open = await opener({ keys: [keys.publicKey], insecureUnsigned: false });
const digest = 'b'.repeat(64);
const before = { digest: 'a'.repeat(64), name: 'heart', version: '1.0.0', sequence: 1 };
const after = { digest, name: 'heart', version: '1.1.0', sequence: 2 };

/** Returns a broker with gateways. Each behaves as `answer` returns; undefined is silence. */
function siteOf(
  ids: string[],
  answer: (id: string) => 'good' | 'bad' | undefined,
  { sequence = 0, wait = async () => {} }: { sequence?: number; wait?: () => Promise<void> } = {},
) {
  const listeners = new Set<(topic: string, payload: Uint8Array) => void>();
  const send = (topic: string, payload: Uint8Array) => {
    for (const listener of listeners) listener(topic, payload);
  };
  const desired = new Map<string, Desired[]>();
  const runs = new Map(ids.map((id) => [id, before]));
  const report = (id: string, more: Partial<OnlineReport>): Uint8Array =>
    encode({ fleet: 2, gateway: id, online: true, slot: 'main', state: 'idle', sequence, active: runs.get(id), ...more });
  const act = (id: string, { sequence: asked, rollout, bundle, instead }: Desired) => {
    const how = answer(id);
    if (how === undefined) return;
    if (instead) runs.set(id, before);
    else if (how === 'good') runs.set(id, after);
    const ended = instead || how === 'good' ? { state: 'confirmed' as const } : { state: 'reverted' as const, code: 'RN831' };
    const bytes = () => report(id, { ...ended, sequence: asked, rollout, digest: bundle?.digest });
    setTimeout(() => void wait().then(() => send(topics.reported(site, id), bytes())));
  };
  const foreign: string[] = [];
  const link: RunnerLink = {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribe: async () => {
      for (const id of ids) send(topics.reported(site, id), report(id, {}));
    },
    retain: (topic, payload) => {
      const id = gatewayOf(topic, site, 'desired');
      if (id === undefined || !ids.includes(id)) {
        foreign.push(topic);
        return;
      }
      // every outgoing message is signed and for this gateway
      const found = open(payload);
      assert.equal([found.site, found.gateway], [site, id]);
      desired.set(id, [...(desired.get(id) ?? []), found]);
      act(id, found);
    },
  };
  return { link, send, desired, runs, foreign, report };
}

const options = (more: Partial<RunOptions>): RunOptions => ({
  site,
  slot: 'main',
  seal,
  bundle: { digest, at: 'message' },
  bytes: new Uint8Array(10),
  waves: '1,50%,all',
  maxFailures: { count: 0 },
  waveMs: 60_000,
  settleMs: 0,
  discoverMs: 60,
  ...more,
});

const ids = Array.from({ length: 8 }, (_, i) => `g${i}`);

test('a good rollout is completed', async () => {
  const { link, desired, runs, foreign } = siteOf(ids, () => 'good', { sequence: 41 });
  const report = await new Runner(link, options({})).run();
  assert.equal([report.phase, report.touched, report.failed, report.waves], ['done', 8, 0, [1, 4, 8]]);
  assert.ok(ids.every((id) => runs.get(id) === after && desired.get(id)?.length === 1));
  assert.ok(
    [...desired.values()].flat().every(({ sequence }) => sequence === 42),
    'above what the gateways have seen',
  );
  assert.equal([...new Set(foreign)], [topics.bundle(site, digest)]);
});

test('a rollout that stops sends the touched gateways back to their old bundle, and no others', async () => {
  const { link, desired, runs } = siteOf(ids, (id) => (id === 'g2' ? 'bad' : 'good'));
  const report = await new Runner(link, options({})).run();
  assert.equal([report.phase, report.touched, report.failed], ['stopped', 4, 1]);
  assert.ok([...runs.values()].every((running) => running === before));
  for (const id of ids.slice(0, 4)) {
    const last = desired.get(id)?.at(-1);
    assert.equal([last?.bundle, last?.instead, last?.sequence], [{ digest: before.digest, at: 'gateway' }, digest, 2], id);
  }
  assert.equal([...desired.keys()], ids.slice(0, 4));
  assert.equal(
    report.rows.map(({ state, code }) => `${state} ${code ?? ''}`.trim()),
    [...['went back', 'went back', 'went back RN831', 'went back'], ...['untouched', 'untouched', 'untouched', 'untouched']],
  );
});

test('a gateway that is silent has failed after the time of its wave', async () => {
  const { link } = siteOf(ids, (id) => (id === 'g0' ? undefined : 'good'));
  const report = await new Runner(link, options({ waveMs: 300 })).run();
  assert.equal([report.phase, report.rows[0]?.state, report.rows[0]?.code], ['stopped', 'not back', 'RN859']);
});

test('a gateway that refuses the message reports it at once, and the rollout is reverted', async () => {
  const { link, send, desired, report } = siteOf(ids, () => undefined);
  const { retain } = link;
  link.retain = (topic, payload, options) => {
    retain(topic, payload, options);
    if (gatewayOf(topic, site, 'desired') !== 'g0') return;
    const refused = { code: 'RN896', digest: digestOf(payload) };
    setTimeout(() => send(topics.reported(site, 'g0'), report('g0', { refused: { ...refused, digest: digest } })));
    setTimeout(() => send(topics.reported(site, 'g0'), report('g0', { refused })), 5);
  };
  const found = await new Runner(link, options({})).run();
  assert.equal([found.phase, found.rows[0]?.state, found.rows[0]?.code], ['stopped', 'not back', 'RN896']);
  assert.is(desired.get('g0')?.length, 2);
});

test('foreign sequence numbers do not mislead the runner: it uses a number that the gateway accepts', async () => {
  for (const [foreign, seen, wanted] of [
    [maxSequence, 5, 6],
    [5 + maxSequenceJump, 5, 6],
    [9, 5, 10],
    [3, 5, 6],
  ] as const) {
    const { link, send, desired } = siteOf(['g0'], () => 'good', { sequence: seen });
    const { subscribe } = link;
    link.subscribe = async (...all) => {
      await subscribe(...all);
      const wish: Desired = { fleet: 2, site, gateway: 'g0', sequence: foreign, rollout: 'r', slot: 'main', bundle: null };
      send(topics.desired(site, 'g0'), (await sealer())(wish));
    };
    await new Runner(link, options({ waves: 'all' })).run();
    assert.is(desired.get('g0')?.[0]?.sequence, wanted, `${foreign} and ${seen}`);
  }
});

test('a report whose version has control characters is ignored', async () => {
  const { link, send, report } = siteOf(['g0'], () => 'good');
  const { subscribe } = link;
  link.subscribe = async (...all) => {
    await subscribe(...all);
    send(topics.reported(site, 'g1'), report('g1', { active: { ...before, version: '1.0\u001b[2J' } }));
  };
  const found = await new Runner(link, options({ waves: 'all' })).run();
  assert.equal(
    found.rows.map(({ gateway }) => gateway),
    ['g0'],
  );
});

test(`${messages} changed messages do not disturb a rollout`, async () => {
  const random = randomOf(seed);
  let sent = 0;
  // each wave answers after a third of the messages
  const wait = async () => {
    for (const from = sent; sent < Math.min(messages, from + messages / 3); )
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const { link, send, desired, runs, foreign, report } = siteOf(ids, () => 'good', { wait });
  const one = <T>(...values: T[]): T => values[random(values.length)] as T;
  const noise = () => {
    for (let k = 0; k < messages / 60 && sent < messages; k++, sent++) {
      const id = one(...ids, 'g9');
      // valid in form, but of another rollout, number or bundle
      const lie = report(one(id, id, 'g9'), {
        state: one('failed', 'reverted', 'confirmed'),
        sequence: random(3),
        rollout: one('r-1', 'r'),
        digest: one(digest, before.digest),
        code: 'RN831',
      });
      const wish = seal({ fleet: 2, site, gateway: id, sequence: random(5), rollout: 'r-1', slot: 'main', bundle: null });
      const bytes = one(lie, wish);
      const topic = one(
        topics.reported(site, id),
        topics.desired(site, id),
        topics.reported('x', id),
        `runlet/${site}/bundles/reported`,
        'x/y',
      );
      send(topic, random(2) ? mutate(bytes, random) : bytes);
    }
    if (sent < messages) setTimeout(noise, 5);
  };
  const runner = new Runner(link, options({ only: ids }));
  const running = runner.run();
  while (desired.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  noise();
  const found = await running;
  assert.is(sent, messages, 'all came before it was over');
  assert.equal([found.phase, found.touched, found.failed], ['done', 8, 0], JSON.stringify(found.rows));
  assert.ok(ids.every((id) => runs.get(id) === after && desired.get(id)?.length === 1));
  assert.equal([...new Set(foreign)], [topics.bundle(site, digest)]);
});

test.run();
