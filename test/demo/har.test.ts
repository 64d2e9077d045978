/** npm run demo:har for both devices: it exits with 0, and the printed picture matches the script. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../shared.ts';

for (const device of ['watch', 'phone'])
  test(`the demo finds the simulated activities of the ${device}`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'host/demo/har.ts', device], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    assert.is(status, 0, stderr);
    const strip = (name: string) => [...stdout.matchAll(new RegExp(`${name} +([_/~>\\\\]+)$`, 'gm'))].map((m) => m[1]).join('');
    const [script, found] = [strip('script'), strip('found')];
    assert.is(found.length, script.length);
    assert.ok(script.length > 300 && new Set(script).size === 5);
    const right = [...found].filter((mark, i) => mark === script[i]).length;
    assert.ok(right / script.length > 0.92, `${right} of ${script.length}`);
    const summary = /accuracy +(\d+) of (\d+) answers/.exec(stdout)?.slice(1).map(Number);
    assert.equal(summary, [right, script.length]);
    assert.match(stdout, /work saved +23,392 instead of 286,928 multiply-adds/);
    assert.ok(statSync(join(root, `out/har-${device}.wasm`)).size > 10000);
  });

test.run();
