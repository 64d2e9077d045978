/**
 * The initial state: zero points in every history, empty partial results, counters.
 *
 * In: a QuantPlan and its memory map.  Out: instructions of `rn_reset`.  State is never a data segment. Source: StreamiNNC section 5.1 (zero state is
 * the zero point) and 1.5 (start-up).
 *
 * The first micro-hop starts so that a micro-hop ends where output 0 falls due, window + delay frames in: what is missing to a
 * whole micro-hop counts as pushed already (it holds zero points), and hops that end before then give no output.
 */
import type { QuantPlan } from '../../quant/plan.ts';
import { counterBytes, counters, type MemoryMap, readyMark } from './memory.ts';
import type { Instruction } from './program.ts';

/** Counters at the start of the stream; in mode misaligned `block` counts the frames until an output falls due. */
export function initialCounters(plan: QuantPlan['plan']): { fill: number; block: number; skip: number } {
  const due = plan.window + plan.delayFrames;
  const blocks = Math.ceil(due / plan.microHop);
  if (plan.mode === 'misaligned') return { fill: blocks * plan.microHop - due, block: due, skip: plan.warmUpHops };
  const perHop = plan.hop / plan.microHop;
  const hops = Math.ceil(blocks / perHop);
  return { fill: blocks * plan.microHop - due, block: hops * perHop - blocks, skip: hops - 1 + plan.warmUpHops };
}

export function resetInstructions(quant: QuantPlan, map: MemoryMap): Instruction[] {
  const { plan } = quant;
  const start = initialCounters(plan);
  const nameOf = (tensor: number) => plan.graph.tensors[tensor]?.name ?? '';
  const zeroOf = (tensor: number) => plan.graph.tensors[tensor]?.quant?.zeroPoint ?? 0;
  const fills: Extract<Instruction, { do: 'fill' }>[] = [];
  const fill = (to: number, bytes: number, value: number, name: string) => {
    const note = name.replace(/\s+/g, ' ');
    const last = fills.at(-1);
    if (last?.value !== value || last.to + last.bytes !== to) fills.push({ do: 'fill', to, value, bytes, note });
    else fills[fills.length - 1] = { ...last, bytes: last.bytes + bytes, note: `${last.note}, ${note}` };
  };
  fill(map.state.address, counterBytes, 0, 'counters');
  for (const b of map.trunk.values()) {
    const inState = b.history ?? b.address;
    if (inState >= map.io.address) continue;
    const rows = b.history === undefined ? b.plan.historyRows + b.plan.newRows : b.plan.historyRows;
    if (rows > 0) fill(inState, rows * b.frameBytes, zeroOf(b.tensor), nameOf(b.tensor));
  }
  for (const { address, bytes, step } of map.partials.values())
    fill(address, bytes, step.rule.kind === 'fold' && step.rule.fold === 'max' ? -128 : 0, step.node.name);
  for (const [tensor, q] of map.queues) fill(q.address, q.slots * q.slotBytes, zeroOf(tensor), nameOf(tensor));
  for (const [tensor, { address, slots, slotBytes, totals }] of map.folds) {
    const empty = plan.steps.some((s) => s.output === tensor && s.rule.kind === 'fold' && s.rule.fold === 'max') ? -128 : 0;
    fill(address, slots * slotBytes, empty, nameOf(tensor));
    if (totals.bytes > 0) fill(totals.address, totals.bytes, empty, nameOf(tensor));
  }
  for (const [tensor, { accumulators, records, waiting }] of map.taps) {
    for (const { address, bytes } of [accumulators, records]) if (bytes > 0) fill(address, bytes, 0, nameOf(tensor));
    if (waiting.bytes > 0) fill(waiting.address, waiting.bytes, zeroOf(tensor), nameOf(tensor));
  }
  const counter = (name: keyof typeof counters, value: number): Instruction => {
    return { do: 'store', to: map.state.address + counters[name], value, ...(name === 'ready' ? {} : { note: name }) };
  };
  return [
    ...fills,
    ...[...map.partials.values()].map((p): Instruction => ({ do: 'store', to: p.slot, value: 0 })),
    ...(['fill', 'skip', 'block'] as const).filter((name) => start[name] !== 0).map((name) => counter(name, start[name])),
    counter('ready', readyMark),
  ];
}
