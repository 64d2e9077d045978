/**
 * The detector of segments: its rule compared with a slow implementation, its state, times, and wrong
 * options.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Segment, SegmentDetector, type SegmentOptions } from '../../host/session/index.ts';
import { codeOf, randomOf } from './helpers.ts';

const stepMs = 20;

/** The rule in a slow implementation: first runs, then segments of runs, then those that are long enough. */
function slowly(scores: readonly number[], { cutoff, release = cutoff, shortestMs = 0, gapMs = 0 }: SegmentOptions): Segment[] {
  const runs: number[][] = [];
  scores.forEach((score, n) => {
    if (score < release) return;
    if (n > 0 && (scores[n - 1] as number) >= release) runs.at(-1)?.push(n);
    else runs.push([n]);
  });
  const segments: number[][] = [];
  for (const run of runs.filter((r) => r.some((n) => (scores[n] as number) >= cutoff))) {
    const before = segments.at(-1);
    if (before && ((run[0] as number) - (before.at(-1) as number) - 1) * stepMs <= gapMs) before.push(...run);
    else segments.push([...run]);
  }
  return segments
    .map((s) => ({
      startMs: (s[0] as number) * stepMs,
      endMs: ((s.at(-1) as number) + 1) * stepMs,
      score: s.reduce((sum, n) => sum + (scores[n] as number), 0) / s.length,
    }))
    .filter(({ startMs, endMs }) => endMs - startMs >= shortestMs);
}

/** Returns all segments and the time at which each was reported. */
function run(detector: SegmentDetector, scores: readonly number[]): { segments: Segment[]; saidAt: number[] } {
  const segments: Segment[] = [];
  const saidAt: number[] = [];
  scores.forEach((score, n) => {
    const found = detector.push(score);
    if (!found) return;
    segments.push(found);
    saidAt.push((n + 1) * stepMs);
  });
  const last = detector.finish();
  return { segments: last ? [...segments, last] : segments, saidAt };
}

test('the detector equals the slow implementation on random scores, and reports a segment once nothing can join it', () => {
  const random = randomOf(5);
  let total = 0;
  for (let round = 0; round < 500; round++) {
    const cutoff = (1 + random(8)) / 8;
    const options = {
      cutoff,
      ...(random(4) > 0 && { release: (random(9) / 8) * cutoff }),
      shortestMs: random(6) * stepMs,
      gapMs: random(6) * stepMs,
      stepMs,
    };
    let level = 0;
    const scores = Array.from({ length: 150 }, () => {
      if (random(5) === 0) level = random(9);
      return Math.min(8, Math.max(0, level + random(3) - 1)) / 8;
    });
    const detector = new SegmentDetector(options);
    const expected = slowly(scores, options);
    const { segments, saidAt } = run(detector, scores);
    const close = (a: Segment, b: Segment) =>
      a.startMs === b.startMs && a.endMs === b.endMs && Math.abs(a.score - b.score) < 1e-9;
    assert.is(segments.length, expected.length, JSON.stringify({ options, scores }));
    assert.ok(
      segments.every((s, i) => close(s, expected[i] as Segment)),
      JSON.stringify({ options, segments, expected }),
    );
    for (const [i, at] of saidAt.entries()) assert.ok(at > (segments[i]?.endMs as number) + options.gapMs, `said at ${at}`);
    total += segments.length;
    detector.reset();
    assert.equal(run(detector, scores), { segments, saidAt }, 'a reset begins anew');
  }
  assert.ok(total > 1000, `${total} segments`);
});

test('active is true from the score that reaches the cutoff until the segment is reported', () => {
  const detector = new SegmentDetector({ cutoff: 0.5, release: 0.25, gapMs: 20, stepMs });
  const active = [0.3, 0.6, 0.3, 0.1, 0.4, 0.1, 0.1].map((score) => {
    detector.push(score);
    return detector.active;
  });
  assert.equal(active, [false, true, true, true, true, false, false]);
});

test('the times are the given ones, and a hole in them ends a segment', () => {
  const detector = new SegmentDetector({ cutoff: 0.5, stepMs, gapMs: 100 });
  detector.push(1, 1000);
  assert.is(detector.push(0, 1020), undefined);
  assert.equal(detector.push(0, 5000), { startMs: 1000, endMs: 1020, score: 1 });
  detector.push(0.75, 6000);
  assert.equal(detector.finish(), { startMs: 6000, endMs: 6020, score: 0.75 });
  assert.is(detector.finish(), undefined);
});

test('options out of range are RN770', async () => {
  for (const bad of [{ cutoff: 1.5 }, { release: 0.6 }, { shortestMs: -1 }, { gapMs: Number.NaN }, { stepMs: -20 }])
    assert.is(await codeOf(() => new SegmentDetector({ cutoff: 0.5, stepMs, ...bad })), 'RN770', JSON.stringify(bad));
});

test.run();
