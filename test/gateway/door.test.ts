/**
 * The door: which requests come in, from whom, and how often (entrance.test.ts knocks over sockets).
 *
 * Names, origins and targets are made by rules, and what is let in is compared with what the rule says.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Door, type Visit } from '../../host/gateway/http/door.ts';
import { addressKey, checkToken, protocolsFor, RateLimit } from '../../host/gateway/http/guard.ts';

const token = 'a-token-of-some-length';
const bearer = `Bearer ${token}`;
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'in';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const visit = (change: Partial<Visit> = {}, headers: Visit['headers'] = {}): Visit => ({
  method: 'GET',
  target: '/v1/status',
  hosts: 1,
  address: '127.0.0.1',
  secure: false,
  ...change,
  headers: { host: '127.0.0.1:8080', authorization: bearer, ...headers },
});

test('targets: a path with one slash in front, and nothing that a URL would read as a host', () => {
  const door = new Door({ token });
  const enters = (target: string) => codeOf(() => door.admit(visit({ target })));
  for (const target of ['/v1/status', '/v1/board?find=a%20b&stream=//x', '/v1/slots/main', '/v1/ws?slot=main'])
    assert.is(enters(target), 'in', target);
  const wrong = [
    '',
    '*',
    '//',
    '/\\',
    '//v1/status',
    '/\\v1',
    '\\',
    'v1/status',
    'http://127.0.0.1/v1/status',
    '/a b',
    '/ü',
    '/\u0000',
  ];
  for (const target of [...wrong, '/%', '/%zz', '/%ff', `/${'a'.repeat(5000)}`, '127.0.0.1:80'])
    assert.is(enters(target), 'RN814', target);
  // what a URL makes of dots is what is looked at
  assert.is(door.admit(visit({ target: '/healthz/../v1/status' })).url.pathname, '/v1/status');
  assert.is(
    codeOf(() => door.admit(visit({ target: '/healthz/%2e%2e/v1/status' }, { authorization: undefined }))),
    'RN811',
  );
});

test('hosts: addresses, localhost and names that were given; no other name, whatever it is bound to', () => {
  const door = new Door({ token, hostNames: ['Gate.example'] });
  const enters = (host: string | undefined, hosts = 1) => codeOf(() => door.admit(visit({ hosts }, { host })));
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:8080',
    '[::1]:8080',
    '[fe80::1]',
    '192.168.7.5',
    'localhost',
    'LOCALHOST:80',
    'gate.example:9',
  ])
    assert.is(enters(host), 'in', host);
  for (const host of [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'gate.example.evil',
    'xgate.example',
  ])
    assert.is(enters(host), 'RN841', host);
  for (const host of [
    '',
    'user@127.0.0.1',
    '127.0.0.1/x',
    '127.0.0.1 ',
    '127.0.0.1:99999',
    'a b',
    '[::1',
    'localhost,evil.example',
    '\u0000',
  ])
    assert.is.not(enters(host), 'in', host);
  assert.is(enters(undefined, 0), 'RN814');
  assert.is(enters('127.0.0.1', 2), 'RN814');
});

test('origins: the own one alone, and no request that a browser says is another site’s', () => {
  const door = new Door({ token });
  const enters = (headers: Visit['headers'], change: Partial<Visit> = {}) => codeOf(() => door.admit(visit(change, headers)));
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
    assert.is(enters({}, { method }), 'in');
    assert.is(enters({ origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }, { method }), 'in');
    for (const origin of [
      'null',
      '',
      'http://evil.example',
      'http://127.0.0.1:8081',
      'http://127.0.0.1',
      'http://localhost:8080',
      'file://',
      'x',
    ])
      assert.is(enters({ origin }, { method }), 'RN841', `${method} ${origin}`);
    for (const site of ['cross-site', 'same-site', 'CROSS-SITE', '?'])
      assert.is(enters({ 'sec-fetch-site': site }, { method }), 'RN841', `${method} ${site}`);
  }
  // a link may open the page; nothing else, and not by a form
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  assert.is(enters(link, { target: '/' }), 'in');
  assert.is(enters(link, { target: '/', method: 'POST' }), 'RN841');
  assert.is(enters(link), 'RN841');
  assert.is(enters({ ...link, origin: 'null' }, { target: '/' }), 'RN841');
  // over TLS a page of plain HTTP is another one, also on the usual ports
  const own = { host: 'localhost' };
  assert.is(enters({ ...own, origin: 'https://localhost' }, { secure: true }), 'in');
  assert.is(enters({ ...own, origin: 'https://localhost:443' }, { secure: true }), 'in');
  assert.is(enters({ ...own, origin: 'http://localhost' }, { secure: true }), 'RN841');
});

test('tokens: whole and once, everywhere but at the page and the two answers for supervisors', () => {
  const door = new Door({ token, requestsPerMinute: 1e9 });
  const enters = (target: string, authorization: string | undefined) =>
    codeOf(() => door.admit(visit({ target }, { authorization })));
  for (const target of ['/', '/healthz', '/readyz']) assert.is(enters(target, undefined), 'in');
  for (const target of ['/metrics', '/v1/ws', '/v1/status', '/v1', '/nothing', '/healthz/', '/healthz2']) {
    assert.is(enters(target, bearer), 'in');
    for (let length = 0; length < token.length; length++) assert.is(enters(target, `Bearer ${token.slice(0, length)}`), 'RN811');
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      token,
      `Basic ${token}`,
      `${bearer}x`,
      `${bearer} x`,
      `Bearer ${token.toUpperCase()}`,
    ])
      assert.is(enters(target, wrong), 'RN811', wrong);
  }
  const offers = (protocols: string[]) => codeOf(() => checkToken({ 'sec-websocket-protocol': protocols.join(', ') }, token));
  assert.is(offers(protocolsFor(token)), 'in');
  for (let length = 0; length < token.length; length++) assert.is(offers(protocolsFor(token.slice(0, length))), 'RN811');
  // a header counts first, also a wrong one
  const both = { authorization: 'Bearer x', 'sec-websocket-protocol': protocolsFor(token).join() };
  assert.is(
    codeOf(() => checkToken(both, token)),
    'RN811',
  );
});

test('guesses: after so many no other is looked at, on any path; another address is not affected', () => {
  const door = new Door({ token, requestsPerMinute: 20 });
  const guess = (target: string, address: string, authorization = 'Bearer wrong') =>
    codeOf(() => door.admit(visit({ target, address }, { authorization })));
  const paths = ['/metrics', '/v1/ws', '/v1/status'];
  const codes = Array.from({ length: 60 }, (_, i) => guess(paths[i % 3] as string, '192.0.2.1'));
  assert.is(codes.filter((code) => code === 'RN811').length, 20);
  assert.is(codes.filter((code) => code === 'RN812').length, 40);
  assert.is(guess('/v1/status', '192.0.2.1', bearer), 'RN812', 'a right one would tell which it is');
  assert.is(guess('/v1/status', '192.0.2.2', bearer), 'in');
});

test('limits: a bucket fills at its rate, one network of IPv6 has one, and they are bounded in number', () => {
  let now = 0;
  const limit = new RateLimit(60, 2, () => now);
  assert.equal(
    [1, 2, 3].map(() => codeOf(() => limit.take('a'))),
    ['in', 'in', 'RN812'],
  );
  now += 1000;
  assert.equal(
    [1, 2].map(() => codeOf(() => limit.take('a'))),
    ['in', 'RN812'],
  );
  for (let i = 0; i < 5000; i++) limit.take(`x${i}`);
  assert.is(
    codeOf(() => limit.take('a')),
    'in',
    'the oldest is forgotten',
  );
  assert.is(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
  assert.is(addressKey('2001:db8:1:2:3:4:5:6'), addressKey('2001:db8:1:2::9'));
  assert.is.not(addressKey('2001:db8:1:2::9'), addressKey('2001:db8:1:3::9'));
  assert.is(addressKey('fe80::1%eth0'), addressKey('fe80::2'));
});

test.run();
