/** The session's parts without a module: snapshots, ticks of several inputs, the result of the self-test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ticksIn } from '../../host/session/frames.ts';
import type { Session } from '../../host/session/index.ts';
import { selfTest } from '../../host/session/self-test.ts';
import { packSnapshot, type Snapshot, unpackSnapshot } from '../../host/session/snapshot.ts';
import { codeOf } from './helpers.ts';
import { sha256, tinyManifest } from './tiny-bundle.ts';

const snapshot: Snapshot = {
  stateDigest: '5'.repeat(64),
  framesPushed: 2 ** 40 + 3,
  outputsDue: 12,
  originFrame: 7,
  state: Uint8Array.of(1, 2, 3, 4, 5),
  lastFrame: Uint8Array.of(9, 8),
  madeUp: [
    [3, 9],
    [20, 21],
  ],
};
const unpack = (bytes: Uint8Array, digest = snapshot.stateDigest) => unpackSnapshot(bytes, digest, 5, 2);

test('a snapshot is read as it was written, every changed byte is found, and counters are non-negative integers', async () => {
  const bytes = packSnapshot(snapshot);
  assert.equal(JSON.stringify(unpack(bytes)), JSON.stringify(snapshot));
  for (let i = 0; i < bytes.length; i++)
    assert.is(await codeOf(() => unpack(bytes.with(i, (bytes[i] as number) ^ 4))), 'RN712', `byte ${i}`);
  for (const wrong of [
    { framesPushed: -1 },
    { outputsDue: 0.5 },
    { originFrame: 2 ** 60 },
    { madeUp: [[-4, 2]] as [number, number][] },
  ])
    assert.is(await codeOf(() => unpack(packSnapshot({ ...snapshot, ...wrong }))), 'RN712', JSON.stringify(wrong));
  assert.is(await codeOf(() => unpack(bytes, '6'.repeat(64))), 'RN712');
  assert.is(await codeOf(() => unpack(bytes.slice(0, -1))), 'RN712');
});

test('several inputs cover the same time, each in whole frames', async () => {
  const [port] = tinyManifest().inputs as [ReturnType<typeof tinyManifest>['inputs'][number]];
  const inputs = [
    { ...port, name: 'fast', rate: 3, elements: 2 },
    { ...port, name: 'slow', rate: 1, elements: 1 },
  ];
  const frames = (...lengths: number[]) => lengths.map((n) => new Int8Array(n));
  assert.is(ticksIn(inputs, frames(12, 2), []), 2);
  for (const wrong of [frames(12, 3), frames(6, 2), frames(11, 2), frames(10, 2), frames(12), frames(12, 2, 1), frames(0, 0)])
    assert.is(await codeOf(() => ticksIn(inputs, wrong, [])), 'RN706', `${wrong.map((f) => f.length)}`);
});

/** Returns a session with the given outputs, to test the self-test only. */
function answering(outputs: Int8Array[], golden: { outputs: number; digest: string }): Session {
  let due = 0;
  const manifest = { ...tinyManifest(), golden: { seed: 1, hops: 4, ...golden } };
  return {
    manifest,
    hop: 4,
    reset: () => {},
    pushInt8: () => due < outputs.length && due++ >= 0,
    outputRaw: () => outputs[due - 1],
  } as unknown as Session;
}

test('a self-test compares the bytes and the number of outputs', async () => {
  const outputs = [Int8Array.of(1, 2), Int8Array.of(3, 4)];
  const digest = sha256(outputs);
  assert.ok((await selfTest(answering(outputs, { outputs: 2, digest }))).ok);
  // the same bytes in a different number of outputs
  assert.not.ok((await selfTest(answering([Int8Array.of(1, 2, 3, 4)], { outputs: 2, digest }))).ok);
  assert.not.ok((await selfTest(answering([Int8Array.of(1, 2), Int8Array.of(3, 5)], { outputs: 2, digest }))).ok);
});

test.run();
