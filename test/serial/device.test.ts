/**
 * Sends a model over a pseudo-terminal to the C host on a real WAMR: sent, verified, tried, confirmed, also
 * on a line that loses, repeats and changes bytes.
 *
 * 12 transfers over bad lines (RUNLET_SERIAL_TRANSFERS; `npm run soak -- serial`: 300), seed RUNLET_SEED.
 * Each ends with the right image or a clear error.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hexOf, newKeyPair } from '../../assembly/bundle/keys.ts';
import { Exchange, type SerialPort } from '../../host/flash/serial/exchange.ts';
import { type FlashSerialOptions, flashSerial } from '../../host/flash/serial/flash-serial.ts';
import { type Answer, beginPayload, dataPayload, deviceCodes, helloPayload } from '../../host/flash/serial/message.ts';
import { openPort } from '../../host/flash/serial/port.ts';
import { isRunletError, type RunletError } from '../../models/error.ts';
import { absent, openssl } from '../mcu/tools.ts';
import { Device, flashWith, imageOf, sectorBytes, slotBytes } from './programs.ts';

const missing = absent ?? (openssl ? undefined : "OpenSSL's headers are absent: the package libssl-dev");
if (missing) console.log(`skipped: ${missing}`);
const only = missing ? test.skip : test;
const seed = Number(process.env.RUNLET_SEED ?? 1);
const transfers = Number(process.env.RUNLET_SERIAL_TRANSFERS ?? 12);

const images = missing ? [] : await Promise.all([12, 6, 4].map((hop, i) => imageOf(hop, { sequence: i + 1 })));
const [old, first, second] = images as [Uint8Array, Uint8Array, Uint8Array];
/** A pseudo-terminal has no speed: an answer comes at once or was lost. */
const quick: FlashSerialOptions = { answerMs: 60, bitsPerSecond: 10_000_000, trialMs: 5000 };

/** Opens the device's port and flashes the image. */
async function flash(device: Device, image: Uint8Array, options: FlashSerialOptions = {}) {
  const port = await openPort(device.port, 115_200);
  try {
    return await flashSerial(image, port, { ...quick, ...options });
  } finally {
    await port.close();
  }
}

