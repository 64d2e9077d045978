/**
 * The command runlet flash --to serial, and each of its errors, with a device whose answers the test chooses.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as buildBundle } from '../../assembly/build.ts';
import { makeImage } from '../../assembly/bundle/image.ts';
import type { SerialPort } from '../../host/flash/serial/exchange.ts';
import { flashSerial } from '../../host/flash/serial/flash-serial.ts';
import { encodeFrame, FrameReader } from '../../host/flash/serial/frame.ts';
import { deviceCodes, requestTypes } from '../../host/flash/serial/message.ts';
import { openPort } from '../../host/flash/serial/port.ts';
import { isRunletError } from '../../models/error.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { absent, at, openssl } from '../mcu/tools.ts';
import { root } from '../shared.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { Device, file, flashWith, imageOf } from './programs.ts';

const missing = absent ?? (openssl ? undefined : "OpenSSL's headers are absent: the package libssl-dev");
if (missing) console.log(`skipped in part: ${missing}`);
const withDevice = missing ? test.skip : test;

async function cli(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const run = promisify(execFile)(process.execPath, ['host/cli/bin.js', 'flash', ...args], { cwd: root });
  return run.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isRunletError(error)) return error.message;
  throw error ?? new Error('it was not refused');
}

/**
 * Returns a port that answers each request with the codes given for it, in order; the last one repeats. hello
 * gets a status. A request without codes gets no answer.
 */
function answering(codes: Partial<Record<keyof typeof requestTypes, number[]>>): SerialPort & { asked: string[] } {
  const reader = new FrameReader();
  let send = (_: Uint8Array): void => {};
  const asked: string[] = [];
  return {
    asked,
    listen: (onBytes) => {
      send = onBytes;
    },
    close() {},
    write(bytes) {
      for (const { type, sequence } of reader.push(bytes).frames) {
        const name = (Object.keys(requestTypes) as (keyof typeof requestTypes)[]).find((key) => requestTypes[key] === type);
        const list = name && codes[name];
        if (!list) continue;
        asked.push(name);
        const payload = new Uint8Array(name === 'hello' ? 184 : 16);
        const view = new DataView(payload.buffer);
        view.setInt32(0, (list.length > 1 ? list.shift() : list[0]) as number, true);
        if (name === 'hello') {
          view.setUint32(16, 1 | (64 << 16), true);
          view.setUint32(20, 32768, true);
        }
        queueMicrotask(() => send(encodeFrame({ type: type | 0x80, sequence, payload })));
      }
    },
  };
}

const { ok, io, use, digest, order } = deviceCodes;
const image = new Uint8Array(100).fill(3);
const quick = { answerMs: 10, tries: 3, bitsPerSecond: 10_000_000 };
const against = (codes: Parameters<typeof answering>[0]) => messageOf(flashSerial(image, answering(codes), quick));

test('RN882, RN883, RN887, RN889, RN890: a silent device, one of another version, and a broken one', async () => {
  assert.match(await against({}), /^RN882: .*3 times there was no answer/);
  assert.match(await against({ hello: [use] }), /^RN883: .*its version is 1, and this program has version 2/);
  assert.match(await against({ hello: [ok], begin: [io] }), /^RN889/);
  assert.match(await against({ hello: [ok], begin: [ok], data: [order] }), /^RN890: .*-12 \(order\)/);
  assert.match(await against({ hello: [ok], begin: [order] }), /^RN890/);
  // the device never has more bytes
  assert.match(await against({ hello: [ok], begin: [ok], data: [ok], end: [ok] }), /^RN890: .*\(short\)/);
});

test('a write to flash that fails sometimes is retried', async () => {
  const port = answering({ hello: [ok], begin: [io, io, io, digest] });
  assert.match(await messageOf(flashSerial(image, port, quick)), /^RN887: .*SHA-256/);
  assert.equal(port.asked, ['hello', 'begin', 'begin', 'begin', 'begin']);
});

