/**
 * The trust of the ESP32 example as shipped: without the user's key the firmware does not compile. With it, a
 * module runs only if that key signed it.
 *
 * gcc compiles host/mcu/esp32/main/trust.c, with OpenSSL in place of libsodium.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build as buildBundle } from '../../assembly/build.ts';
import { readSecretKey } from '../../assembly/bundle/keys.ts';
import { signBundle } from '../../assembly/bundle/sign.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { at, build, mcu, openssl, run } from '../mcu/tools.ts';
import { root } from '../shared.ts';
import { textOf } from '../sources.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { absentTools } from '../wamr/runner.ts';

const absent = absentTools({ gcc: 'the package gcc' }) ?? (openssl ? undefined : "OpenSSL's headers: the package libssl-dev");
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const source = join(mcu, 'esp32/main/trust.c');

/** Makes a folder with trust.c and stand-ins for ESP-IDF and libsodium. The test adds the keys. */
function firmware(name: string, config = ''): string {
  const folder = at(name);
  mkdirSync(folder);
  copyFileSync(source, join(folder, 'trust.c'));
  copyFileSync(join(mcu, 'esp32/main/trust.h'), join(folder, 'trust.h'));
  writeFileSync(join(folder, 'sdkconfig.h'), config);
  writeFileSync(
    join(folder, 'sodium.h'),
    `#include "crypto.h"
static inline int sodium_init(void) { return 0; }
static inline int crypto_sign_verify_detached(const uint8_t* signature, const uint8_t* message, unsigned long long count, const uint8_t* key) {
  return crypto_verify(NULL, key, message, (size_t)count, signature) ? 0 : -1;
}
`,
  );
  return folder;
}

const compile = (folder: string) =>
  spawnSync(
    'gcc',
    ['-std=c99', '-Wall', '-Wextra', '-c', 'trust.c', '-I.', `-I${mcu}`, `-I${join(root, 'test/mcu')}`, '-o', 'trust.o'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );

only('without a key the firmware does not compile, and the compiler says what to do', () => {
  const { status, stderr } = compile(firmware('keyless'));
  assert.is.not(status, 0);
  assert.match(stderr, /error: .*main\/model-keys\.inc is missing: run `npx runlet keygen NAME --c`/);
  // a file without a key is not accepted
  const empty = firmware('empty');
  writeFileSync(join(empty, 'model-keys.inc'), '/* no key */\n');
  const { stderr: why } = compile(empty);
  assert.match(why, /error: size of array .*some_key_in_model_keys.* is negative/, why);
});

/** Returns the codes of runlet_check for modules, with the trust of a firmware. */
function codesOf(folder: string, modules: Uint8Array[]): number[] {
  const paths = modules.map((_, i) => join(folder, `module-${i}.wasm`));
  for (const [i, path] of paths.entries()) writeFileSync(path, modules[i] as Uint8Array);
  const more = [
    join(folder, 'trust.c'),
    join(mcu, 'runlet-sha256.c'),
    join(root, 'test/mcu/crypto.c'),
    `-I${folder}`,
    '-lcrypto',
  ];
  writeFileSync(join(folder, 'main.c'), '#include "trust-main.h"\n');
  const program = build(join(folder, 'main.c'), { more: [...more, `-I${import.meta.dirname}`] }, false);
  const { stdout, stderr, ended } = run(program, ...paths);
  assert.is(ended, 'exit 0', stderr);
  return JSON.parse(stdout) as number[];
}

/** Makes a key pair with the command and adds its public key to a firmware. */
function keygen(name: string, folder?: string): string {
  execFileSync(process.execPath, ['host/cli/bin.js', 'keygen', at(name), '--c'], { cwd: root, stdio: 'pipe' });
  if (folder) appendFileSync(join(folder, 'model-keys.inc'), readFileSync(at(`${name}.inc`)));
  return at(`${name}.key`);
}

only(
  'with keys of `runlet keygen --c` only signed modules run; unsigned ones run only in a firmware that is built for it',
  async () => {
    const keyed = firmware('keyed');
    const keys = [keygen('mine', keyed), keygen('second', keyed), keygen('foreign')];
    const { wasm } = await buildBundle(quantPlan(planStream(tinyStream(), { hop: 12 })), { sequence: 1 });
    const signed = await Promise.all(keys.map(async (path) => signBundle(wasm, await readSecretKey(readFileSync(path)))));
    assert.equal(codesOf(keyed, [...signed, wasm]), [0, 0, -13, -12]);
    assert.equal(codesOf(firmware('open', '#define CONFIG_RUNLET_UNSIGNED 1\n'), [...signed, wasm]), [0, 0, 0, 0]);
  },
);

test('the example passes its trust to the slots and to every bundle, and does not run unsigned models by default', () => {
  const example = (name: string) => textOf(`host/mcu/esp32/${name}`);
  assert.match(example('main/model.c'), /runlet_flash_start\(&flash, &device, NULL, trust\(\)\)/);
  assert.match(example('main/main.c'), /struct runlet_options options = \{\.trust = trust\(\),/);
  assert.match(example('main/Kconfig.projbuild'), /config RUNLET_UNSIGNED\n {8}bool .*\n {8}default n\n/);
  for (const name of ['', '.esp32', '.esp32c3', '.esp32s3'])
    assert.not.match(example(`sdkconfig.defaults${name}`), /RUNLET_UNSIGNED/);
});

test.run();
