/**
 * openSession: from a bundle's bytes to a Session.
 *
 * In: a bundle, or bundles of one network for several targets.  Out: a session that takes frames.  The checks
 * are those of open.ts.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { isList } from './kinds.ts';
import { openModule } from './open.ts';
import { Session } from './session.ts';

export interface SessionOptions {
  /**
   * For modules whose custom section was stripped; it is checked against the module's constants all the same.
   */
  manifest?: Manifest;
  /**
   * The bytes of `<name>.weights.bin`, for modules built with `--weights linear` or `tile`; they are copied.
   */
  weights?: BufferSource;
}

/**
 * Of modules for several targets the first that this engine runs. If none does, the last one's fault is told.
 */
async function firstOf(set: readonly BufferSource[], options: SessionOptions): Promise<Session> {
  for (const wasm of set.slice(0, -1)) {
    try {
      return await openOne(wasm, options);
    } catch (error) {
      if (!isRunletError(error) || error.code !== 'RN700') throw error;
    }
  }
  const last = set.at(-1);
  if (last) return openOne(last, options);
  throw new RunletError('RN700', {
    what: 'there is no module to open',
    where: 'openSession',
    why: 'the list is empty',
    tryThis: 'the bytes that `runlet build --target all` writes, best first: relaxed, simd, interp',
  });
}

const openOne = async (wasm: BufferSource | WebAssembly.Module, options: SessionOptions): Promise<Session> =>
  new Session(await openModule(wasm, options));

/**
 * Opens a bundle: compiles, instantiates without imports, checks ABI, exports, memory and manifest, and
 * resets.
 * @param wasm the bundle's bytes, an already compiled module, or bundles for several targets, best first: the
 * first that the engine runs exactly is opened. What it cannot check is that rn_push returns: run a bundle of
 * unknown origin in a worker (docs/session.md).
 * @throws RN600-RN606, RN700-RN705, RN710, RN714, RN717 (docs/errors.md).
 */
export async function openSession(
  wasm: BufferSource | WebAssembly.Module | readonly BufferSource[],
  options: SessionOptions = {},
): Promise<Session> {
  if (isList(wasm)) return firstOf(wasm as readonly BufferSource[], options);
  return openOne(wasm as BufferSource | WebAssembly.Module, options);
}
