/**
 * Separate weights in real WAMR, copied once or fetched by the import: Node's bytes, the remaining memory,
 * and calls of the import that reach outside.
 */
import binaryen from 'binaryen';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Target } from '../../assembly/emit/target.ts';
import { type Subject, sharedSubjects, zooSubjects } from './models.ts';
import { absentTools, type Module, runInWamr } from './runner.ts';
import { hopsOf, signalOf } from './signal.ts';

const absent = absentTools();
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;
const okayNabu = 'mww/v2/okay_nabu';

/** Upper bound of file, linear memory and pool of okay_nabu on this 64-bit machine. */
const maxRam = 32 * 1024;

/** Returns the message with which a run is refused. */
async function refusal(module: Module, frames: Uint8Array): Promise<string> {
  try {
    await runInWamr(module, frames);
  } catch (error) {
    return String((error as { stderr?: string }).stderr).trim();
  }
  return 'nothing';
}

async function compare({ name, open }: Subject): Promise<void> {
  const make = await open();
  for (const target of ['interp', 'native'] as Target[])
    for (const home of ['embed', 'linear', 'tile'] as const) {
      const bundle = await make(target, home);
      const { wasm, weights, manifest } = bundle;
      const { frames, outputs } = await signalOf(bundle);
      const { bytes, hops, linearBytes, poolBytes } = await runInWamr(bundle, frames);
      assert.is(hops, hopsOf(manifest));
      assert.is(bytes.length, outputs.length);
      assert.is(bytes.reduce((sum, byte, i) => sum + Number(byte !== outputs[i]), 0), 0, `${target} ${home}: bytes that differ`); // biome-ignore format: one line
      const ram = wasm.length + linearBytes + poolBytes;
      const parts = `file ${wasm.length}, linear memory ${linearBytes}, pool ${poolBytes}, together ${ram}`;
      console.log(`  ${name}, ${target} ${home}: ${parts}; apart ${weights?.length ?? 0}; ${bytes.length} bytes`);
      assert.ok(linearBytes <= manifest.bytes.memoryBytes + 32, 'no more than the module says');
      if (name === okayNabu && target === 'native' && home === 'tile') assert.ok(ram <= maxRam, `${ram}`);
      if (home !== 'embed') {
        assert.match(await refusal({ wasm }, frames), /weights are wanted, and there is no file/);
        assert.match(await refusal({ wasm, weights: weights?.subarray(4) }, frames), /are wanted, and the file has/);
      } else assert.match(await refusal({ wasm, weights: new Uint8Array(4) }, frames), /^0 bytes of weights are wanted/);
    }
}

const subjects = absent ? [] : [...zooSubjects, ...sharedSubjects().filter(({ name }) => name === okayNabu)];
for (const subject of subjects) test(`${subject.name}: every home gives Node's bytes`, () => compare(subject));

/** Returns a module of the ABI with 64 bytes of separate weights. Its only work is one call of the import. */
function fetching(dst: number, src: number, n: number): Uint8Array {
  const info = [
    [0, 1], [7, 64], [9, 1], [11, 2], [16, 1], [17, 1], [20, -1],
  ].reduce((rest, [what, is]) => `(if (result i32) (i32.eq (local.get 0) (i32.const ${what})) (then (i32.const ${is})) (else ${rest}))`, '(i32.const 0)'); // biome-ignore format: a table
  const module = binaryen.parseText(`(module
    (import "runlet" "weights" (func $weights (param i32 i32 i32)))
    (memory (export "memory") 1 1)
    (func (export "rn_reset"))
    (func (export "rn_input") (param i32) (result i32) (i32.const 16))
    (func (export "rn_output") (param i32) (result i32) (i32.const 16))
    (func (export "rn_info") (param i32) (result i32) ${info})
    (func (export "rn_push") (param i32) (result i32)
      (call $weights (i32.const ${dst}) (i32.const ${src}) (i32.const ${n})) (i32.const 0)))`);
  return module.emitBinary();
}

only('the import copies within the memory and the file, and traps outside', async () => {
  const weights = new Uint8Array(64).fill(7);
  const page = 65536;
  for (const [dst, src, n, why] of [
    [32, 0, 64, /^nothing$/],
    [page - 64, 0, 64, /^nothing$/],
    [32, 64, 0, /^nothing$/],
    [32, 4, 64, /64 bytes from 4 to address 32: the file has 64/],
    [32, 68, 0, /the file has 64/],
    [32, -4, 8, /the file has 64/],
    [32, 0, -4, /the file has 64/],
    [page - 60, 0, 64, /outside the memory/],
    [page, 0, 4, /outside the memory/],
    [-32, 0, 64, /outside the memory/],
    [33, 0, 4, /not whole words/],
    [32, 2, 4, /not whole words/],
    [32, 0, 6, /not whole words/],
  ] as const)
    assert.match(await refusal({ wasm: fetching(dst, src, n), weights }, Uint8Array.of(1)), why, `${dst} ${src} ${n}`);
});

test.run();
