/**
 * npm run demo:vad: it exits with 0 and finds every sentence of the script and hardly anything else. It also
 * takes a recording of another rate. This file counts its claims against the script.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

interface Span {
  start: number;
  end: number;
}

const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'host/demo/vad.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

const segmentsIn = (text: string): Span[] =>
  [...text.matchAll(/^ +speech +([\d.]+) to +([\d.]+) s, [\d.]+ mean score$/gm)].map(([, start, end]) => ({
    start: Number(start),
    end: Number(end),
  }));

const script = JSON.parse(readFileSync(join(root, 'models/zoo/vad/demo.json'), 'utf8')) as { speech: Span[] };

test('the demo finds every sentence of its script, and hardly anything else', () => {
  const { status, stdout, stderr } = demo();
  assert.is(status, 0, stderr);
  const found = segmentsIn(stdout);
  const overlap = (a: Span, b: Span) => Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
  const covered = (span: Span, by: readonly Span[]) => by.reduce((sum, s) => sum + overlap(span, s), 0) / (span.end - span.start);
  // useful for recording speech: most of each sentence, and few segments without speech
  for (const sentence of script.speech)
    assert.ok(covered(sentence, found) > 0.8, `${JSON.stringify(sentence)} in ${JSON.stringify(found)}`);
  const empty = found.filter((segment) => covered(segment, script.speech) < 0.5);
  assert.ok(empty.length <= 1, JSON.stringify(empty));

  const within = (spans: readonly Span[], at: number) => spans.some((s) => at >= s.start && at < s.end);
  const frames = Array.from({ length: 1200 }, (_, n) => 0.1 + 0.02 * n);
  const right = frames.filter((at) => within(found, at) === within(script.speech, at)).length / frames.length;
  assert.ok(right > 0.9, `${right}`);
  const [printed, same] = [/accuracy +([\d.]+) %/, /int8 +([\d.]+) % of/].map((line) => Number(line.exec(stdout)?.[1]));
  assert.ok(Math.abs((printed as number) / 100 - right) < 0.03, `${printed} %, counted here ${right}`);
  assert.ok((same as number) >= 99, `${same} % of the decisions of int8 are those of float`);
  assert.match(stdout, /work +13,088 multiply-adds a hop, 654,400 a second/);
  assert.ok(stdout.split('\n').every((line) => line.length <= 80));
  assert.ok(statSync(join(root, 'out/vad.wasm')).size > 10000);
});

test('silence at 8 kHz in stereo is resampled, nothing is found, and nothing is scored', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-vad-'));
  try {
    const wav = Buffer.alloc(44 + 4 * 8000);
    wav.write('RIFF', 0, 'latin1');
    wav.writeUInt32LE(wav.length - 8, 4);
    wav.write('WAVEfmt ', 8, 'latin1');
    wav.set([16, 0, 0, 0, 1, 0, 2, 0], 16);
    wav.writeUInt32LE(8000, 24);
    wav.writeUInt32LE(32000, 28);
    wav.set([4, 0, 16, 0], 32);
    wav.write('data', 36, 'latin1');
    wav.writeUInt32LE(wav.length - 44, 40);
    const path = join(folder, 'silence.wav');
    writeFileSync(path, wav);
    const { status, stdout, stderr } = demo(path);
    assert.is(status, 0, stderr);
    assert.equal(segmentsIn(stdout), []);
    assert.not.match(stdout, /^ *accuracy/m);
    const absent = demo(join(folder, 'absent.wav'));
    assert.is.not(absent.status, 0);
    assert.match(absent.stderr, /RN720/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
