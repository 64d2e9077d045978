/**
 * Real WAMR, its fast interpreter: every bundle's golden gives the bytes that Node and the integer reference give, and its memory is as small as the
 * module says.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from '../../assembly/build.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { openSession, type Session, selfTest } from '../../host/session/index.ts';
import { openModule } from '../../host/session/open.ts';
import { quantPlan } from '../../quant/plan.ts';
import { tinyStream } from '../stages/tiny-networks.ts';
import { sharedSubjects, zooSubjects } from './models.ts';
import { absentTools, runInWamr } from './runner.ts';

const absent = absentTools();
if (absent) console.log(`skipped: ${absent}`);
const only = absent ? test.skip : test;

/** Hops of a run: the golden, again and again without a reset. */
const mostHops = 48;

const bytesOf = ({ buffer, byteOffset, byteLength }: Int8Array | Int16Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** The golden's frames of a hop each, as its self-test makes them. */
async function goldenHops(session: Session): Promise<Uint8Array[]> {
  const hops: Uint8Array[] = [];
  const watched = new Proxy(session, {
    get(of, key) {
      const value = Reflect.get(of, key, of);
      if (key !== 'pushInt8') return typeof value === 'function' ? value.bind(of) : value;
      return (...[pushed]: Parameters<Session['pushInt8']>) => {
        hops.push(Buffer.concat((Array.isArray(pushed) ? pushed : [pushed]).map((part) => bytesOf(part as Int8Array))));
        return of.pushInt8(pushed);
      };
    },
  });
  assert.ok((await selfTest(watched)).ok, 'the self-test in Node');
  return hops;
}

/** A signal that begins with the golden, and what Node gives for it. */
async function signalOf(wasm: Uint8Array): Promise<{ frames: Uint8Array; outputs: Uint8Array }> {
  const golden = await goldenHops(await openSession(wasm as BufferSource));
  const hops = Array.from({ length: Math.max(golden.length, mostHops) }, (_, i) => golden[i % golden.length] as Uint8Array);
  const { exports, inputs, outputs } = await openModule(wasm as BufferSource);
  exports.rn_reset();
  const given: Uint8Array[] = [];
  for (const hop of hops) {
    let from = 0;
    for (const port of inputs) {
      bytesOf(port).set(hop.subarray(from, from + port.byteLength));
      from += port.byteLength;
    }
    if (exports.rn_push(exports.rn_info(0)) === 1) for (const port of outputs) given.push(bytesOf(port).slice());
  }
  return { frames: Buffer.concat(hops), outputs: Buffer.concat(given) };
}

for (const { name, open } of absent ? [] : [...zooSubjects, ...sharedSubjects()]) {
  test(`${name}: the golden's bytes, interp and native`, async () => {
    const make = await open();
    for (const target of ['interp', 'native'] as Target[]) {
      const { wasm, manifest } = await make(target);
      const { frames, outputs } = await signalOf(wasm);
      const { bytes, hops, linearBytes, poolBytes } = await runInWamr(wasm, frames);
      assert.is(hops, Math.max(manifest.golden.hops, mostHops));
      const differing = bytes.reduce((sum, byte, i) => sum + Number(byte !== outputs[i]), 0);
      assert.is(differing, 0, `${target}: bytes that differ`);
      assert.is(bytes.length, outputs.length);
      const golden = bytes.subarray(
        0,
        manifest.golden.outputs * manifest.outputs.reduce((sum, { elements }) => sum + elements, 0),
      );
      assert.is(createHash('sha256').update(golden).digest('hex'), manifest.golden.digest, 'the reference');
      // 16 bytes of stack behind what the module uses, and nothing up to the page
      assert.ok(linearBytes <= manifest.bytes.memoryBytes + 32 && linearBytes >= manifest.bytes.memoryBytes, `${linearBytes}`);
      console.log(`  ${name}, ${target}: ${bytes.length} bytes; linear memory ${linearBytes}, pool ${poolBytes}`);
    }
  });
}

only('a module is far below one page', async () => {
  const { wasm } = await build(quantPlan(tinyStream(), { hop: 12 }));
  const { frames } = await signalOf(wasm);
  assert.ok((await runInWamr(wasm, frames)).linearBytes < 4096);
});

only('what is no module, and a module with SIMD, is refused by WAMR', async () => {
  const { wasm } = await build(quantPlan(tinyStream(), { hop: 12 }), { target: 'simd' });
  for (const [bytes, why] of [
    [Uint8Array.of(0, 97, 115, 109), /unexpected end|magic|version/],
    [wasm, /type|opcode|v128|simd/i],
  ] as const) {
    try {
      await runInWamr(bytes, new Uint8Array());
      assert.unreachable();
    } catch (error) {
      assert.match(String((error as { stderr?: string }).stderr), why);
    }
  }
});

test.run();
