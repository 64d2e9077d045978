/**
 * openSession: creates a Session from a bundle's bytes.
 *
 * In: a bundle, or bundles of one network for several targets.  Out: a session that takes frames.  Errors:
 * those of open.ts, which does the checks.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { isRunletError, RunletError } from '../../models/error.ts';
import { isList } from './kinds.ts';
import { openModule } from './open.ts';
import { Session } from './session.ts';

export interface SessionOptions {
  /** Manifest of a module whose custom section was stripped. It is checked against the module's constants. */
  manifest?: Manifest;
  /** Bytes of `<name>.weights.bin`, for modules built with `--weights linear` or `tile`. They are copied. */
  weights?: BufferSource;
}

/** Opens the first bundle of `set` that this engine runs. If it runs none, throws the error of the last. */
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
    tryThis: 'pass the modules that `runlet build --target all` writes, best first: relaxed, simd, interp',
  });
}

const openOne = async (wasm: BufferSource | WebAssembly.Module, options: SessionOptions): Promise<Session> =>
  new Session(await openModule(wasm, options));

/**
 * Opens a bundle: compiles and instantiates it without imports, checks ABI, exports, memory and manifest, and
 * resets it. No check can show that rn_push always returns: run a bundle of unknown origin in a worker
 * (docs/session.md).
 * @param wasm the bundle's bytes, a compiled module, or bundles for several targets, best first. Of a list,
 * the first that the engine runs exactly is opened.
 * @throws RN600-RN606, RN700-RN705, RN710, RN714, RN717 (docs/errors.md).
 */
export async function openSession(
  wasm: BufferSource | WebAssembly.Module | readonly BufferSource[],
  options: SessionOptions = {},
): Promise<Session> {
  if (isList(wasm)) return firstOf(wasm as readonly BufferSource[], options);
  return openOne(wasm as BufferSource | WebAssembly.Module, options);
}
