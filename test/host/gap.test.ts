/**
 * Warm-up, gaps and frame counters of the session, on the hand-written bundle: numbering, flags, limits,
 * errors.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gapLimitHops } from '../../host/session/gap.ts';
import { type GapPolicy, openSession, type Session } from '../../host/session/index.ts';
import { packSnapshot, unpackSnapshot } from '../../host/session/snapshot.ts';
import { codeOf, randomOf } from './helpers.ts';
import { hop, reference, tinyBundle, window } from './tiny-bundle.ts';

const compiled = new Map<string, WebAssembly.Module>();
const open = async (options: Parameters<typeof tinyBundle>[0] = {}) => {
  const key = JSON.stringify(options);
  const module = compiled.get(key) ?? (await WebAssembly.compile((await tinyBundle(options)) as Uint8Array<ArrayBuffer>));
  compiled.set(key, module);
  return openSession(module);
};
const noise = (length: number, seed = 1): Int8Array => {
  const random = randomOf(seed);
  return Int8Array.from({ length }, () => random(256) - 128);
};
const raw = (session: Session): number[] => [...session.outputRaw()];
const read = (session: Session, bytes: Uint8Array) =>
  unpackSnapshot(
    bytes,
    session.manifest.stateDigest,
    session.manifest.bytes.stateBytes,
    session.manifest.inputs[0]?.elements ?? 0,
  );

test('during warm-up, the frames until the next output and the outputs held back are right', async () => {
  for (const warmUpHops of [0, 2]) {
    const session = await open({ warmUpHops });
    const first = warmUpHops * hop + window;
    for (let pushed = 0; pushed < first + 9; pushed++) {
      const held = [0, 8, 12].filter((frames) => frames > 0 && frames <= pushed).length;
      const next = pushed < first ? first : first + hop * (Math.floor((pushed - first) / hop) + 1);
      assert.equal(session.warmUp, {
        active: pushed < first,
        framesLeft: next - pushed,
        outputsHeldBack: Math.min(warmUpHops, held),
      });
      assert.is(session.push(new Int8Array(1)), next - pushed === 1, 'falls due when no frame is left');
    }
  }
});

test('hold and zero give the same outputs, indexes and snapshot as frames that are pushed one by one', async () => {
  for (const [channels, zeroPoint] of [[1, 0], [3, -7]] as const) // biome-ignore format: one line
    for (const policy of ['hold', 'zero'] as const)
      for (const cut of [0, 1, 3, 8, 14])
        for (const length of [1, 2, 3, 4, 5, 7, 8, 9, 31, 100, 1003]) {
          const [one, two] = [await open({ channels, zeroPoint }), await open({ channels, zeroPoint })];
          const before = noise(cut * channels);
          const after = noise(20 * channels, 9);
          const fill = policy === 'zero' || cut === 0 ? new Array(channels).fill(zeroPoint) : [...before.slice(-channels)];
          const gap = Int8Array.from({ length: length * channels }, (_, i) => fill[i % channels]);
          const [got, expected]: [number[], number[]] = [[], []];
          const keep = (session: Session, list: number[]) => (n: number) => list.push(n, ...raw(session));
          for (const [session, list] of [[one, got], [two, expected]] as const) if (cut) session.pushAll(before, keep(session, list)); // biome-ignore format: one line
          const heard: number[] = [];
          const result = one.gap(length, policy, (n) => heard.push(n));
          const inGap = two.pushAll(gap, (n) => n);
          assert.equal([result.frames, result.outputs, heard.length + result.leftOut], [length, inGap, inGap]);
          assert.equal(read(one, one.snapshot()).state, read(two, two.snapshot()).state, `${policy} ${cut} ${length}`);
          for (const [session, list] of [[one, got], [two, expected]] as const) session.pushAll(after, keep(session, list)); // biome-ignore format: one line
          assert.equal(got, expected);
          assert.equal([one.framesPushed, one.outputsDue], [two.framesPushed, two.outputsDue]);
        }
});

test('reset restarts the stream after the gap, and originFrame is its first frame', async () => {
  const session = await open({ warmUpHops: 1 });
  session.pushAll(noise(27), () => {});
  assert.equal(session.gap(13, 'reset'), { frames: 13, outputs: 0, leftOut: 0 });
  assert.equal([session.originFrame, session.framesPushed, session.outputIndex], [40, 0, -1]);
  assert.equal(session.warmUp, { active: true, framesLeft: window + hop, outputsHeldBack: 0 });
  const after = noise(30, 4);
  const got: number[][] = [];
  for await (const o of session.stream([after])) {
    got.push(raw(session));
    assert.equal([o.startFrame, o.endFrame, o.gapFrames], [40 + o.index * hop, 40 + o.index * hop + window, 0]);
  }
  assert.equal(
    got,
    reference(after, 1, 1).map((o) => [...o]),
  );
  session.gap(1, 'reset');
  assert.is(session.originFrame, 71);
  session.gap(5, 'reset');
  assert.is(session.originFrame, 76, 'two gaps in a row');
  const other = await open({ warmUpHops: 1 });
  other.restore(session.snapshot());
  assert.is(other.originFrame, 76, 'a snapshot keeps it');
  session.reset();
  assert.is(session.originFrame, 0);
});

test('gapFramesInWindow and gapFramesInContext equal a count over a mask, also through a snapshot', async () => {
  const random = randomOf(5);
  for (let round = 0; round < 20; round++) {
    let session = await open({ warmUpHops: round % 3 });
    const mask: boolean[] = [];
    const inRange = (from: number, to: number) => mask.slice(Math.max(0, from), to).filter(Boolean).length;
    const check = (n: number, inGap?: boolean) => {
      assert.is(session.gapFramesInWindow, inRange(n * hop, n * hop + window), `output ${n}`);
      assert.is(session.gapFramesInContext, inRange(n * hop - (round % 3) * hop, n * hop));
      if (inGap !== undefined) assert.is(inGap, session.gapFramesInWindow > 0);
    };
    for (let step = 0; step < 60; step++) {
      const frames = 1 + random(6);
      if (random(3) === 0) {
        for (let i = 0; i < frames; i++) mask.push(true);
        session.gap(frames, random(2) ? 'hold' : 'zero', check);
      } else
        for (let i = 0; i < frames; i++) {
          mask.push(false);
          if (session.push(new Int8Array([random(256)]))) check(session.outputIndex);
        }
      if (random(5) > 0) continue;
      const bytes = session.snapshot();
      session = await open({ warmUpHops: round % 3 });
      session.restore(bytes);
      assert.equal(session.snapshot(), bytes);
      if (session.outputIndex >= 0) check(session.outputIndex);
    }
  }
});

test('a gap of years takes little time, and later outputs have the right numbers', async () => {
  const session = await open();
  const before = noise(13);
  session.pushAll(before, () => {});
  let heard = 0;
  const frames = 2 ** 45 + 3;
  const result = session.gap(frames, 'hold', () => heard++);
  const total = 13 + frames;
  assert.is(session.framesPushed, total);
  assert.is(session.outputIndex, Math.floor((total - window) / hop));
  assert.is(result.outputs, session.outputIndex - 1);
  assert.is(result.leftOut, result.outputs - heard);
  assert.ok(heard < 20, `${heard} outputs inside the gap were reported`);
  assert.is(session.gapFramesInWindow, window);
  const last = before[12] as number;
  const after = noise(40, 3);
  const rest = (total - window) % hop; // frames of the next hop that were already pushed
  const expected = reference(Int8Array.from([...new Array(window + rest).fill(last), ...after])).slice(1);
  const got: number[][] = [];
  session.pushAll(after, () => got.push(raw(session)));
  assert.equal(
    got,
    expected.map((o) => [...o]),
  );
});

test('a session moved to 2^31, 2^32 and 2^40 frames gives the same bytes and the right indexes', async () => {
  for (const place of [2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52])
    for (const warmUpHops of [0, 2]) {
      const [near, far] = [await open({ warmUpHops }), await open({ warmUpHops })];
      const frames = noise(200);
      near.pushAll(frames.subarray(0, 50), () => {});
      const snapshot = read(near, near.snapshot());
      const moved = place - 64; // a multiple of the hop, so windows stay on their grid
      far.restore(
        packSnapshot({
          ...snapshot,
          framesPushed: snapshot.framesPushed + moved,
          outputsDue: snapshot.outputsDue + moved / hop,
        }),
      );
      const [here, there]: [number[][], number[][]] = [[], []];
      near.pushAll(frames.subarray(50), (n) => here.push([n, ...raw(near)]));
      far.pushAll(frames.subarray(50), (n) => there.push([n - moved / hop, ...raw(far)]));
      assert.ok(here.length > 30);
      assert.equal(there, here);
      assert.is(far.framesPushed, place + 136, 'it crossed the power of two');
      assert.equal(far.warmUp, { active: false, framesLeft: near.warmUp.framesLeft, outputsHeldBack: warmUpHops });
      far.gap(3, 'hold');
      const bytes = far.snapshot();
      near.restore(bytes);
      assert.equal([near.framesPushed, near.outputIndex], [far.framesPushed, far.outputIndex]);
      assert.equal(near.snapshot(), bytes);
    }
});

test('wrong arguments change nothing, and a state that never repeats has a limit', async () => {
  const session = await open();
  session.pushAll(noise(11), () => {});
  const before = session.snapshot();
  for (const frames of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 53 - 5])
    for (const policy of ['hold', 'zero', 'reset'] as const)
      assert.is(await codeOf(() => session.gap(frames, policy)), 'RN715', `${frames}`);
  assert.is(await codeOf(() => session.gap(3, 'skip' as GapPolicy)), 'RN715');
  assert.equal(session.snapshot(), before);
  const counting = await open({ edit: [['return due', 'store<i32>(state, load<i32>(state, 12) + 1, 12); return due']] });
  counting.gap(gapLimitHops * hop + 3, 'hold');
  assert.is(counting.framesPushed, gapLimitHops * hop + 3);
  assert.is(await codeOf(() => counting.gap((gapLimitHops + 1) * hop, 'zero')), 'RN716');
  assert.is(counting.framesPushed, 2 * gapLimitHops * hop + 3, 'what was pushed is counted');
  counting.gap(2 ** 40, 'reset');
  assert.is(counting.framesPushed, 0);
  const broken = await open({ edit: [['return due', 'return -7']] });
  assert.is(await codeOf(() => broken.gap(1, 'hold')), 'RN710');
});

test.run();