async function refusal(promise: Promise<unknown>): Promise<RunletError> {
  try {
    await promise;
  } catch (error) {
    if (isRunletError(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Checks whether a slot begins with an image. */
const holds = (device: Device, slot: number, image: Uint8Array): boolean =>
  Buffer.compare(device.slot(slot, image.length), image) === 0;

only('a device whose image came from another tool takes one model and then another, between lines of its log', async () => {
  const device = await Device.start(flashWith('clean', old), { log: 1, seed });
  let text = '';
  const phases: string[] = [];
  const one = await flash(device, first, {
    name: 'first',
    onText: (part) => {
      text += part;
    },
    onProgress: ({ phase }) => phases.push(phase),
  });
  assert.equal([one.state, one.slot, one.sequence, one.resumedBytes], ['confirmed', 1, 2, 0]);
  assert.ok(holds(device, 1, first) && holds(device, 0, old));
  assert.equal([...new Set(phases)], ['hello', 'send', 'verify', 'try', 'confirm']);
  assert.match(text, /I \(\d+\) runlet: heard Okay Nabu 0\.98\d at 14\.270 s, 21 °C\r\n/);
  assert.match(text, /slot 1 \(trying\), self-test 0: no error/);
  const two = await flash(device, second);
  assert.equal([two.state, two.slot, two.sequence], ['confirmed', 0, 3]);
  assert.ok(holds(device, 0, second) && holds(device, 1, first));
  // the same model again: nothing is written
  const again = await flash(device, second);
  assert.equal([again.state, again.slot, again.sequence, again.resumedBytes], ['confirmed', 0, 3, second.length]);
  // without keys there is no floor of sequence numbers
  const back = await flash(device, first);
  assert.equal([back.state, back.slot, back.sequence], ['confirmed', 1, 2]);
  assert.is(await device.stop(), 'exit 0');
});

const rates: Record<string, number>[] = [
  { drop: 200, repeat: 200, change: 200, log: 1 },
  { drop: 1000, log: 1 },
  { change: 2000, data: 256 },
  { repeat: 3000, drop: 1000, data: 128, log: 1 },
  { drop: 20_000, repeat: 20_000, change: 20_000, data: 64 },
];

only('on a line that loses, repeats or changes bytes, the right image is confirmed or a clear error given', async () => {
  let [done, repeats] = [0, 0];
  const errors: string[] = [];
  for (let n = 0; n < transfers; n++) {
    const options = { ...(rates[n % rates.length] as object), seed: seed * 1000 + n };
    const name = `bad-${n}`;
    const device = await Device.start(flashWith(name, old), options);
    const result = await flash(device, first).catch((error: unknown) => error);
    if (isRunletError(result)) {
      assert.match(result.code, /^RN88\d$/, result.message);
      errors.push(`${JSON.stringify(options)}: ${result.message.split('. Try')[0]}`);
    } else {
      const { state, slot, repeats: again } = result as Awaited<ReturnType<typeof flash>>;
      assert.equal([state, slot], ['confirmed', 1]);
      assert.ok(holds(device, 1, first), 'another image was confirmed');
      done++;
      repeats += again;
    }
    assert.ok(holds(device, 0, old), 'the old image was written over');
    assert.is(await device.stop(), 'exit 0');
    // on a good line the transfer is completed, whatever its state
    const better = await Device.start(name);
    assert.is((await flash(better, first)).state, 'confirmed');
    assert.ok(holds(better, 1, first));
    assert.is(await better.stop(), 'exit 0');
  }
  console.log(`  seed ${seed}: ${transfers} transfers, ${done} confirmed with ${repeats} frames sent again`);
  for (const line of errors) console.log(`  given up: ${line}`);
  // at the last rate no transfer succeeds, at the others nearly all do
  assert.ok(done >= (transfers / rates.length) * (rates.length - 2), `${done} of ${transfers}`);
});

/** A port that closes after this number of written bytes, as if the client had been killed. */
async function cutPort(path: string, bytes: number): Promise<SerialPort> {
  const port = await openPort(path, 115_200);
  let left = bytes;
  let ended = (_: string): void => {};
  return {
    ...port,
    listen: (onBytes, onEnd) => {
      ended = onEnd;
      port.listen(onBytes, onEnd);
    },
    write(data) {
      if (left <= 0) return;
      port.write(data.subarray(0, left));
      left -= data.length;
      if (left <= 0) ended('cut');
    },
  };
}

only('a killed client resumes where it was, and after a power cut the device resumes at the last whole sector', async () => {
  const name = flashWith('resumed', old);
  let device = await Device.start(name, { data: 512 });
  const broken = await cutPort(device.port, 3000);
  assert.match((await refusal(flashSerial(first, broken, quick))).message, /^RN882: .*cut/);
  await broken.close();
  const one = await flash(device, first, { until: 'staged' });
  assert.equal([one.state, one.resumedBytes % 512], ['staged', 0]);
  assert.ok(one.resumedBytes >= 2048 && one.resumedBytes < 3000, `${one.resumedBytes}`);
  const again = await cutPort(device.port, 6500);
  assert.is((await refusal(flashSerial(second, again, quick))).code, 'RN882');
  await again.close();
  await device.kill();
  device = await Device.start(name);
  const two = await flash(device, second);
  assert.equal([two.state, two.resumedBytes, two.sequence], ['confirmed', sectorBytes, 3]);
  assert.ok(holds(device, 1, second));
  assert.is(await device.stop(), 'exit 0');
});

only('an image with a wrong signature, sequence number, self-test or length is refused, and the old model runs', async () => {
  const [own, foreign] = [await newKeyPair(), await newKeyPair()];
  const device = await Device.start(flashWith('signed', await imageOf(12, { signer: own, sequence: 1 })), {
    key: hexOf(own.publicKey),
  });
  const refused = async (image: Uint8Array) => (await refusal(flash(device, image))).message;
  assert.match(await refused(first), /^RN887: .*C host returned -12/);
  assert.match(await refused(await imageOf(6, { signer: foreign, sequence: 2 })), /^RN887: .*C host returned -13/);
  const junk = new Uint8Array(5000).fill(7);
  assert.match(await refused(junk), /^RN891: .*it has none/);
  assert.match(await refused(await imageOf(6, { signer: own })), /^RN891: .*it has none/);
  assert.match(await refused(await imageOf(6, { signer: own, sequence: 2 ** 32 })), /^RN891: .*it is 4294967296/);
  assert.match(await refused(new Uint8Array(slotBytes + 4)), /^RN884: .*32772 bytes, and a slot has 32768/);
  const next = await flash(device, await imageOf(6, { signer: own, sequence: 40 }));
  assert.equal([next.state, next.sequence], ['confirmed', 40]);
  assert.match(
    await refused(await imageOf(4, { signer: own, sequence: 40 })),
    /^RN885: sequence 40 .*confirmed sequence 40.*--sequence 41/,
  );
  assert.is(await device.stop(), 'exit 0');
  const bad = await Device.start(flashWith('bad', old), { bad: 1 });
  assert.match((await refusal(flash(bad, junk))).message, /^RN887: .*image reader returned -2/);
  assert.match((await refusal(flash(bad, first))).message, /^RN888: /);
  assert.ok(holds(bad, 0, old));
  assert.is(await bad.stop(), 'exit 0');
});

/**
 * Plays a whole transfer under any sequence number: begin, all pieces, end, try, confirm. @returns the codes,
 * and the floor afterwards
 */
async function played(device: Device, image: Uint8Array, number: number): Promise<{ codes: number[]; floor?: number }> {
  const port = await openPort(device.port, 115_200);
  try {
    const exchange = new Exchange(port, quick);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', image.slice()));
    exchange.wake();
    const answers: Answer[] = [await exchange.ask('begin', beginPayload(image.length, digest, number, 'x'))];
    for (let at = 0; at < image.length; at += 1024)
      answers.push(await exchange.ask('data', dataPayload(digest, at, image.subarray(at, at + 1024))));
    for (const request of ['end', 'try', 'confirm'] as const) answers.push(await exchange.ask(request, digest));
    const { status } = await exchange.ask('hello', helloPayload());
    await exchange.ask('bye');
    const codes = answers.map(({ code }) => code);
    return { codes: codes.filter((code, i) => code !== codes[i - 1]), floor: status?.floor };
  } finally {
    await port.close();
  }
}

only('an old signed image is refused under any number, and the genuine update is accepted afterwards', async () => {
  const signer = await newKeyPair();
  const device = await Device.start(flashWith('played', await imageOf(12, { signer, sequence: 2 })), {
    key: hexOf(signer.publicKey),
  });
  const recorded = await imageOf(4, { signer, sequence: 1 });
  const { ok, sequence, order } = deviceCodes;
  for (const number of [3, 0xffffffff])
    assert.equal(await played(device, recorded, number), { codes: [ok, sequence, order], floor: 2 }, `${number}`);
  const update = await imageOf(6, { signer, sequence: 3 });
  // the genuine update under the largest number, which would prevent all later updates
  assert.equal(await played(device, update, 0xffffffff), { codes: [ok, sequence, order], floor: 2 });
  const { state, sequence: number } = await flash(device, update);
  assert.equal([state, number], ['confirmed', 3]);
  assert.is(await device.stop(), 'exit 0');
});

only('during a trial nothing is written, and a restart without a confirmation returns to the old model', async () => {
  const name = flashWith('trial', old);
  let device = await Device.start(name);
  assert.is((await flash(device, first, { until: 'tried' })).state, 'trying');
  assert.match((await refusal(flash(device, second))).message, /^RN886: /);
  await device.kill();
  device = await Device.start(name);
  const back = await flash(device, second, { until: 'staged' });
  assert.equal([back.slot, back.sequence, back.state], [1, 3, 'staged']);
  assert.ok(holds(device, 0, old) && holds(device, 1, second));
  // tried in one run of the program, confirmed in the next
  assert.is((await flash(device, second, { until: 'tried' })).state, 'trying');
  assert.is((await flash(device, second)).state, 'confirmed');
  assert.is(await device.stop(), 'exit 0');
});

test.run();
