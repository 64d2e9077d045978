/**
 * The rules of the door without a socket: whole tokens, whole names, whole origins, and limits by address.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Door, type Visit } from '../../host/gateway/http/door.ts';
import { addressKey, checkToken, protocolsFor, RateLimit } from '../../host/gateway/http/guard.ts';
import { codeOf } from '../host/helpers.ts';

const token = 'abcdEFGH1234-_x';
const bearer = (given: string) => codeOf(() => checkToken({ authorization: `Bearer ${given}` }, token));
const socket = (given: string) => codeOf(() => checkToken({ 'sec-websocket-protocol': protocolsFor(given).join(', ') }, token));

test('only the whole token is accepted, in both headers: no prefix, no suffix, no other one', async () => {
  for (const check of [bearer, socket]) {
    assert.is(await check(token), 'none');
    for (let i = 0; i < token.length; i++) {
      if (i > 0) assert.is(await check(token.slice(0, i)), 'RN811', `the first ${i}`);
      if (i > 0) assert.is(await check(token.slice(i)), 'RN811', `from ${i} on`);
      const other = String.fromCharCode(token.charCodeAt(i) ^ 1);
      assert.is(await check(`${token.slice(0, i)}${other}${token.slice(i + 1)}`), 'RN811', `another at ${i}`);
    }
    for (const wrong of [`${token}x`, `x${token}`, `${token}${token}`, token.toLowerCase(), token.toUpperCase(), `${token}\0`])
      assert.is(await check(wrong), 'RN811', wrong);
  }
});

test('a token is sent in one header, once, in its exact form', async () => {
  const [protocol, carrier] = protocolsFor(token) as [string, string];
  const offered = (text: string) => codeOf(() => checkToken({ 'sec-websocket-protocol': text }, token));
  assert.is(await offered(`${carrier},${protocol}`), 'none');
  assert.is(await offered(carrier), 'RN811', 'without the protocol itself');
  assert.is(await offered(`${protocol}, ${carrier}, ${carrier}`), 'RN811', 'twice');
  assert.is(await offered(''), 'RN811');
  assert.is(await codeOf(() => checkToken({}, token)), 'RN811');
  for (const text of [token, `Basic ${token}`, `Bearer${token}`, `Bearer ${token} x`, 'Bearer '])
    assert.is(await codeOf(() => checkToken({ authorization: text }, token)), 'RN811', text);
  // a correct token in the second header does not make up for a wrong one in the first
  assert.is(
    await codeOf(() => checkToken({ authorization: 'Bearer no', 'sec-websocket-protocol': `${protocol}, ${carrier}` }, token)),
    'RN811',
  );
});

test('an IPv4 address has one limit in all its spellings, and IPv6 addresses with the same first half share one', () => {
  assert.is(addressKey('::ffff:10.0.0.7'), '10.0.0.7');
  assert.is(addressKey('10.0.0.7'), '10.0.0.7');
  assert.is(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.is(addressKey('2001:db8::5:6'), '2001:db8:0:0');
  assert.is(addressKey('fe80::1%eth0'), 'fe80:0:0:0');
  assert.not.equal(addressKey('2001:db8:1:3::1'), addressKey('2001:db8:1:2::1'));
});

test('a bucket allows a burst and a rate per minute, for each address separately', async () => {
  let now = 0;
  const limit = new RateLimit(60, 3, () => now);
  const take = (address: string) => codeOf(() => limit.take(address));
  assert.equal(await Promise.all([take('a'), take('a'), take('a'), take('a'), take('b')]), [
    'none',
    'none',
    'none',
    'RN812',
    'none',
  ]);
  now += 900;
  assert.is(await codeOf(() => limit.check('a')), 'RN812');
  now += 200;
  assert.is(await take('a'), 'none');
  assert.is(await take('a'), 'RN812');
  now += 3_600_000;
  assert.equal(
    await Promise.all([take('a'), take('a'), take('a'), take('a')]),
    ['none', 'none', 'none', 'RN812'],
    'an hour fills no more than the bucket',
  );
});

const visit = (more: Partial<Visit> = {}, headers: Visit['headers'] = {}): Visit => ({
  method: 'GET',
  target: '/v1/slots',
  headers: { host: '127.0.0.1:8080', authorization: `Bearer ${token}`, ...headers },
  hosts: 1,
  address: '127.0.0.1',
  secure: false,
  ...more,
});

test('the door admits its own targets, hosts and origins, and nothing that only begins or ends like them', async () => {
  const door = new Door({ token, hostNames: ['Gate.example'] });
  const of = (more?: Partial<Visit>, headers?: Visit['headers']) => codeOf(() => door.admit(visit(more, headers)));
  assert.is(await of(), 'none');
  for (const target of [
    '//',
    '//x',
    '//gateway/v1/slots',
    '/\\',
    '/\\x',
    '/\\\\x',
    'http://127.0.0.1/',
    '*',
    '',
    '/a b',
    '/%',
    '/\u00e9',
    `/${'a'.repeat(4096)}`,
  ])
    assert.is(await of({ target }), 'RN814', target.slice(0, 20));
  assert.is(await of({ target: `/${'a'.repeat(4095)}` }), 'none');
  for (const host of ['localhost', 'localhost:8080', 'LOCALHOST', '[::1]:8080', '10.1.2.3', 'gate.example:443'])
    assert.is(await of({}, { host }), 'none', host);
  for (const host of [
    'localhost.evil.example',
    'xlocalhost',
    'evil.example',
    'gate.example.org',
    '127.0.0.1.evil.example',
    'notgate.example',
  ])
    assert.is(await of({}, { host }), 'RN841', host);
  assert.is(await of({ hosts: 2 }), 'RN814');
  const host = 'localhost:8080';
  for (const [origin, code] of [
    ['http://localhost:8080', 'none'],
    ['https://localhost:8080', 'none'],
    ['http://localhost:8081', 'RN841'],
    ['http://localhost', 'RN841'],
    ['http://localhost:8080.evil.example', 'RN841'],
    ['http://evil.example', 'RN841'],
    ['null', 'RN841'],
  ] as const)
    assert.is(await of({}, { host, origin }), code, origin);
  assert.is(
    await of({ secure: true }, { host, origin: 'http://localhost:8080' }),
    'RN841',
    'a page without TLS asks one with it',
  );
  for (const [site, code] of [['same-origin', 'none'], ['none', 'none'], ['same-site', 'RN841'], ['cross-site', 'RN841']] as const) assert.is(await of({}, { host, 'sec-fetch-site': site }), code, site); // biome-ignore format: a table
});

test('the only paths without a token are the pages and the two paths for supervisors, compared character by character', async () => {
  const door = new Door({ token });
  const bare = (target: string) => codeOf(() => door.admit(visit({ target }, { authorization: undefined })));
  for (const target of ['/', '/label', '/healthz', '/readyz']) assert.is(await bare(target), 'none', target);
  for (const target of ['/metrics', '/v1', '/v1/ws', '/healthz/', '/healthzz', '/HEALTHZ', '/v1/../healthz/x'])
    assert.is(await bare(target), 'RN811', target);
});

test('wrong tokens and changes have separate limits', async () => {
  const door = new Door({ token, requestsPerMinute: 5 });
  const guess = () => codeOf(() => door.admit(visit({}, { authorization: 'Bearer no' })));
  for (let i = 0; i < 5; i++) assert.is(await guess(), 'RN811', `${i}`);
  assert.is(await guess(), 'RN812');
  assert.is(await codeOf(() => door.admit(visit())), 'RN812', 'the right token is not told apart');
  assert.is(await codeOf(() => door.admit(visit({ address: '10.0.0.9' }))), 'none');
  const post = (target: string) => codeOf(() => door.admit(visit({ method: 'POST', target, address: '10.0.0.8' })));
  for (let i = 0; i < 20; i++) assert.is(await post('/v1/slots/a/frames'), 'none');
  for (let i = 0; i < 5; i++) assert.is(await post('/v1/rollback'), 'none');
  assert.is(await post('/v1/rollback'), 'RN812');
});

test.run();
