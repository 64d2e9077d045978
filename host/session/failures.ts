/**
 * Errors of a running session: an engine that the module refuses, too many frames, a trap, an answer that the
 * ABI does not have, and a session that failed before.
 *
 * In: what happened.  Out: RN700, RN707, RN710, RN752 (docs/errors.md).
 */
import { RunletError } from '../../models/error.ts';

/** The module's instructions are there and mean something that it cannot use (kernels/mac-relaxed.ts). */
export const notExact = (): RunletError =>
  new RunletError('RN700', {
    what: 'this engine does not run the module exactly',
    where: 'rn_reset',
    why: "its dot product of relaxed SIMD is not exact for all int8 values: this CPU, or the engine's version, lacks what makes it so",
    tryThis: 'a module of target simd, or both in one list: openSession takes the first that this engine runs',
  });

export const tooMany = (hop: number, got: string, why: string): RunletError =>
  new RunletError('RN707', {
    what: `push takes 1 frame to one hop of ${hop} frames, ${got}`,
    where: 'push',
    why,
    tryThis: 'use pushAll or stream, or split the frames',
  });

export const failedBefore = (): RunletError =>
  new RunletError('RN752', {
    what: 'the module failed, and its state is undefined',
    where: 'session',
    why: 'an export trapped, or gave an answer that the ABI does not have (RN710)',
    tryThis: 'reset the session, restore a snapshot, or open the bundle again',
  });

export const trap = (name: string, error: unknown): RunletError =>
  new RunletError('RN710', {
    what: `${name} trapped`,
    where: name,
    why: error instanceof Error ? error.message : String(error),
    tryThis: 'reset or restore the session; if it happens again, build the bundle again',
  });

/** rn_push answered something else than 0 or 1. */
export const badAnswer = (result: unknown, count: number, atFrame: number, hop: number): RunletError =>
  new RunletError('RN710', {
    what: `rn_push returned ${String(result)}`,
    where: `rn_push(${count}) at frame ${atFrame}`,
    why:
      result === -1 ? 'rn_reset has not been called' : result === -2 ? `frames is not 1 to ${hop}` : 'ABI 1 has no such answer',
    tryThis: 'build the bundle again; see docs/abi.md',
  });
