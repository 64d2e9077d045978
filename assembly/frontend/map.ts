/**
 * The memory map of a module that contains only a front end.
 *
 *   base  | tables (block first) | state | io: samples of a step, row | scratch: the spectrum |  end
 *
 * In: a FrontEnd.  Out: MemoryMap; regions that only networks have are empty. The state begins with the mark
 * that rn_reset has run.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { Form } from '../bundle/manifest.ts';
import { alignment } from '../emit/buffers.ts';
import type { MemoryMap, Region } from '../emit/memory.ts';
import { memoryBase } from '../emit/static-memory.ts';
import { REGION } from '../runtime/numbers.ts';
import { frontEndScratchBytes, frontEndStateBytes, frontEndTableBytes } from './pack.ts';

/** Bytes of the mark that rn_reset has run, before the front end's state. */
export const markBytes = 4;

export function mapFrontEnd(frontEnd: FrontEnd, form?: Form): MemoryMap & { row: number } {
  let at = memoryBase;
  const place = (bytes: number, to = alignment): Region => {
    const address = Math.ceil(at / to) * to;
    at = address + bytes;
    return { address, bytes };
  };
  const none = place(0);
  const tables = place(frontEndTableBytes(frontEnd));
  const state = place(markBytes + frontEndStateBytes(frontEnd));
  const samples = 2 * frontEnd.stepSamples;
  const io = place(samples + frontEnd.channels);
  const scratch = place(frontEndScratchBytes(frontEnd));
  const wasi = form === 'wasi' && place(REGION, 16);
  const end = place(0, 16).address;
  return {
    base: memoryBase,
    home: 'embed',
    program: none,
    weights: none,
    tables,
    state,
    io,
    scratch,
    work: none,
    end,
    row: io.address + samples,
    stateItems: [],
    inputs: [],
    directInput: false,
    outputs: new Map(),
    at: (value) => value,
    ...(wasi && { wasi }),
  };
}
