/** Bundles from a registry: the requests, who gets credentials, and every error of a registry. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { joinFleet } from '../../host/gateway/fleet/join.ts';
import { ociReference, pullBundle, registryHosts } from '../../host/gateway/fleet/oci.ts';
import { sealer } from '../../host/gateway/fleet/signed.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { isRunletError } from '../../models/error.ts';
import { bundleOf, digestOf, keys } from '../gateway/bundles.ts';
import { CrashDisk } from '../gateway/crash-disk.ts';
import { codeOf } from '../host/helpers.ts';
import { type RegistryOptions, registryOf, type SeenRequest } from './registry.ts';

const module = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 37 + (i >> 8)) & 255);
const maxBytes = 100_000;

interface Pulled {
  /** `taken` or the error code. */
  result: string;
  why: string;
  seen: SeenRequest[];
}

async function pull(
  options: RegistryOptions,
  credentials?: string,
  limits: { maxBytes?: number; timeoutMs?: number; hosts?: (own: string) => string[] } = {},
): Promise<Pulled> {
  const registry = await registryOf(module, options);
  const { seen, reference } = registry;
  try {
    const hosts = limits.hosts?.(registry.host);
    const bytes = await pullBundle(ociReference(reference), { maxBytes, credentials, timeoutMs: 20_000, ...limits, hosts });
    return { result: digestOf(bytes) === digestOf(module) ? 'taken' : 'other bytes', why: '', seen };
  } catch (error) {
    if (!isRunletError(error)) throw error;
    return { result: error.code, why: error.parts.why ?? '', seen };
  } finally {
    await registry.close();
  }
}

test('a reference has a host, a path and a SHA-256 digest, and anything else is refused', async () => {
  const digest = 'a'.repeat(64);
  assert.equal(ociReference(`oci://ghcr.io/site/heart@sha256:${digest}`), {
    registry: 'ghcr.io',
    repository: 'site/heart',
    digest,
  });
  assert.is(ociReference(`oci://127.0.0.1:5000/a@sha256:${digest}`).registry, '127.0.0.1:5000');
  for (const text of [
    'oci://ghcr.io/heart:latest',
    `oci://ghcr.io/heart@sha256:${digest.slice(1)}`,
    `oci://ghcr.io/heart@sha512:${digest}`,
    `oci://ghcr.io/../heart@sha256:${digest}`,
    `oci://ghcr.io/Heart@sha256:${digest}`,
    `oci://ghcr.io/a//b@sha256:${digest}`,
    `oci://ghcr.io@evil/a@sha256:${digest}`,
    `oci://user:word@ghcr.io/a@sha256:${digest}`,
    `oci:///a@sha256:${digest}`,
    `oci://ghcr.io/a?x=@sha256:${digest}`,
    `https://ghcr.io/a@sha256:${digest}`,
  ])
    assert.is(await codeOf(() => ociReference(text)), 'RN852', text);
});

test('the manifest is fetched first, then the module', async () => {
  const { result, seen } = await pull({});
  assert.is(result, 'taken');
  assert.is(seen.length, 2);
  assert.match(seen[0]?.path as string, /manifests\/sha256/);
});

test('a bearer token is sent with the first request', async () => {
  const token = 'a-token-of-some-length';
  assert.is((await pull({ authorization: `Bearer ${token}` }, token)).result, 'taken');
  assert.is((await pull({ authorization: `Bearer ${token}` })).result, 'RN854');
});

test('a challenge leads to the token service, and the token to the module', async () => {
  const anonymous = await pull({ tokens: { token: 'short-lived' } });
  assert.is(anonymous.result, 'taken');
  assert.equal(
    anonymous.seen.map(({ path, authorization }) => `${path.split('/').at(-2)} ${authorization ?? '-'}`),
    ['manifests -', ' -', 'manifests Bearer short-lived', 'blobs Bearer short-lived'],
  );
  const user = 'robot:and-its-password';
  assert.is((await pull({ tokens: { token: 'short-lived', user } }, user)).result, 'taken');
  const other = await pull({ tokens: { token: 'short-lived', user } }, 'robot:another-password');
  assert.equal([other.result, other.why], ['RN854', 'its token service answers 401']);
  const elsewhere = await pull({ tokens: { token: 'short-lived', user, realm: 'http://registry.example/token' } }, user);
  assert.is(elsewhere.result, 'RN854');
  assert.match(elsewhere.why, /not HTTPS/);
});

