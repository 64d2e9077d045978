/**
 * Signatures of bundles: a signed bundle verifies, every changed byte is detected, and wasmsign2 agrees in
 * both directions.
 *
 * wasmsign2 is the program of that name in PATH, or RUNLET_WASMSIGN2. If it is absent, that test is skipped.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import {
  hexOf,
  type KeyPair,
  keyId,
  newKeyPair,
  publicPem,
  publicRaw,
  readPublicKeys,
  readSecretKey,
  secretPem,
  secretRaw,
} from '../../assembly/bundle/keys.ts';
import { readManifest, wasmSections } from '../../assembly/bundle/read.ts';
import { signBundle, signers, unsigned, verifyBundle } from '../../assembly/bundle/sign.ts';
import { openSession, selfTest } from '../../host/session/index.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { codeOf, randomOf } from '../host/helpers.ts';
import { tinyStream } from './tiny-networks.ts';

const wasmsign2 = process.env.RUNLET_WASMSIGN2 ?? 'wasmsign2';
const there = spawnSync(wasmsign2, ['--help']).error === undefined;
if (!there) console.log('skipped: no wasmsign2: cargo install wasmsign2-cli --version 0.2.6');

const { wasm } = await build(quantPlan(planStream(tinyStream(), { hop: 12 })));
const pair = await newKeyPair();
const other = await newKeyPair();
const signed = await signBundle(wasm, pair);
const bytes = (text: string) => new TextEncoder().encode(text);

test('a signature adds 132 bytes at the front, verifies, and changes nothing else', async () => {
  assert.is(signed.length - wasm.length, 132);
  assert.equal(await verifyBundle(signed, [other.publicKey, pair.publicKey]), pair.publicKey);
  assert.equal(readManifest(signed), readManifest(wasm));
  assert.ok((await selfTest(await openSession(signed as BufferSource))).ok);
  assert.equal(unsigned(signed), wasm);
  assert.equal(signers(signed), [hexOf(await keyId(pair.publicKey))]);
  assert.is(signers(wasm), undefined);
  assert.equal(
    await signBundle(signed, pair),
    signed,
    'signing again replaces the signature with the same one, because Ed25519 is deterministic',
  );
  const plain = await signBundle(wasm, pair, { id: false });
  assert.is(plain.length - wasm.length, 119);
  assert.equal(signers(plain), ['']);
  assert.equal(await verifyBundle(plain, [other.publicKey, pair.publicKey]), pair.publicKey);
});

test('an unsigned bundle, another signer and any changed bit are refused', async () => {
  assert.is(await codeOf(() => verifyBundle(wasm, [pair.publicKey])), 'RN608');
  assert.is(await codeOf(() => verifyBundle(signed, [other.publicKey])), 'RN610');
  assert.is(await codeOf(() => verifyBundle(signed, [])), 'RN610');
  const random = randomOf(3);
  const codes = new Set<string>();
  for (let i = 0; i < 1500; i++) {
    const changed = signed.slice();
    // all bits of the signature section, then some of the others
    const bit = i < 132 * 8 ? 64 + i : random(8 * signed.length);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    codes.add(await codeOf(() => verifyBundle(changed, [pair.publicKey])));
  }
  assert.not.ok(codes.has('none'), 'no changed bundle verifies');
  assert.equal([...codes].sort(), ['RN601', 'RN608', 'RN609', 'RN610']);
  for (let length = 0; length < signed.length; length += 7)
    assert.not.equal(await codeOf(() => verifyBundle(signed.slice(0, length), [pair.publicKey])), 'none');
});

test('a signature that is not the first section is ignored', async () => {
  const section = signed.slice(8, 8 + 132);
  const behind = Buffer.concat([wasm, section]);
  assert.is(await codeOf(() => verifyBundle(behind, [pair.publicKey])), 'RN608');
});

test('key files are read as PEM of Node and openssl, with several keys per file, and as keys of wasmsign2; others give RN611', async () => {
  const again = await readSecretKey(bytes(secretPem(pair)));
  assert.equal(again, pair);
  assert.equal(readPublicKeys(bytes(publicPem(pair) + publicPem(other))), [pair.publicKey, other.publicKey]);
  assert.equal(await readSecretKey(secretRaw(pair)), pair);
  assert.equal(readPublicKeys(publicRaw(pair)), [pair.publicKey]);
  const { generateKeyPairSync } = await import('node:crypto');
  const made = generateKeyPairSync('ed25519');
  const pem = await readSecretKey(bytes(made.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string));
  assert.is(publicPem(pem), made.publicKey.export({ type: 'spki', format: 'pem' }));
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const wrong = [publicPem(pair), rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, '', 'x', '-----BEGIN PRIVATE KEY-----=-----END PRIVATE KEY-----']; // biome-ignore format: a list
  for (const text of wrong) assert.is(await codeOf(() => readSecretKey(bytes(text))), 'RN611', text);
  for (const text of [secretPem(pair), publicPem(pair).replace('MCow', 'MCoz'), ''])
    assert.is(await codeOf(() => readPublicKeys(bytes(text))), 'RN611', text);
});

(there ? test : test.skip)('wasmsign2 verifies our signatures, and Runlet verifies those of wasmsign2', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-sign-'));
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) => execFileSync(wasmsign2, args, { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
  const raw = (keys: KeyPair, name: string) => {
    writeFileSync(at(`${name}.sk`), secretRaw(keys));
    writeFileSync(at(`${name}.pk`), publicRaw(keys));
  };
  try {
    raw(pair, 'ours');
    raw(other, 'other');
    writeFileSync(at('plain.wasm'), wasm);
    writeFileSync(at('signed.wasm'), signed);
    run('verify', '-i', 'signed.wasm', '-K', 'ours.pk');
    assert.throws(() => run('verify', '-i', 'signed.wasm', '-K', 'other.pk'));
    const broken = signed.slice();
    broken[broken.length - 1] = 0;
    writeFileSync(at('broken.wasm'), broken);
    assert.throws(() => run('verify', '-i', 'broken.wasm', '-K', 'ours.pk'));
    // The bytes are equal: Ed25519 is deterministic, and wasmsign2 writes the key's id if it gets the public
    // key.
    run('sign', '-i', 'plain.wasm', '-o', 'by-it.wasm', '-k', 'ours.sk', '-K', 'ours.pk');
    const its = new Uint8Array(readFileSync(at('by-it.wasm')));
    assert.equal(await verifyBundle(its, [pair.publicKey]), pair.publicKey);
    assert.equal(its, signed);
    run('sign', '-i', 'plain.wasm', '-o', 'by-it.wasm', '-k', 'ours.sk');
    assert.equal(new Uint8Array(readFileSync(at('by-it.wasm'))), await signBundle(wasm, pair, { id: false }));
    run('keygen', '-k', 'its.sk', '-K', 'its.pk');
    const theirs = await readSecretKey(readFileSync(at('its.sk')));
    assert.equal(readPublicKeys(readFileSync(at('its.pk'))), [theirs.publicKey]);
    run('sign', '-i', 'signed.wasm', '-o', 'again.wasm', '-k', 'its.sk', '-K', 'its.pk');
    const again = new Uint8Array(readFileSync(at('again.wasm')));
    assert.equal(await verifyBundle(again, [theirs.publicKey]), theirs.publicKey);
    assert.is(wasmSections(again).filter(({ name }) => name === 'signature').length, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
