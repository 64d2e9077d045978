/** The state of a gateway and the messages of a fleet: pure functions, tested at exact limits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newKeyPair } from '../../assembly/bundle/keys.ts';
import { type Desired, gatewayOf, isName, maxSequence, parseDesired } from '../../host/gateway/fleet/messages.ts';
import { opener, sealer } from '../../host/gateway/fleet/signed.ts';
import { packetGate } from '../../host/gateway/mqtt/gate.ts';
import * as state from '../../host/gateway/store/state.ts';
import { codeOf } from '../host/helpers.ts';

const stored = (sequence: number): state.Stored => ({
  digest: String(sequence).padStart(64, '0'),
  bytes: 1,
  name: 'n',
  version: `${sequence}`,
  sequence,
});
const onTrial = (s: state.GatewayState, sequence: number) => state.beginTrial(state.stage(s, 'a', stored(sequence)), 'a');
const ran = (...sequences: number[]) => sequences.reduce((s, n) => state.confirm(onTrial(s, n), 'a'), state.emptyState());
const slotOf = (s: state.GatewayState) => s.slots.get('a') as state.SlotState;

test('the floor rises only with confirmed bundles and never falls', () => {
  assert.is(slotOf(state.stage(state.emptyState(), 'a', stored(7))).floor, -1);
  assert.is(slotOf(onTrial(state.emptyState(), 7)).floor, -1);
  assert.is(slotOf(ran(7)).floor, 7);
  assert.is(slotOf(ran(7, 5)).floor, 7);
  assert.is(slotOf(state.rollBack(ran(3, 7), 'a', 'RN1', '')).floor, 7);
  assert.is(slotOf(state.revert(onTrial(ran(3), 9), 'a', 'RN1', '')).floor, 3);
});

test('the previous bundle is kept through trials, and runs again after a rollback, once', () => {
  const two = ran(1, 2);
  assert.equal([slotOf(two).active?.sequence, slotOf(two).previous?.sequence], [2, 1]);
  // confirming the same bundle again does not replace the previous one
  assert.is(slotOf(state.confirm(onTrial(two, 2), 'a')).previous?.sequence, 1);
  const trial = onTrial(two, 3);
  assert.is(slotOf(trial).trial, true);
  assert.is(slotOf(state.beginTrial(two, 'a')).trial, false, 'nothing is staged');
  assert.is(slotOf(state.stage(trial, 'a', stored(4))).trial, false, 'another one has not begun');
  assert.equal(state.referenced(trial), new Set([1, 2, 3].map((n) => stored(n).digest)));
  const back = state.rollBack(two, 'a', 'RN806', 'why');
  assert.equal([slotOf(back).active?.sequence, slotOf(back).previous, slotOf(back).last?.sequence], [1, undefined, 2]);
  const again = state.rollBack(back, 'a', 'RN806', 'why');
  assert.is(slotOf(again).active?.sequence, 1, 'nothing ran before it');
  const given = state.revert(trial, 'a', 'RN801', 'why');
  assert.equal([slotOf(given).active?.sequence, slotOf(given).previous?.sequence, slotOf(given).staged, slotOf(given).trial], [2, 1, undefined, false]); // biome-ignore format: one line
  assert.equal([slotOf(given).last?.result, slotOf(given).last?.code], ['reverted', 'RN801']);
});

test('a start drops a trial and keeps a staged bundle, and the third crash in a row leads to safe mode', () => {
  const after = (s: state.GatewayState, stopped: boolean) => state.boot({ ...s, stopped }, 3);
  assert.is(slotOf(after(onTrial(ran(1), 2), true)).staged, undefined);
  assert.is(slotOf(after(state.stage(ran(1), 'a', stored(2)), true)).staged?.sequence, 2);
  let s = after(state.stage(ran(1), 'a', stored(2)), true);
  assert.equal([s.boots, s.crashes, s.safeMode, s.stopped], [1, 0, false, false]);
  for (const [crashes, safe] of [
    [1, false],
    [2, false],
    [3, true],
    [4, true],
  ] as const) {
    s = after(s, false);
    assert.equal([s.crashes, s.safeMode], [crashes, safe]);
    assert.is(slotOf(s).staged !== undefined, !safe, 'nothing new is tried in safe mode');
    assert.is(slotOf(s).active?.sequence, 1);
  }
  assert.equal([after(s, true).crashes, after(s, true).safeMode], [0, false]);
});

test('a state is read as it was written, and a changed byte is found', async () => {
  const bytes = state.encodeState(ran(1, 2));
  const back = slotOf(state.decodeState(bytes, 'here'));
  assert.equal([back.floor, back.active, back.previous, back.trial], [2, stored(2), stored(1), false]);
  for (let at = 0; at < bytes.length; at += 7) {
    const bad = bytes.slice();
    bad[at] = (bad[at] as number) ^ 1;
    assert.is(await codeOf(() => state.decodeState(bad, 'here')), 'RN800', `byte ${at}`);
  }
});

const desired: Desired = { fleet: 2, site: 's', gateway: 'g', sequence: 3, rollout: 'r', slot: 'main', bundle: null };

test('a desired state is accepted only as a trusted key has signed it', async () => {
  const [mine, other] = [await newKeyPair(), await newKeyPair()];
  const open = await opener({ keys: [mine.publicKey], insecureUnsigned: false });
  const good = (await sealer(mine))(desired);
  assert.equal(open(good), desired);
  assert.is(await codeOf(async () => open((await sealer(other))(desired))), 'RN896');
  assert.is(await codeOf(async () => open((await sealer())(desired))), 'RN895');
  const envelope = JSON.parse(new TextDecoder().decode(good));
  const edited = (more: object) => codeOf(() => open(new TextEncoder().encode(JSON.stringify({ ...envelope, ...more }))));
  assert.is(await edited({}), 'none');
  assert.is(await edited({ desired: envelope.desired.replace('"main"', '"else"') }), 'RN896');
  assert.is(await edited({ desired: `${envelope.desired} ` }), 'RN896');
  assert.is(await edited({ signature: undefined }), 'RN895');
  assert.is(await edited({ keyId: undefined }), 'RN895');
  const [first] = envelope.signature;
  assert.is(await edited({ signature: `${first === 'A' ? 'B' : 'A'}${envelope.signature.slice(1)}` }), 'RN896');
  const both = await opener({ keys: [other.publicKey, mine.publicKey], insecureUnsigned: false });
  assert.equal(both(good), desired);
});

test('names, topics and numbers of a fleet are checked at their exact limits', async () => {
  for (const [name, ok] of [['a', true], ['a'.repeat(64), true], ['a'.repeat(65), false], ['bundles', false], ['-a', false], ['a/b', false], ['', false], ['a\n', false]] as const) assert.is(isName(name), ok, name); // biome-ignore format: a table
  assert.is(gatewayOf('runlet/s/g/desired', 's', 'desired'), 'g');
  for (const topic of ['runlet/t/g/desired', 'runlet/s/g/reported', 'runlet/s/g/desired/x', 'runlet/s/bundles/desired', 'other/s/g/desired']) assert.is(gatewayOf(topic, 's', 'desired'), undefined, topic); // biome-ignore format: a list
  const of = (more: object) => codeOf(() => parseDesired(JSON.stringify({ ...desired, ...more })));
  for (const [sequence, code] of [[0, 'none'], [maxSequence, 'none'], [maxSequence + 1, 'RN850'], [-1, 'RN850'], [0.5, 'RN850']] as const) assert.is(await of({ sequence }), code, `${sequence}`); // biome-ignore format: a table
  for (const more of [{ fleet: 1 }, { more: 1 }, { bundle: { digest: 'AB'.repeat(32), at: 'message' } }, { bundle: { digest: 'ab'.repeat(32), at: 'http://x' } }]) assert.is(await of(more), 'RN850', JSON.stringify(more)); // biome-ignore format: a list
  assert.is(await codeOf(() => parseDesired(JSON.stringify(desired).padEnd(8192))), 'none');
  assert.is(await codeOf(() => parseDesired(JSON.stringify(desired).padEnd(8193))), 'RN850');
});

test('an MQTT header is read however it is split: type, flags, length of one to four bytes', () => {
  const lengths: [number, number[]][] = [[0, [0]], [127, [127]], [128, [128, 1]], [16383, [255, 127]], [2097152, [128, 128, 128, 1]]]; // biome-ignore format: a table
  for (const [bytes, digits] of lengths) {
    const heads: object[] = [];
    const gate = packetGate((head) => void heads.push(head));
    for (const byte of [0x3d, ...digits]) assert.is(gate(Uint8Array.of(byte)), undefined);
    gate(new Uint8Array(bytes));
    gate(Uint8Array.of(0xc0, 0));
    assert.equal(heads, [{ type: 3, flags: 13, bytes }, { type: 12, flags: 0, bytes: 0 }]); // biome-ignore format: one line
  }
  assert.type(packetGate(() => undefined)(Uint8Array.of(0x30, 128, 128, 128, 128, 1)), 'string');
  assert.is(packetGate(({ bytes }) => (bytes > 5 ? 'long' : undefined))(Uint8Array.of(0x30, 6)), 'long');
});

test.run();
