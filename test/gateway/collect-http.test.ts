/**
 * Collected windows over HTTP: turn on, list, read, label, ask, delete; who may; metrics; nothing in the log.
 */
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { gatewayApp } from '../../host/gateway/http/app.ts';
import { Door } from '../../host/gateway/http/door.ts';
import { addPage } from '../../host/gateway/page/page.ts';
import { defaultIntake, Intake } from '../../host/gateway/streams/intake.ts';
import { Tracker } from '../../host/gateway/watch/tracker.ts';
import { bundleOf, bytesOf, channels, hop, keys, signal, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';
import { knocker } from './knock.ts';

const token = 'a-token-of-this-test';
const until = async (done: () => boolean): Promise<void> => {
  for (let wait = 0; !done(); wait++) {
    if (wait > 6000) throw new Error('it does not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const disk = new CrashDisk();
const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1, budgetMs: 20_000 } });
const logged: string[] = [];
const { app } = gatewayApp({ gateway, log: pino({ level: 'trace' }, { write: (line: string) => logged.push(line) }) });
const intake = new Intake(gateway, defaultIntake);
const tracker = new Tracker(gateway);
addPage(app, { gateway, intake, tracker, wires: { lines: [] } });
const knock = knocker(app, new Door({ token }));
const withToken = { authorization: `Bearer ${token}` };
const ask = (method: string, path: string, body?: object, headers: Record<string, string> = withToken) =>
  knock(`/v1/slots/main${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

const { wasm, digest } = await bundleOf(1, { labels: ['a', 'b', 'c', 'd', 'e', 'f'] });
await gateway.receive(wasm, digest);
await gateway.try('main', { enduranceHops: 20, outputs: 2, seconds: 20 });

let outputs = 0;
let fed = 0;
gateway.events.on('output', () => outputs++);
async function feed(ticks: number): Promise<void> {
  gateway.push('s', bytesOf(signal(1, fed, ticks)), { from: fed });
  fed += ticks;
  await until(() => outputs === Math.floor((fed - window) / hop) + 1);
  await gateway.collection.slots.get('main')?.settled();
}
interface Listed {
  windows: { id: number; timeMs: number; reasons: string[]; bytes: number; labelled: boolean }[];
}
const listed = async (query = '') => ((await (await ask('GET', `/windows${query}`)).json()) as Listed).windows;

test('collection is off at first, and settings that are not valid are refused', async () => {
  assert.equal(((await (await ask('GET', '/collection')).json()) as { on: boolean }).on, false);
  assert.is(await codeOf(await ask('GET', '/windows')), 'RN874');
  assert.is(await codeOf(await ask('DELETE', '/collection')), 'RN874');
  assert.is(await codeOf(await ask('POST', '/windows/next')), 'RN874');
  for (const wrong of [
    { random: { share: 2 } },
    { random: {} },
    { uncertain: { perDay: 0 } },
    { maxBytes: 1 },
    { keepDays: -1 },
    { sometimes: true },
  ])
    assert.is(await codeOf(await ask('PUT', '/collection', wrong)), 'RN814', JSON.stringify(wrong));
  assert.is(await codeOf(await knock('/v1/slots/other/collection', { headers: withToken })), 'RN848');
});

test('windows are listed in pages, read, labelled, asked for and deleted', async () => {
  const on = await ask('PUT', '/collection', { random: { share: 1 }, keepDays: 7 });
  assert.is(on.status, 200);
  assert.is(on.headers.get('cache-control'), 'no-store');
  await feed(8 * hop);
  const all = await listed();
  assert.is(all.length, 7);
  assert.equal([...(await listed('?limit=3')), ...(await listed(`?after=${all[2]?.id}`))], all);
  assert.equal(await listed('?reason=asked'), []);
  for (const query of ['?limit=0', '?limit=1001', '?after=x', '?reason=none'])
    assert.is(await codeOf(await ask('GET', `/windows${query}`)), 'RN814');

  const id = all[1]?.id as number;
  const read = (await (await ask('GET', `/windows/${id}`)).json()) as Record<string, unknown>;
  assert.equal(
    [read.id, read.stream, read.sequence, read.windowFrom, read.windowTicks, read.share],
    [id, 's', 1, hop, window, 1],
  );
  const bytes = new Int8Array(Buffer.from(read.signal as string, 'base64'));
  assert.equal([...bytes], [...signal(1, read.from as number, bytes.length / channels)]);
  assert.is((read.outputs as number[][])[0]?.length, channels);
  assert.equal(read.labels, []);

  const label = { annotator: 'anna', label: 'b', seconds: 1.5 };
  assert.is((await ask('POST', `/windows/${id}/labels`, label)).status, 204);
  assert.is((await ask('POST', `/windows/${id}/labels`, { ...label, label: null })).status, 204);
  assert.equal(((await (await ask('GET', `/windows/${id}`)).json()) as { labels: object }).labels, [{ ...label, label: null }]);
  assert.is(await codeOf(await ask('POST', `/windows/${id}/labels`, { annotator: '', label: 'b' })), 'RN814');
  for (let i = 0; i < 15; i++) await ask('POST', `/windows/${id}/labels`, { annotator: `p${i}`, label: 'a' });
  assert.is(await codeOf(await ask('POST', `/windows/${id}/labels`, { annotator: 'one more', label: 'a' })), 'RN813');
  assert.ok((await listed()).find((one) => one.id === id)?.labelled);
  assert.equal(
    (await listed()).map((one) => one.id),
    all.map((one) => one.id),
    'a label does not move a window in the list',
  );

  await ask('PUT', '/collection', {});
  assert.is((await ask('POST', '/windows/next?count=2&stream=s')).status, 202);
  await feed(4 * hop);
  assert.is((await listed('?reason=asked')).length, 2);
  assert.is(await codeOf(await ask('POST', '/windows/next?count=1001')), 'RN814');
  assert.is(await codeOf(await ask('POST', '/windows/next?stream=../x')), 'RN805');

  const metrics = await (await knock('/metrics', { headers: withToken })).text();
  for (const line of [
    'windows_collected_total{slot="main",reason="random"} 7',
    'windows_collected_total{slot="main",reason="asked"} 2',
    'windows_lost_total{slot="main",why="disk"} 0',
    'windows{slot="main"} 9',
  ])
    assert.ok(metrics.includes(`runlet_${line}`), line);

  assert.is((await ask('DELETE', `/windows/${id}`)).status, 204);
  assert.is(await codeOf(await ask('GET', `/windows/${id}`)), 'RN874');
  assert.is(await codeOf(await ask('DELETE', `/windows/${id}`)), 'RN874');
  assert.equal(await (await ask('DELETE', '/windows')).json(), { deleted: 8 });
  assert.equal(await listed(), []);
  assert.is((await ask('DELETE', '/collection')).status, 200);
  assert.equal(
    disk.files().filter((path) => path.startsWith('collected/')),
    ['collected/main/settings'],
  );
});

test('a page of another origin and a request without the token get nothing, on every route', async () => {
  await ask('PUT', '/collection', { random: { share: 1 } });
  await feed(hop);
  const [kept] = await listed();
  const routes = [['GET', '/collection'], ['PUT', '/collection'], ['DELETE', '/collection'], ['GET', '/windows'], ['DELETE', '/windows'], ['POST', '/windows/next'], ['GET', `/windows/${kept?.id}`], ['DELETE', `/windows/${kept?.id}`], ['POST', `/windows/${kept?.id}/labels`]] as const; // biome-ignore format: a table
  for (const [method, path] of routes) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    assert.is(await codeOf(await ask(method, path, body, {})), 'RN811', `${method} ${path}`);
    assert.is(await codeOf(await ask(method, path, body, { authorization: 'Bearer of-something-else' })), 'RN811');
    const foreigners: Record<string, string>[] = [
      { origin: 'https://example.org' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const foreign of foreigners)
      assert.is(await codeOf(await ask(method, path, body, { ...withToken, ...foreign })), 'RN841', `${method} ${path}`);
  }
  assert.is((await listed()).length, 1, 'nothing was changed');
});

test('the log has nothing of a window: no signal, no label, no annotator', async () => {
  const [kept] = await listed();
  await ask('POST', `/windows/${kept?.id}/labels`, { annotator: 'anna-of-the-log', label: 'secret-label' });
  const { signal: base64 } = (await (await ask('GET', `/windows/${kept?.id}`)).json()) as { signal: string };
  // refused ones are logged with their path
  await ask('POST', '/windows/7/labels', { annotator: 'anna-of-the-log', label: 'secret-label' });
  assert.ok(logged.some((line) => line.includes('RN874')));
  for (const text of ['anna-of-the-log', 'secret-label', base64.slice(0, 24)])
    assert.not.ok(
      logged.some((line) => line.includes(text)),
      text,
    );
});

test('close', async () => {
  tracker.close();
  await intake.close();
  await gateway.close();
});

test.run();
