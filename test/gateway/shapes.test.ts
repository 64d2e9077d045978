/**
 * Hostile names and shapes: slots named like properties of every object, and files of the state folder with
 * right checksums and wrong values.
 *
 * A name such as `constructor` keeps its floor like any other. In each file, one value after the other is
 * removed or replaced by another kind. The file is then accepted or refused with a code; there is no fault.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gateway } from '../../host/gateway/gateway.ts';
import { Store } from '../../host/gateway/store/store.ts';
import { Uploads } from '../../host/gateway/store/uploads.ts';
import { defaultPolicy } from '../../host/gateway/verify/policy.ts';
import { isRunletError } from '../../models/error.ts';
import { codeOf } from '../host/helpers.ts';
import { bundleOf, keys } from './bundles.ts';
import { CrashDisk } from './crash-disk.ts';

const all = (n: number) => n;
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const sha256 = (value: string): string => createHash('sha256').update(value).digest('hex');

const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', '__proto__', '__defineGetter__', '7'];

test('slots of any name keep their bundles and their floors on the disk', async () => {
  let disk = new CrashDisk();
  const begun = await Store.open(disk);
  for (const [i, name] of names.entries()) {
    await begun.install(name, bytes(`bundle ${i}`), { name: 'heart', version: '1.0.0', sequence: i + 5 });
    await begun.beginTrial(name);
    await begun.confirm(name);
  }
  await begun.close();
  for (let start = 0; start < 2; start++) {
    disk = disk.survivor(all, all);
    const store = await Store.open(disk);
    for (const [i, name] of names.entries()) {
      const { floor, active } = store.slot(name);
      assert.equal([floor, active?.sequence], [i + 5, i + 5], name);
      assert.equal(await store.blob(active as { digest: string }), bytes(`bundle ${i}`));
    }
    assert.equal(store.slot('propertyIsEnumerable'), { floor: -1, trial: false });
  }
});

test('a slot named constructor refuses bundles older than its floor, also after a restart', async () => {
  const [old, first, next] = [await bundleOf(4), await bundleOf(5), await bundleOf(6)];
  const name = 'constructor';
  const options = { policy: { keys: [keys.publicKey] }, pool: { threads: 1 } };
  const disk = new CrashDisk();
  let gateway = await Gateway.open(disk, options);
  await gateway.receive(first.wasm, first.digest, name);
  const { failure } = await gateway.try(name, { enduranceHops: 10 });
  assert.is(failure, undefined);
  assert.is(await codeOf(() => gateway.receive(old.wasm, old.digest, name)), 'RN817');
  await gateway.close();
  gateway = await Gateway.open(disk.survivor(all, all), options);
  try {
    assert.is(gateway.store.slot(name).active?.digest, first.digest);
    assert.is(await codeOf(() => gateway.receive(old.wasm, old.digest, name)), 'RN817');
    assert.is((await gateway.receive(next.wasm, next.digest, name)).sequence, 6);
  } finally {
    await gateway.close();
  }
});

const odd: unknown[] = [undefined, null, true, 0, -2, 1.5, 2 ** 60, '', 'x', '../../state', [], [[]], {}, { length: 1 }];

/** Yields the value with one place after the other replaced by each odd value. */
function* variants(value: unknown): Generator<unknown> {
  yield* odd;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value))
    for (const changed of variants(inner))
      yield Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed };
}

const stateFile = (state: unknown): Uint8Array => {
  const body = JSON.stringify(state) ?? 'undefined';
  return bytes(`runlet-gateway 1 ${sha256(body)}\n${body}`);
};

test('a state with a right checksum and a wrong shape is refused with RN800, or taken as it is', async () => {
  const disk = new CrashDisk();
  const store = await Store.open(disk);
  for (const sequence of [1, 2, 3]) {
    await store.install('main', bytes(`bundle ${sequence}`), { name: 'heart', version: '1.0.0', sequence, keyId: 'ab' });
    if (sequence === 3) break;
    await store.beginTrial('main');
    await store.confirm('main');
  }
  const whole = JSON.parse(text(await disk.read('state')).split('\n')[1] as string);
  const counts = { taken: 0, refused: 0 };
  for (const state of variants(whole)) {
    const next = await diskWith({ state: stateFile(state) });
    try {
      const opened = await Store.open(next);
      for (const slot of [...opened.state.slots.keys(), 'main']) {
        await opened.install(slot, bytes('more'), { name: 'heart', version: '1.0.0', sequence: 9 });
        await opened.beginTrial(slot);
        await opened.confirm(slot);
        assert.ok(opened.slot(slot).floor >= 9);
      }
      counts.taken++;
    } catch (error) {
      if (!isRunletError(error)) assert.unreachable(`${JSON.stringify(state)}: ${(error as Error).stack}`);
      assert.is((error as { code: string }).code, 'RN800', String(error));
      counts.refused++;
    }
  }
  console.log(`  ${counts.taken} states taken, ${counts.refused} refused`);
  assert.ok(counts.taken > 50 && counts.refused > 200);
});

async function diskWith(files: Record<string, Uint8Array>): Promise<CrashDisk> {
  return new CrashDisk({}, new Map(Object.entries(files)));
}

/** Returns the file of a partial upload with this header, one piece and right checksums. */
function uploadFile(header: unknown): Uint8Array {
  let check: Uint8Array = new Uint8Array(16);
  const parts = [bytes('runlet-upload 1\n')];
  for (const record of [bytes(JSON.stringify(header) ?? ''), bytes('a piece')]) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, record.length, true);
    check = createHash('sha256').update(check).update(length).update(record).digest().subarray(0, 16);
    parts.push(length, check, record);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

test('a partial upload with right checksums and a wrong header is removed or resumed', async () => {
  const id = '01234567-89ab-cdef-0123-456789abcdef';
  const header = { slot: 'main', length: 20, beganMs: Date.now() };
  const counts = { taken: 0, removed: 0 };
  for (const one of [header, ...variants(header)]) {
    const disk = await diskWith({ [`uploads/${id}`]: uploadFile(one) });
    const uploads = await Uploads.open(disk, { ...defaultPolicy, maxBytes: 1000 });
    if (uploads.size === 1) {
      counts.taken++;
      assert.is(uploads.offset(id), 7);
      const whole = await uploads.finish(id, async ({ slot }) => slot).catch((error: { code: string }) => error.code);
      assert.ok(typeof whole === 'string', 'a slot, or RN809');
      await uploads.remove(id);
    } else counts.removed++;
    assert.equal(await disk.list('uploads'), []);
    await uploads.close();
  }
  assert.ok(counts.taken > 3 && counts.removed > 20, JSON.stringify(counts));
});

test.run();
