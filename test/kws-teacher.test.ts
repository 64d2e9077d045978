/**
 * The teacher of models/zoo/kws: a batch has the answers of its clips, and heard.py computes what the files
 * of the wheel do.
 *
 * Needs Python with packages; the second part also needs the wheel of openwakeword 0.4.0
 * (RUNLET_OPENWAKEWORD). Without them they are skipped. The reference is onnxruntime.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runPython, withPython } from './python.ts';
import { root } from './shared.ts';

interface Drawn {
  shape: number[];
  answered: number;
  partly: number;
  words: number;
  neither: number;
  otherLabel: number;
  otherCopy: number;
}

interface Printed {
  '': Drawn;
  'mel-': Drawn;
  heard?: { rows: number[]; mel: number; embedding: number; largest: number };
}

const wheel = process.env.RUNLET_OPENWAKEWORD ?? '';
const needs = {
  statement: 'import numpy, scipy, torch, onnx, onnxruntime',
  hint: 'pip install -r models/zoo/kws/requirements.txt onnxruntime',
};

function driven(...more: string[]): Printed {
  const cache = mkdtempSync(join(tmpdir(), 'runlet-teacher-'));
  try {
    const { status, stdout, stderr } = runPython([join(root, 'test/fixtures/kws/teacher.py'), cache, ...more]);
    assert.is(status, 0, stderr);
    return JSON.parse(stdout) as Printed;
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

withPython('a window has the answer for its clip and its copy, and other windows have none', needs, () => {
  const printed = driven();
  for (const [prefix, shape] of [
    ['', [200, 1, 49, 40]],
    ['mel-', [200, 1, 117, 32]],
  ] as const) {
    const { answered, words, neither, ...rest } = printed[prefix];
    assert.equal(rest, { shape, partly: 0, otherLabel: 0, otherCopy: 0 }, prefix);
    assert.ok(words > 0 && answered > words && answered < 200 && neither > 0, prefix);
  }
});

if (existsSync(wheel)) {
  withPython('the front end and the embedding of the teacher are those of the wheel', needs, () => {
    const { heard } = driven(wheel);
    assert.ok(heard);
    assert.equal(heard.rows, [1, 117, 32]);
    // half of a stored step, 1 / 16, as a power of ten
    assert.ok(heard.mel <= 1.01 / (16 * Math.LN10), `the front end differs by ${heard.mel}`);
    assert.ok(heard.embedding <= 1e-5 * heard.largest, `the embedding differs by ${heard.embedding} of ${heard.largest}`);
  });
} else {
  const how = 'pip download --no-deps openwakeword==0.4.0, and RUNLET_OPENWAKEWORD names the file';
  console.log(`skipped: the embedding of the teacher: no wheel of openwakeword; ${how}`);
  test.skip('the front end and the embedding of the teacher are those of the wheel', () => undefined);
}

test.run();
