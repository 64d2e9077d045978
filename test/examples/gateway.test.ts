/**
 * examples/gateway: the container's command works, its Containerfile and its unit are valid, and they agree.
 *
 * In: the Containerfile's entry point, arguments and health check.  Out: a gateway that becomes healthy,
 * takes the bundle of the README and ends by a signal. The container's paths and port are replaced; no image
 * is built.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../scripts/gateway/port.ts';
import { runCli } from '../host/helpers.ts';
import { root } from '../shared.ts';
import { commandsOf, examples, installed, Workspace } from './workspace.ts';

const work = new Workspace('gateway');
const text = readFileSync(join(examples, 'gateway/Containerfile'), 'utf8');
const unit = readFileSync(join(examples, 'gateway/runlet-gateway.service'), 'utf8');
const file = DockerfileParser.parse(text);
const bin = join(root, 'host/cli/bin.js');

/** Returns the words of an instruction in JSON form, which may follow flags and a subcommand. */
const wordsOf = (instruction: Instruction | undefined): string[] =>
  JSON.parse(instruction?.getArgumentsContent()?.replace(/^[^[]*/, '') ?? '[]') as string[];
const entry = [...wordsOf(file.getENTRYPOINTs()[0]), ...wordsOf(file.getCMDs()[0])];
const health = wordsOf(file.getHEALTHCHECKs()[0]);

test('the Containerfile is valid: a pinned base image, no root user, no finding', () => {
  assert.equal(
    validate(text).map(({ message }) => message),
    [],
  );
  assert.ok(validate(text.replace('USER node', 'USE node')).length > 0, 'the linter finds what is wrong');
  assert.match(file.getFROMs()[0]?.getImageTag() ?? '', /^\d+\.\d+\.\d+-/);
  const user = file.getInstructions().filter((one) => one.getKeyword() === 'USER');
  assert.is(user.at(-1)?.getArgumentsContent(), 'node');
  assert.is(entry[0], '/opt/runlet/node_modules/.bin/runlet');
  assert.is(health[0], 'node');
});

test('the unit names the volume, the port and the keys of the Containerfile', () => {
  const [, command] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  assert.match(
    command ?? '',
    / --publish 8080:8080 --volume runlet-gateway:\/var\/lib\/runlet --volume \/etc\/runlet:\/etc\/runlet:ro /,
  );
  assert.equal(entry.slice(2), [
    '--state',
    '/var/lib/runlet',
    '--host',
    '0.0.0.0',
    '--port',
    '8080',
    '--key',
    '/etc/runlet/mine.pub',
  ]);
  assert.match(text, /^VOLUME \/var\/lib\/runlet$/m);
  assert.match(text, /^EXPOSE 8080$/m);
});

const analyze = installed('systemd-analyze') ? test : test.skip;
if (analyze === test.skip) console.log('skipped: systemd-analyze is not installed (the package systemd)');
analyze('systemd accepts the unit', () => {
  const verify = (unit: string) => {
    const path = work.at('runlet-gateway.service');
    writeFileSync(path, existsSync('/usr/bin/podman') ? unit : unit.replaceAll('/usr/bin/podman', '/bin/true'));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
    return { status, findings: (stdout + stderr).split('\n').filter((line) => line.includes('runlet-gateway')) };
  };
  assert.equal(verify(unit), { status: 0, findings: [] });
  assert.is.not(verify(unit.replace('Restart=always', 'Restart=sometimes')).findings.length, 0);
});

test("the container's command becomes healthy, takes the bundle of the README, and ends by a signal", async () => {
  for (const line of commandsOf('gateway').filter((line) => line.startsWith('npx runlet '))) {
    const { code, stderr } = await runCli(work.path, line.split(' ').slice(2));
    assert.is(code, 0, `${line}\n${stderr}`);
  }
  const port = `${await freePort()}`;
  const places: Record<string, string> = {
    '/var/lib/runlet': work.at('state'),
    '8080': port,
    '/etc/runlet/mine.pub': work.at('out/mine.pub'),
  };
  const args = entry.slice(1).map((word) => places[word] ?? word);
  const gateway: ChildProcess = spawn(process.execPath, [bin, ...args], { cwd: work.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [gateway.stdout, gateway.stderr])
    stream?.on('data', (text) => {
      log += text;
    });
  const isHealthy = () => {
    const [, ...words] = health.map((word) => word.replace('8080', port));
    return spawnSync(process.execPath, words).status === 0;
  };
  try {
    assert.not(isHealthy(), 'before it listens it is not healthy');
    const until = Date.now() + 60_000;
    while (!isHealthy() && Date.now() < until && gateway.exitCode === null) await pause(200);
    assert.ok(isHealthy(), log);
    const to = ['--to', `http://127.0.0.1:${port}`, '--token-file', 'state/token'];
    const { code, stdout, stderr } = await runCli(work.path, ['flash', 'out/activity-1.wasm', ...to]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^running +activity 1\.0\.0/m);
    gateway.kill('SIGTERM');
    if (gateway.exitCode === null) await once(gateway, 'exit');
    assert.is(gateway.exitCode, 0, log);
  } finally {
    gateway.kill('SIGKILL');
  }
  assert.not(isHealthy());
});

test.run();
