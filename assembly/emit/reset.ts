/**
 * The initial state: zero points in every history, empty partial results, counters.
 *
 * In: a QuantPlan and its memory map.  Out: lines of `rn_reset`.  State is never a data segment. Source: StreamiNNC section 5.1 (zero state is
 * the zero point) and 1.5 (start-up).
 *
 * The first micro-hop starts so that a micro-hop ends where output 0 falls due, window + delay frames in: what is missing to a
 * whole micro-hop counts as pushed already (it holds zero points), and hops that end before then give no output.
 */
import type { QuantPlan } from '../../quant/plan.ts';
import { counters, type MemoryMap, readyMark } from './memory.ts';

/** Counters at the start of the stream. */
export function initialCounters(plan: QuantPlan['plan']): { fill: number; block: number; skip: number } {
  const due = plan.window + plan.delayFrames;
  const blocks = Math.ceil(due / plan.microHop);
  const perHop = plan.hop / plan.microHop;
  const hops = Math.ceil(blocks / perHop);
  return { fill: blocks * plan.microHop - due, block: hops * perHop - blocks, skip: hops - 1 + plan.warmUpHops };
}

export function resetLines(quant: QuantPlan, map: MemoryMap): string[] {
  const { plan } = quant;
  const start = initialCounters(plan);
  const fills: { at: number; bytes: number; value: number; what: string }[] = [];
  for (const b of map.trunk.values()) {
    const zero = plan.graph.tensors[b.tensor]?.quant?.zeroPoint ?? 0;
    const name = plan.graph.tensors[b.tensor]?.name ?? '';
    const inState = b.history ?? b.address;
    if (inState >= map.io.address) continue;
    const rows = b.history === undefined ? b.plan.historyRows + b.plan.newRows : b.plan.historyRows;
    if (rows > 0) fills.push({ at: inState, bytes: rows * b.frameBytes, value: zero, what: name });
  }
  for (const { address, bytes, step } of map.partials.values()) {
    fills.push({
      at: address,
      bytes,
      value: step.rule.kind === 'fold' && step.rule.fold === 'max' ? -128 : 0,
      what: step.node.name,
    });
  }
  for (const [tensor, queue] of map.queues) {
    const { name = '', quant: q } = plan.graph.tensors[tensor] ?? {};
    fills.push({ at: queue.address, bytes: queue.slots * queue.slotBytes, value: q?.zeroPoint ?? 0, what: name });
  }
  for (const [tensor, fold] of map.folds) {
    const name = plan.graph.tensors[tensor]?.name ?? '';
    fills.push({ at: fold.address, bytes: fold.slots * fold.slotBytes, value: 0, what: name });
    if (fold.totals.bytes > 0) fills.push({ at: fold.totals.address, bytes: fold.totals.bytes, value: 0, what: name });
  }
  return [
    ...fills.map((f) => `  fill_s8(${f.at}, ${f.value}, ${f.bytes}); // ${f.what.replace(/\s+/g, ' ')}`),
    ...[...map.partials.values()].map((p) => `  store<i32>(${p.slot}, 0);`),
    ...(['fill', 'skip', 'block'] as const).map(
      (name) => `  store<i32>(${map.state.address + counters[name]}, ${start[name]}); // ${name}`,
    ),
    `  store<i32>(${map.state.address + counters.phase}, 0); // phase`,
    `  store<i32>(${map.state.address + counters.ready}, ${readyMark});`,
  ];
}
