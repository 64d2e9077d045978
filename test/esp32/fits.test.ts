/**
 * The figures of docs/esp32.md for models in WAMR's fast interpreter on a 32-bit core, with the front end
 * inside: instructions of a hop on a Cortex-M4 in QEMU.
 *
 * okay_nabu is not part of this repository (test/shared.ts). Counts are those of Debian 12's compiler.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../assembly/bundle/read.ts';
import { root, shared } from '../shared.ts';
import { textOf } from '../sources.ts';
import { bareTools, countInWamr } from '../wamr/bare.ts';
import { absentTools } from '../wamr/runner.ts';

const absent = absentTools() ?? absentTools(bareTools('m4'));
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const page = textOf('docs/esp32.md');

const folder = mkdtempSync(join(tmpdir(), 'runlet-fits-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command of the page, with its output in a temporary folder. */
function runlet(command: string): void {
  assert.ok(page.includes(`npx runlet ${command}\n`), `docs/esp32.md has: ${command}`);
  const args = command.split(' ').map((word) => word.replace(/^out\//, `${folder}/`).replace(/^okay_nabu\.json$/, `${folder}/okay_nabu.json`)); // biome-ignore format: one line
  execFileSync(process.execPath, ['host/cli/bin.js', ...args], { cwd: root, stdio: 'pipe' });
}

async function measure(name: string): Promise<void> {
  const wasm = new Uint8Array(readFileSync(join(folder, `${name}.wasm`)));
  const weights = new Uint8Array(readFileSync(join(folder, `${name}.weights.bin`)));
  const { counts, tools } = await countInWamr([{ wasm, weights }]);
  const [{ most, poolBytes, linearBytes }] = counts as [(typeof counts)[number]];
  const { hop, sampleRateHz = 16000 } = readManifest(wasm);
  const share = `${Math.round((100 * most * sampleRateHz) / hop / 240e6)} %`;
  const n = (x: number) => x.toLocaleString('en');
  const row = `| ${name} | ${(1000 * hop) / sampleRateHz} ms | ${n(most)} | ${share} | ${n(poolBytes)} | ${n(linearBytes)} |`;
  console.log(`  ${row} ${tools}`);
  if (/ 12\.2\.\d/.test(tools)) assert.ok(page.includes(row), `docs/esp32.md has: ${row}`);
}

only('docs/esp32.md has the figures of kws', async () => {
  runlet(
    'build models/zoo/kws/kws.onnx --calib models/zoo/kws/calib.npy --front-end log-mel --step-ms 20 --weights tile --sequence 1 -o out/kws.wasm',
  );
  await measure('kws');
});

const models = shared('models/mww/v2/okay_nabu');
(absent || !models ? test.skip : test)('docs/esp32.md has the figures of okay_nabu', async () => {
  copyFileSync(join(models as string, 'manifest.json'), join(folder, 'okay_nabu.json'));
  copyFileSync(join(models as string, 'model.tflite'), join(folder, 'okay_nabu.tflite'));
  runlet('build okay_nabu.json -o out/okay_nabu.wasm --front-end microwakeword --weights tile --sequence 1');
  runlet('image out/okay_nabu.wasm -o out/model.bin --partition-bytes 1245184');
  await measure('okay_nabu');
});

test.run();