test('RN881: a port that cannot be used', async () => {
  assert.match(await messageOf(openPort(at('no-such-port'), 115_200)), /^RN881: .*no-such-port.*No such file/);
  assert.match(await messageOf(openPort(file('a-file', image), 115_200)), /^RN881: /);
  assert.match(await messageOf(openPort('COM3', 115_200, 'win32')), /^RN881: .*on win32/);
});

test('the exit code is 2 for the command line, and 4 for a port and for a file that is no model', async () => {
  assert.is((await cli('x.bin', '--to', 'tcp:1')).code, 2);
  assert.is((await cli(file('there.bin', image))).code, 2);
  assert.is((await cli('x.bin', '--to', 'serial:/dev/null', '--until', 'later')).code, 2);
  const junk = await cli(file('junk.bin', image), '--to', 'serial:/dev/null');
  assert.equal([junk.code, /RN880 this is not a model/.test(junk.stderr)], [4, true], junk.stderr);
  const good = await imageOf(12);
  const cut = await cli(file('cut.bin', good.subarray(0, -16)), '--to', 'serial:/dev/null');
  assert.match(cut.stderr, /RN880.*\n.*\n.*incomplete or damaged/);
  const port = await cli(file('good.bin', good), '--to', 'serial:/dev/null', '--json');
  assert.is(port.code, 4);
  assert.is(JSON.parse(port.stdout).error.code, 'RN881');
});

withDevice('the command line sends an image, then a bundle with separate weights, and a refusal is exit code 1', async () => {
  const [old, first] = [await imageOf(12), await imageOf(6)];
  const device = await Device.start(flashWith('cli', old), { log: 1 });
  const to = ['--to', `serial:${device.port}`];
  const image = await cli(file('first.bin', first), ...to, '--verbose');
  assert.is(image.code, 0, image.stderr);
  assert.match(
    image.stdout,
    new RegExp(`^confirmed \\S+ in slot 1, no sequence number\\nimage {5}${first.length} bytes; \\d+ frames? sent again\\n$`),
  );
  assert.match(image.stderr, /waiting for the device\n[\s\S]*sending\n[\s\S]*runlet: slot 1 \(trying\)[\s\S]*confirming\n/);
  const bundle = await buildBundle(quantPlan(planStream(tinyStream(), { hop: 4 })), {
    sampleRateHz: 31.25,
    weights: 'tile',
    sequence: 7,
  });
  const path = file('bundle.wasm', bundle.wasm);
  writeFileSync(at('bundle.weights.bin'), bundle.weights as Uint8Array);
  const { stdout, code, stderr } = await cli(path, ...to, '--json', '--name', 'mine');
  assert.is(code, 0, stderr);
  const { state, slot, sequence, name, digest: sha256, imageBytes } = JSON.parse(stdout);
  assert.equal([state, slot, sequence, name, imageBytes], ['confirmed', 0, 7, 'mine', makeImage(bundle).length]);
  assert.is(sha256, createHash('sha256').update(makeImage(bundle)).digest('hex'));
  assert.equal(device.slot(0, imageBytes), makeImage(bundle));
  assert.is(await device.stop(), 'exit 0');
  // the device trusts another key; the new image is unsigned and has no sequence number
  const keyed = await Device.start(flashWith('cli-keyed', old), { key: '00'.repeat(32) });
  const unsigned = await cli(at('first.bin'), '--to', `serial:${keyed.port}`);
  assert.equal([unsigned.code, /RN891/.test(unsigned.stderr)], [4, true], unsigned.stderr);
  assert.is(await keyed.stop(), 'exit 0');
  const bad = await Device.start(flashWith('cli-bad', old), { bad: 1 });
  const refused = await cli(at('first.bin'), '--to', `serial:${bad.port}`);
  assert.equal([refused.code, /RN888/.test(refused.stderr)], [1, true], refused.stderr);
  assert.is(await bad.stop(), 'exit 0');
});

test.run();
