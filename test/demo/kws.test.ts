/** npm run demo:kws: it exits with 0, and the words that it prints match the script. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

interface Said {
  word: string;
  start: number;
  end: number;
}

const script = JSON.parse(readFileSync(join(root, 'models/zoo/kws/demo.json'), 'utf8')) as { words: Said[] };

test('the demo hears the words of its script, and hardly anything else', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'host/demo/kws.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  assert.is(status, 0, stderr);
  const heard = [...stdout.matchAll(/^ +([\d.]+) s {2}heard (\w+) /gm)].map(([, at, word]) => ({ at: Number(at), word }));
  const free = [...script.words];
  const wrong = heard.filter(({ at, word }) => {
    const found = free.findIndex((w) => w.word === word && at > w.start && at < w.end + 0.81);
    if (found >= 0) free.splice(found, 1);
    return found < 0;
  });
  const hits = script.words.length - free.length;
  // limits that the committed network reaches (card.md); a better network can raise them
  assert.ok(hits >= 10, `${hits} of ${script.words.length}: missed ${free.map((w) => w.word)}`);
  assert.ok(wrong.length <= 1, JSON.stringify(wrong));
  const summary = /accuracy +(\d+) of (\d+) words heard, (\d+) missed, (\d+) false accepts/.exec(stdout)?.slice(1).map(Number);
  assert.equal(summary, [hits, script.words.length, free.length, wrong.length]);
  assert.match(stdout, /work saved +[\d,]+ instead of [\d,]+ multiply-adds/);
  assert.match(stdout, /memory +[\d,]+ bytes, fixed/);
  for (const file of ['out/kws.wasm', 'out/kws.svg']) assert.ok(statSync(join(root, file)).size > 1000, file);
});

test.run();