test('a redirect is followed, and credentials stay with the registry', async () => {
  const storage = await registryOf(module);
  const token = 'a-token-of-some-length';
  const redirect = (location: string): RegistryOptions => ({
    authorization: `Bearer ${token}`,
    blob: (response) => response.writeHead(307, { location }).end(),
  });
  const away = await pull(redirect(`http://${storage.host}/storage?signature=1`), token);
  await storage.close();
  assert.is(away.result, 'taken');
  assert.equal(storage.seen, [{ path: '/storage' }], 'no credentials come with it');
  const same = await pull(redirect('/storage/here'), token);
  assert.is(same.result, 'taken');
  assert.equal(same.seen.at(-1), { path: '/storage/here', authorization: `Bearer ${token}` });
});

test('redirects in a loop, without a target or to plain HTTP are not followed', async () => {
  const to = (location?: string): RegistryOptions => ({
    blob: (response, request) => response.writeHead(302, { location: location ?? (request.url as string) }).end(),
  });
  for (const [location, why] of [
    [undefined, /more than 5 times/],
    ['http://registry.example/storage', /not HTTPS/],
    ['file:///etc/passwd', /not HTTPS/],
    ['http://[', /an invalid address/],
  ] as const) {
    const found = await pull(to(location));
    assert.is(found.result, 'RN854', location);
    assert.match(found.why, why);
  }
});

test('with a list of hosts no other host is contacted, neither by a redirect nor by a challenge', async () => {
  const storage = await registryOf(module);
  const away: RegistryOptions = {
    blob: (response) => response.writeHead(307, { location: `http://${storage.host}/storage` }).end(),
  };
  const tokens = (realm: string): RegistryOptions => ({ tokens: { token: 'short-lived', realm } });
  const own = { hosts: (host: string) => [host] };
  const both = { hosts: (host: string) => [host, storage.host] };
  for (const [options, limits] of [
    [away, own],
    [tokens(`http://${storage.host}/token`), own],
    [{}, { hosts: () => [storage.host] }],
  ] as const) {
    const { result, why } = await pull(options, 'robot:and-its-password', limits);
    assert.is(result, 'RN854');
    assert.match(why, /none of --registry/);
  }
  assert.equal(storage.seen, [], 'it was not asked for anything');
  assert.is((await pull(away, undefined, both)).result, 'taken');
  assert.equal(storage.seen, [{ path: '/storage' }]);
  assert.is((await pull({}, undefined, own)).result, 'taken');
  await storage.close();
});

test('a challenge gets a token to pull from this repository, whatever scope it asks for', async () => {
  // the test's token service answers 400 to any other scope
  const wider = await pull({ tokens: { token: 'short-lived', scope: 'repository:site/other:pull,push' } });
  assert.is(wider.result, 'taken');
});

test('endless challenges and invalid tokens are refused', async () => {
  const long = await pull({ tokens: { token: 'x'.repeat(20_000) } });
  assert.is(long.result, 'RN854');
  const odd = await pull({ tokens: { token: 't', realm: `${'a'.repeat(9000)}` } });
  assert.is(odd.result, 'RN854');
});

test('--registry takes a list of hosts, and refuses anything else', async () => {
  assert.equal(registryHosts('GHCR.io:443, pkg.example.org:8443'), ['ghcr.io', 'pkg.example.org:8443']);
  for (const text of ['', 'ghcr.io,', 'https://ghcr.io', 'ghcr.io/site', 'user@ghcr.io', 'ghcr.io:99999'])
    assert.is(await codeOf(() => registryHosts(text)), 'RN852', text);
});

test('a gateway fetches oci:// only with --registry, and only from that registry', async () => {
  const registry = await registryOf((await bundleOf(1)).wasm);
  const digest = (await bundleOf(1)).digest;
  const seal = await sealer(keys);
  for (const [given, wanted] of [
    [undefined, 'failed RN854'],
    ['127.0.0.1:1', 'failed RN854'],
    [registry.host, 'asked'],
  ] as const) {
    const disk = new CrashDisk();
    const gateway = await Gateway.open(disk, { policy: { keys: [keys.publicKey] }, pool: { threads: 1 } });
    // there is no broker: the agent gets the message directly
    const logged: string[] = [];
    const log = (about: object) => logged.push(JSON.stringify(about));
    const options = { fleet: 'mqtt://127.0.0.1:1/hall', id: 'one', disk, log, ...(given && { registry: given }) };
    const { agent, close } = await joinFleet(gateway, options);
    const bundle = { digest, at: registry.reference };
    agent.take(seal({ fleet: 2, site: 'hall', gateway: 'one', sequence: 1, rollout: 'r', slot: 'main', bundle }));
    await agent.idle();
    if (wanted === 'asked') assert.ok(registry.seen.length > 0);
    else {
      assert.equal(registry.seen, []);
      assert.match(logged.join(), /RN854/);
    }
    await close();
    await gateway.close();
  }
  await registry.close();
});

