/**
 * The plan as people read it: one row a layer, the totals below.
 *
 * In: a StreamPlan.  Out: rows and lines of text (no terminal codes), and a plain object for --json.
 */
import { opOf } from '../ops/index.ts';
import { inputShapes } from './timing.ts';
import type { Step, StreamPlan } from './types.ts';

export interface PlanRow {
  layer: string;
  op: string;
  section: string;
  /** Output frames computed per hop and in one window. */
  framesPerHop: number;
  framesPerWindow: number;
  macsPerHop: number;
  macsPerWindow: number;
  stateBytes: number;
  delayFrames: number;
  receptiveField: number;
  padding: string;
  exact: string;
}

/** Time padding of the layer in the model, and what stands in its place. */
function paddingText(plan: StreamPlan, step: Step): string {
  const rule = opOf(step.node.op).stream(step.node.attrs as never, inputShapes(plan.graph, step.node));
  if (step.fold) return `fold, ${step.fold.ahead} windows wait`;
  if (rule.kind !== 'window')
    return step.slots ? `partial ${rule.kind === 'fold' ? rule.fold : ''} x ${step.slots}` : 'whole window';
  const [before, after] = rule.pad;
  const padding = before === 0 && after === 0 ? 'valid' : `${before}+${after}`;
  if (step.interior) return edgeText(plan, step, padding);
  if (before === 0 && after === 0) return rule.kernel === 1 && rule.stride === 1 ? '-' : 'valid';
  if (step.section === 'head') return `${padding} padded`;
  return after === 0 ? `causal ${before} -> history` : `${before}+${after} -> history, look-ahead ${after}`;
}

/** edge-exact: rows that touch an edge and are computed again, and the phases of the tensor. */
function edgeText(plan: StreamPlan, step: Step, padding: string): string {
  const work = plan.layout?.work.get(step.output);
  const left = work?.left?.computed ?? 0;
  const right = work?.window?.right ?? 0;
  const phases = (step.interior?.step ?? 1) > 1 ? `, ${step.interior?.step} phases` : '';
  return `${padding}${left + right > 0 ? `: ${left} left, ${right} right again` : ''}${phases}`;
}

function framesPerHop(plan: StreamPlan, step: Step): number {
  const rows = plan.layout?.rows.get(step.node);
  if (rows !== undefined) return rows;
  if (step.section === 'head') return step.outRows;
  return step.kind === 'accumulate' ? 1 : (step.outRows * plan.hop) / plan.microHop;
}

export function planRows(plan: StreamPlan): PlanRow[] {
  return plan.steps
    .filter((s) => s.kind === 'run' || s.kind === 'accumulate' || s.kind === 'fold')
    .map((step) => {
      const own = plan.steps.filter((s) => s.node === step.node && s.kind !== 'finish');
      const sum = (of: (s: Step) => number) => own.reduce((n, s) => n + of(s), 0);
      const reused = step.interior && step.section === 'trunk';
      return {
        layer: step.node.name,
        op: step.node.op,
        section: plan.layout ? (reused ? 'reuse' : step.fold ? 'fold' : 'whole') : step.section,
        framesPerHop: framesPerHop(plan, step),
        framesPerWindow: plan.graph.tensors[step.output]?.shape.t ?? 0,
        macsPerHop: sum((s) => s.macsPerHop),
        macsPerWindow: sum((s) => s.macsPerWindow),
        stateBytes: sum((s) => s.stateBytes),
        delayFrames: step.timing && !plan.layout ? step.timing.lookAhead : 0,
        receptiveField: step.timing?.receptiveField ?? plan.window,
        padding: paddingText(plan, step),
        exact: step.exact ? 'exact' : 'extended',
      };
    });
}

const count = (n: number) => Math.round(n).toLocaleString('en');
const ratio = (a: number, b: number) => (b === 0 ? '-' : (a / b).toFixed(2));

/** Totals, one line each. */
export function planSummary(plan: StreamPlan, sampleRateHz?: number): string[] {
  const ms = (frames: number) => (sampleRateHz ? ` (${((1000 * frames) / sampleRateHz).toFixed(0)} ms)` : '');
  const state = plan.steps.reduce((sum, s) => sum + s.stateBytes, 0);
  const exact = plan.steps.every((s) => s.exact);
  const lines = [
    `mode        ${plan.mode}: ${plan.reason}`,
    `window      ${plan.window} frames${ms(plan.window)}, hop ${plan.hop}${ms(plan.hop)}, micro-hop ${plan.microHop}${plan.mode === 'stream' ? `, hops must be multiples of ${plan.alignment}` : ''}`,
    `work        ${count(plan.macsPerHop)} MACs per hop, ${count(plan.macsPerWindow)} per window: ${ratio(plan.macsPerWindow, plan.macsPerHop)} times less`,
    ...(plan.mode === 'stream'
      ? [
          `head        ${(100 * plan.headShare).toFixed(1)} % of a hop's work${plan.headShare > 0 ? `, which caps the speed-up at ${ratio(plan.macsPerWindow, plan.headShare * plan.macsPerHop)}` : ''}`,
        ]
      : []),
    `state       ${count(state)} bytes of history and partial results`,
    `delay       ${plan.delayFrames} frames${ms(plan.delayFrames)} of look-ahead`,
    `warm-up     ${plan.warmUpHops} outputs are held back (${plan.leftContextFrames} earlier frames matter to the first window)`,
  ];
  lines.push(
    exact
      ? 'exact       every output equals the windowed model, bit for bit'
      : `exact       equal to the model on windows extended by ${plan.leftContextFrames} frames to the left and ${plan.delayFrames} to the right, not to its zero-padded windows`,
  );
  return lines;
}

/** Everything as one object. */
export const planJson = (plan: StreamPlan) => ({
  mode: plan.mode,
  reason: plan.reason,
  window: plan.window,
  hop: plan.hop,
  microHop: plan.microHop,
  alignment: plan.alignment,
  delayFrames: plan.delayFrames,
  leftContextFrames: plan.leftContextFrames,
  warmUpHops: plan.warmUpHops,
  macsPerHop: plan.macsPerHop,
  macsPerWindow: plan.macsPerWindow,
  headShare: plan.headShare,
  stateBytes: plan.steps.reduce((sum, s) => sum + s.stateBytes, 0),
  exact: plan.steps.every((s) => s.exact),
  layers: planRows(plan),
});
