/**
 * Windows that devices choose and send: messages and serial lines, the collection of a gateway, refusals, the
 * budget, changed messages.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { deviceRecord, type Running } from '../../host/gateway/collect/device-window.ts';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Intake } from '../../host/gateway/streams/intake.ts';
import { cobs, readLines } from '../../host/gateway/streams/lines.ts';
import { type FramesMessage, readFrames, writeFrames } from '../../host/gateway/streams/wire.ts';
import { errorCode } from '../error-code.ts';
import { random } from '../property/random-network.ts';
import { bundleOf, bytesOf, channels, expected, keys, signal, window } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const gateway = await Gateway.open(new CrashDisk(), {
  policy: { keys: [keys.publicKey] },
  pool: { threads: 1, budgetMs: 20_000 },
});
const intake = new Intake(gateway);
const { wasm, digest } = await bundleOf(1);
await gateway.receive(wasm, digest);
await gateway.try('main', { enduranceHops: 20, outputs: 2, seconds: 20 });

const said = { sequence: 7, digest: digest.slice(0, 8), margin: 0.125 };
const output = expected(3, window)[0] as Int8Array;
const good: FramesMessage = {
  stream: 'watch-1',
  from: 4000,
  timestampMs: 1764600000000,
  bytes: Buffer.concat([bytesOf(signal(3, 0, window)), bytesOf(output)]),
  window: said,
};
const take = (message: FramesMessage) => intake.take({ ...readFrames(writeFrames(message)), stream: message.stream as string });
const collected = () => gateway.collection.slots.get('main');
const running = () => gateway.slots.get('main')?.active as Running;
/** Returns the window that was stored last. */
async function latest() {
  const windows = collected()?.windows;
  const kept = windows?.list().at(-1);
  assert.ok(windows && kept);
  return windows.read(kept.id);
}

test('no window is kept until an operator allows it', async () => {
  assert.is(
    errorCode(() => take(good)),
    'RN874',
  );
  await gateway.collection.turnOn('main', { uncertain: { perDay: 10 }, maxBytes: 1 << 20, keepDays: 1 });
  assert.is(
    errorCode(() => take(good)),
    'RN874',
  );
  await gateway.collection.turnOn('main', { device: { perDay: 120 }, maxBytes: 1 << 20, keepDays: 1 });
});

test('a window is stored with what the device says, and the stream is not created', async () => {
  assert.is(take(good), true);
  await collected()?.settled();
  const record = await latest();
  const { stream, sequence, margin, reasons, share, from, windowFrom, windowTicks, frame, timestampMs } = record;
  assert.equal(
    { stream, sequence, margin, reasons, share, from, windowFrom, windowTicks, frame, timestampMs },
    {
      ...{ stream: 'watch-1', sequence: 7, margin: 0.125, reasons: ['uncertain'], share: 0 },
      ...{ from: 4000, windowFrom: 4000, windowTicks: window, frame: 4000 + window, timestampMs: 1764600000000 },
    },
  );
  assert.is(record.digest, digest);
  assert.is(Buffer.compare(record.signal, bytesOf(signal(3, 0, window))), 0);
  assert.is(Buffer.compare(record.raw, bytesOf(output)), 0);
  assert.is(gateway.streams.size, 0);
});

test('windows that are not of this bundle are refused, and nothing is kept', () => {
  const before = collected()?.windows.count;
  const other = { ...good, window: { ...said, digest: '01020304' } };
  assert.is(
    errorCode(() => take(other)),
    'RN894',
  );
  for (const bytes of [new Uint8Array(), good.bytes.subarray(1), Buffer.concat([good.bytes, Buffer.of(0)])])
    assert.is(
      errorCode(() => take({ ...good, bytes })),
      'RN894',
    );
  assert.is(
    errorCode(() => take({ ...good, stream: 'a name' })),
    'RN805',
  );
  for (const margin of [Number.NaN, -1, Number.POSITIVE_INFINITY])
    assert.is(
      errorCode(() => take({ ...good, window: { ...said, margin } })),
      'RN870',
    );
  assert.is(
    errorCode(() => take({ ...good, window: { ...said, sequence: 2 ** 53 } })),
    'RN870',
  );
  assert.is(collected()?.windows.count, before);
});