const wrong = (what: string, code: string, options: RegistryOptions, limits = {}): void =>
  test(`${code}: ${what}`, async () => assert.is((await pull(options, undefined, limits)).result, code));

const flipped = module.slice();
flipped[5000] = (flipped[5000] as number) ^ 1;
const send = (bytes: Uint8Array, length?: number): RegistryOptions => ({
  blob: (response) => response.writeHead(200, length === undefined ? {} : { 'content-length': length }).end(bytes),
});
wrong('another manifest', 'RN855', { sentManifest: new TextEncoder().encode('{"schemaVersion":2}') });
wrong('another module of the same size', 'RN855', send(flipped));
wrong('a module that is cut off', 'RN855', send(module.subarray(0, 60_000)));
wrong('a module that is cut off, with its full length in the header', 'RN854', {
  blob: (response) => {
    response.writeHead(200, { 'content-length': module.length });
    response.write(module.subarray(0, 60_000), () => response.destroy());
  },
});
wrong('an empty module', 'RN855', send(new Uint8Array()));
wrong('more bytes than the manifest says', 'RN855', send(new Uint8Array(70_001)));
wrong('a longer length than the manifest says', 'RN855', {
  blob: (response) => {
    response.writeHead(200, { 'content-length': 1e9 });
    response.write(module);
  },
});
wrong('bytes without an end', 'RN855', {
  blob: (response) => {
    const more = () => {
      while (!response.destroyed && response.write(module));
    };
    response.on('drain', more);
    more();
  },
});
wrong('no answer in time', 'RN854', { blob: () => {} }, { timeoutMs: 300 });
wrong('a fault', 'RN854', { blob: (response) => response.writeHead(500).end() });
wrong('no such module', 'RN854', { blob: (response) => response.writeHead(404).end() });
wrong('a module that is too large for this gateway', 'RN855', {}, { maxBytes: 69_999 });
wrong('a manifest without an end', 'RN855', { sentManifest: new Uint8Array(300_000) });
wrong('a manifest that is no JSON', 'RN855', { manifest: () => 'text' });
wrong('an image', 'RN855', { manifest: (m) => ({ ...m, config: { mediaType: 'application/vnd.oci.image.config.v1+json' } }) });
wrong('an index', 'RN855', { manifest: () => ({ schemaVersion: 2, manifests: [] }) });
wrong('two layers', 'RN855', { manifest: (m) => ({ ...m, layers: [...(m.layers as unknown[]), ...(m.layers as unknown[])] }) });
const layer = (change: object): RegistryOptions => ({
  manifest: (m) => ({ ...m, layers: [{ ...(m.layers as object[])[0], ...change }] }),
});
wrong('a layer that is no module', 'RN855', layer({ mediaType: 'application/vnd.oci.image.layer.v1.tar' }));
wrong('a wrong size', 'RN855', layer({ size: 69_000 }));
wrong('a negative size', 'RN855', layer({ size: -1 }));
wrong('a digest that is a path', 'RN855', layer({ digest: 'sha256:../../secrets' }));

test('texts of a registry are escaped before they reach a terminal', async () => {
  for (const options of [
    layer({ mediaType: 'application/\u001b[31mwasm' }),
    { manifest: () => '\u001b[31m' },
    { manifest: (m: object) => ({ ...m, config: { mediaType: '\u001b[31m\r\n' } }) },
  ]) {
    const { result, why } = await pull(options);
    assert.is(result, 'RN855');
    assert.match(why, /^[ -~]+$/);
  }
});

test('an absent registry is RN854', async () => {
  const registry = await registryOf(module);
  await registry.close();
  try {
    await pullBundle(ociReference(registry.reference), { maxBytes });
    assert.unreachable();
  } catch (error) {
    assert.is(isRunletError(error) && error.code, 'RN854');
  }
});

test.run();
