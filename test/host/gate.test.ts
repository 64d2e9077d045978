/** Gate: threshold, hold, order of outputs and frames. Kept frames of a stream: number, bytes, one ring. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate, GatedStream, openSession, type Stored } from '../../host/session/index.ts';
import { codeOf } from './helpers.ts';
import { hop, reference, tinyBundle, window } from './tiny-bundle.ts';

const rule = { output: 0, element: 0, threshold: 0.5, orEqual: false, holdFrames: 10 };

test('a gate opens above the threshold, and closes when the hold time is over', () => {
  const gate = new Gate(rule);
  assert.not(gate.isOpen(0), 'closed before the first value');
  gate.judge(0.5, 100);
  assert.not(gate.isOpen(100), 'the threshold itself does not pass >');
  gate.judge(0.51, 120);
  assert.ok(gate.isOpen(120) && gate.isOpen(139), 'open until the next value');
  gate.judge(0.2, 125);
  assert.ok(gate.isOpen(130) && !gate.isOpen(131), 'held for 10 frames after the latest value that passed');
  gate.judge(0.9, 140);
  gate.judge(0.1, 200);
  assert.not(gate.isOpen(200), 'the hold counts from the value that passed, not from the one that did not');
  gate.judge(0.9, 210);
  gate.reset();
  assert.not(gate.isOpen(210), 'closed in a new stream');
  const equal = new Gate({ ...rule, orEqual: true, holdFrames: 0 });
  equal.judge(0.5, 7);
  assert.ok(equal.isOpen(7), '>= passes the threshold itself');
  equal.judge(Number.NaN, 8);
  assert.not(equal.isOpen(8), 'NaN passes nothing');
});

test('a stream keeps the frames of one output, in a ring that is allocated once', async () => {
  const wasm = (await tinyBundle({ channels: 3, hostType: 'int8' })) as BufferSource;
  const stream = new GatedStream(await openSession(wasm));
  assert.is(stream.keptFrames, window);
  assert.is(stream.keptBytes, 3 * window);
  assert.is(new GatedStream(await openSession(wasm), 2).keptFrames, window + 2 * hop);
  const frames = Int8Array.from({ length: 3 * 400 }, (_, i) => (i * i) % 251);
  const expected = reference(frames, 3);
  const last = expected.length - 1;
  const got: [number, Stored][] = [];
  for (const round of ['first signal', 'after a reset']) {
    const before = stream.count.framesRun;
    stream.push(
      frames,
      () => stream.clock.outputIndex === last,
      (n) => got.push([n, stream.session.outputRaw().slice()]),
    );
    assert.equal(got.pop(), [last, expected[last]], round);
    assert.is(got.length, 0);
    assert.is(stream.count.framesRun - before, window, 'one output costs its window');
    stream.reset();
  }
  assert.equal(stream.count, {
    wanted: 2,
    unwanted: 2 * last,
    framesRun: 2 * window,
    wakeUps: 2,
    catchUpFrames: 2 * (window - hop),
    longestCatchUp: window - hop,
  });
});

test('a stream that always wants outputs runs every frame once; wrong frames are refused', async () => {
  const stream = new GatedStream(await openSession((await tinyBundle({ hostType: 'int8', warmUpHops: 2 })) as BufferSource));
  assert.is(stream.keptFrames, window + 2 * hop);
  let outputs = 0;
  stream.push(
    new Int8Array(window + 9 * hop),
    () => true,
    (_, early) => (early ? assert.unreachable() : outputs++),
  );
  assert.is(outputs, 8);
  assert.equal(stream.count, {
    wanted: 8,
    unwanted: 0,
    framesRun: window + 9 * hop,
    wakeUps: 0,
    catchUpFrames: 0,
    longestCatchUp: 0,
  });
  assert.is(
    await codeOf(() =>
      stream.push(
        new Int8Array(0),
        () => true,
        () => {},
      ),
    ),
    'RN706',
  );
  assert.is(
    await codeOf(() =>
      stream.push(
        new Int16Array(4),
        () => true,
        () => {},
      ),
    ),
    'RN708',
  );
  const carries = await tinyBundle({ hostType: 'int8', manifest: (m) => ({ ...m, carriesState: true }) });
  const session = await openSession(carries as BufferSource);
  assert.is(await codeOf(() => new GatedStream(session)), 'RN777');
});

test.run();