test('the signal is stored in the type in which frames of the model come', () => {
  const { manifest } = running();
  const [port] = manifest.inputs as [PortManifest];
  const q = Int16Array.from({ length: window * channels }, (_, i) => ((i * 37) % 256) - 128);
  const kinds = {
    float32: Float32Array.from(q, (x) => 0.5 * (x - 3)),
    int8: Int8Array.from(q),
    uint8: Uint8Array.from(q, (x) => x + 128),
    int16: q,
  };
  for (const [hostType, wanted] of Object.entries(kinds)) {
    const type = hostType === 'int16' ? ('int16' as const) : undefined;
    const inputs = [{ ...port, hostType: hostType as keyof typeof kinds, type, scale: 0.5, zeroPoint: 3 }];
    const ticks = type ? new Uint8Array(q.buffer) : bytesOf(Int8Array.from(q));
    const bytes = Buffer.concat([ticks, bytesOf(output)]);
    const record = deviceRecord({ manifest: { ...manifest, inputs }, digest }, { ...good, stream: 's', bytes, window: said });
    assert.is(Buffer.compare(record.signal, new Uint8Array(wanted.buffer)), 0, hostType);
    assert.is(record.tickBytes, wanted.byteLength / window, hostType);
  }
});

test('a device that does not know its bundle is believed, and the record says so', async () => {
  take({ ...good, window: { ...said, sequence: 8, digest: '00000000' } });
  await collected()?.settled();
  assert.is((await latest()).digest, '');
});

test('a serial line carries windows between text, and a refused one does not end it', async () => {
  const line = (message: FramesMessage) => [Buffer.of(0), cobs(writeFrames(message)), Buffer.of(0)];
  const bytes = Buffer.concat([
    Buffer.from('I (312) boot\r\n'),
    ...line({ ...good, stream: '' }),
    Buffer.from('W (400) low battery\r\n'),
    ...line({ ...good, stream: '', bytes: new Uint8Array(5) }),
    ...line({ ...good, stream: '', window: { ...said, sequence: 9 } }),
  ]);
  const before = collected()?.windows.count as number;
  const pieces = async function* () {
    for (let at = 0; at < bytes.length; at += 50) yield bytes.subarray(at, at + 50);
  };
  const counts = await readLines(intake, pieces(), { stream: 'line', format: 'binary' });
  await collected()?.settled();
  assert.equal(counts, { lines: 5, bad: 3 });
  assert.is(collected()?.windows.count, before + 2);
});

test('devices cannot send more than the settings allow, whatever they send', async () => {
  const rnd = random(1);
  let codes = 0;
  for (let n = 0; n < 3000; n++) {
    const bytes = new Uint8Array(writeFrames({ ...good, window: { ...said, sequence: n } }));
    for (let k = Math.floor(rnd() * 3); k > 0; k--) bytes[Math.floor(rnd() * bytes.length)] = Math.floor(256 * rnd());
    const code = errorCode(() => {
      const message = readFrames(bytes.subarray(0, rnd() < 0.9 ? bytes.length : Math.floor(rnd() * bytes.length)));
      if (message.window) intake.take({ ...message, stream: 'hostile' });
    });
    assert.ok(['none', 'RN870', 'RN894', 'RN805', 'RN874'].includes(code), code);
    if (code !== 'none') codes++;
  }
  await collected()?.settled();
  assert.ok(codes > 100);
  assert.ok((collected()?.windows.count as number) <= 120 / 12);
  assert.ok((collected()?.counts.budget ?? 0) > 1000);
});

test('close', async () => {
  await intake.close();
  await gateway.close();
});

test.run();
