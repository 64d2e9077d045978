/**
 * examples/node-service: type-checked, run, and called over HTTP. Its labels are those of a session over the
 * same recording.
 *
 * In: the zoo's recording demo-watch.csv, in pieces of several lengths, to two streams alternately.  Out:
 * answers, and refusals of requests that are no frames.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSession } from '../../host/session/index.ts';
import { maxOf } from '../../models/lists.ts';
import { root } from '../shared.ts';
import { installSession, typeCheck, Workspace } from './workspace.ts';

const example = 'node-service';
const work = new Workspace(example);
let service: ChildProcess;
let address = '';

interface Output {
  startFrame: number;
  endFrame: number;
  label: string;
  score: number;
}

async function ask(method: string, path: string, body?: string): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${address}${path}`, { method, ...(body !== undefined && { body }) });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

test.before(async () => {
  await work.make(example);
  await installSession(work, example);
  service = spawn(process.execPath, ['service.js', 'activity.wasm', '0'], { cwd: work.at('examples', example) });
  let errors = '';
  service.stderr?.on('data', (text) => {
    errors += text;
  });
  const lines = createInterface({ input: service.stdout as NodeJS.ReadableStream });
  const first = await Promise.race([once(lines, 'line'), once(service, 'exit').then(() => [`it ended: ${errors}`])]);
  address = / at (http:\S+)$/.exec(String(first[0]))?.[1] ?? '';
  assert.ok(address, String(first[0]));
});

test('its types fit those of the session', () => typeCheck(work, example));

test("it answers with the model's inputs and outputs", async () => {
  const { answer } = await ask('GET', '/');
  assert.equal([answer.hop, answer.window, answer.elements, answer.sampleRateHz], [8, 128, 6, 50]);
  assert.equal(answer.labels, ['seated', 'standing up', 'walking', 'turning', 'sitting down']);
});

test('streams are separate and give the answers of a session', async () => {
  const rows = readFileSync(join(root, 'models/zoo/har/demo-watch.csv'), 'utf8').trim().split('\n').slice(1, 700);
  const frames = rows.map((line) => line.split(',').slice(1, 7).map(Number));
  const session = await openSession(readFileSync(work.at('examples', example, 'activity.wasm')));
  const wanted: Output[] = [];
  session.pushAll(Float32Array.from(frames.flat()), (n) => {
    const values = [...session.output()];
    const score = maxOf(values);
    const label = session.manifest.labels?.[values.indexOf(score)] ?? '';
    wanted.push({ startFrame: 8 * n, endFrame: 8 * n + 128, label, score });
  });
  const found: Record<string, Output[]> = { a: [], b: [] };
  const sizes = [1, 7, 130, 64];
  for (let at = 0, i = 0; at < frames.length; at += sizes[i++ % 4] as number) {
    for (const name of ['a', 'b']) {
      const body = JSON.stringify({ frames: frames.slice(at, at + (sizes[i % 4] as number)) });
      const { status, answer } = await ask('POST', `/streams/${name}`, body);
      assert.is(status, 200);
      for (const { startFrame, endFrame, label, score } of answer.outputs as Output[])
        found[name]?.push({ startFrame, endFrame, label, score });
    }
  }
  assert.ok(wanted.length > 50);
  assert.equal(found, { a: wanted, b: wanted });
  assert.equal((await ask('DELETE', '/streams/b')).answer, { forgotten: true });
  assert.equal((await ask('DELETE', '/streams/b')).answer, { forgotten: false });
});

test('a request that is no frames is refused, and the service continues', async () => {
  const frame = [0, 0, 0, 0, 0, 0];
  for (const [method, path, body, status, why] of [
    ['POST', '/streams/a', 'no json', 400, /no JSON/],
    ['POST', '/streams/a', '{}', 400, /6 numbers in each frame/],
    ['POST', '/streams/a', 'null', 400, /6 numbers in each frame/],
    ['POST', '/streams/a', '{"frames": []}', 400, /6 numbers in each frame/],
    ['POST', '/streams/a', JSON.stringify({ frames: [frame.slice(1)] }), 400, /6 numbers in each frame/],
    ['POST', '/streams/a', JSON.stringify({ frames: [[...frame.slice(1), '1']] }), 400, /6 numbers in each frame/],
    ['POST', '/streams/a', ' '.repeat((1 << 20) + 1), 413, /at most 1048576 bytes/],
    ['PUT', '/streams/a', '', 405, /POST or DELETE/],
    ['POST', '/streams/a%2fb', '{}', 404, /POST \/streams\/NAME/],
  ] as const) {
    const refused = await ask(method, path, body);
    assert.is(refused.status, status, `${method} ${path}`);
    assert.match(String(refused.answer.error), why);
  }
  assert.is((await ask('POST', '/streams/a', JSON.stringify({ frames: [frame] }))).status, 200);
});

test('it ends on SIGTERM', async () => {
  service.kill('SIGTERM');
  const [code] = await once(service, 'exit');
  assert.is(code, 0);
});

test.after(() => void service.kill('SIGKILL'));

test.run();
