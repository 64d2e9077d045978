/**
 * A signal to run in WAMR and in Node: the golden frames of a bundle, repeated.
 *
 * In: a bundle, with its separate weights if it has any.  Out: hops of bytes as in docs/abi.md, and Node's
 * outputs for them.
 */
import * as assert from 'uvu/assert';
import type { Bundle } from '../../assembly/build.ts';
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { openSession, type Session, selfTest } from '../../host/session/index.ts';
import { bytesOf, openModule } from '../../host/session/open.ts';

/** Number of hops of a run: the golden frames are repeated without a reset. */
const maxHops = 48;
export const hopsOf = ({ golden }: Manifest): number => Math.max(golden.hops, maxHops);

/** Returns the golden frames, hop by hop, as the self-test pushes them. */
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

/** Returns a signal that begins with the golden frames, and Node's outputs for it. */
export async function signalOf(bundle: Bundle): Promise<{ frames: Uint8Array; outputs: Uint8Array }> {
  const wasm = bundle.wasm as BufferSource;
  const weights = bundle.weights as BufferSource | undefined;
  const golden = await goldenHops(await openSession(wasm, { weights }));
  const hops = Array.from({ length: hopsOf(bundle.manifest) }, (_, i) => golden[i % golden.length] as Uint8Array);
  const { exports, inputs, outputs } = await openModule(wasm, { weights });
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
