/**
 * The initial state: zero points in every history, empty partial results, counters.
 *
 * In: a QuantPlan and its memory map.  Out: instructions of `rn_reset`.  State is never a data segment.
 * Source: StreamiNNC section 5.1 (zero state is the zero point) and 1.5 (start-up).
 *
 * The first micro-hop starts early enough that a micro-hop ends when output 0 falls due, after window + delay
 * frames. Frames that are missing to a whole micro-hop count as pushed already (histories hold zero points
 * for them), and hops that end before output 0 give no output.
 */
import { streamingOf } from '../../models/stream/modes.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { BLOCK, FILL, READY, RUN_MARK, SKIP } from '../runtime/numbers.ts';
import type { Instruction } from './instruction.ts';
import type { MemoryMap } from './memory.ts';

/**
 * Returns the counters at the start of the stream. In mode misaligned, `block` counts the frames until an
 * output falls due.
 */
function initialCounters(plan: StreamPlan): { fill: number; block: number; skip: number } {
  const due = plan.window + plan.delayFrames;
  const blocks = Math.ceil(due / plan.microHop);
  if (streamingOf(plan.mode).outputClock) return { fill: blocks * plan.microHop - due, block: due, skip: plan.warmUpHops };
  const perHop = plan.hop / plan.microHop;
  const hops = Math.ceil(blocks / perHop);
  return { fill: blocks * plan.microHop - due, block: hops * perHop - blocks, skip: hops - 1 + plan.warmUpHops };
}

export function resetInstructions(plan: StreamPlan, { state, stateItems }: MemoryMap): Instruction[] {
  const fills: Extract<Instruction, { do: 'fill' }>[] = [];
  for (const { address: to, bytes, first: value, name } of stateItems) {
    if (bytes === 0 || value === undefined) continue;
    const note = name.replace(/\s+/g, ' ');
    const last = fills.at(-1);
    if (last?.value !== value || last.to + last.bytes !== to) fills.push({ do: 'fill', to, value, bytes, note });
    else fills[fills.length - 1] = { ...last, bytes: last.bytes + bytes, note: `${last.note}, ${note}` };
  }
  const { fill, skip, block } = initialCounters(plan);
  const counter = (at: number, value: number, note?: string): Instruction => {
    return { do: 'store', to: state.address + at, value, ...(note && { note }) };
  };
  const counters = [counter(FILL, fill, 'fill'), counter(SKIP, skip, 'skip'), counter(BLOCK, block, 'block')];
  return [...fills, ...counters.filter((one) => one.do === 'store' && one.value !== 0), counter(READY, RUN_MARK)];
}
