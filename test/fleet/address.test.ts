/**
 * Addresses of sites and names of gateways: what MQTT and NATS accept, and what is refused with a reason.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gatewayName, machineName, siteAddress } from '../../host/gateway/fleet/address.ts';
import { isRunletError } from '../../models/error.ts';

const whyOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isRunletError(error) && error.code === 'RN852') return error.message;
    throw error;
  }
  return 'accepted';
};

test('addresses of both kinds have their parts', () => {
  const { kind, url, site, username } = siteAddress('mqtts://ann@broker:8883/hall.2', '--fleet');
  assert.equal([kind, url, site, username], ['mqtt', 'mqtts://broker:8883', 'hall.2', 'ann']);
  assert.equal(siteAddress('nats://server/lab', '--fleet'), { kind: 'nats', url: 'nats://server', site: 'lab' });
  assert.equal(siteAddress('tls://gateway@server:4222/lab', '--cluster', ['nats']), {
    ...{ kind: 'nats', url: 'tls://server:4222', site: 'lab', username: 'gateway' },
  });
});

test('other addresses are refused, and a password is not repeated', () => {
  for (const text of ['nats://server', 'nats://server/a.b', 'nats://server/a/b', 'http://server/lab', 'lab', 'nats:///lab'])
    assert.match(
      whyOf(() => siteAddress(text, '--cluster', ['nats'])),
      /RN852/,
      text,
    );
  assert.match(
    whyOf(() => siteAddress('mqtt://broker/hall', '--cluster', ['nats'])),
    /RN852/,
  );
  const why = whyOf(() => siteAddress('nats://ann:secret@server/lab', '--fleet'));
  assert.match(why, /RN852/);
  assert.not.match(why, /secret/);
});

test('the name of any machine is a name over NATS', () => {
  for (const machine of ['pi', 'gateway-7.plant.example', '_x', 'a'.repeat(64), '-', '', 'bundles', '日本'])
    assert.is(gatewayName('nats', machineName('nats', machine)), machineName('nats', machine), machine);
  assert.is(machineName('nats', 'gateway-7.plant.example'), 'gateway-7-plant-example');
  assert.match(
    whyOf(() => gatewayName('nats', 'a.b')),
    /RN852/,
  );
  assert.is(gatewayName('mqtt', 'a.b'), 'a.b');
});

test.run();
