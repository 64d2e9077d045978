/**
 * Prints a plan: one row per layer, and totals.
 *
 * In: a StreamPlan.  Out: rows and lines of text (without terminal codes), and a plain object for --json.
 */
import { gcd, tickName, ticksOf } from '../graph/clock.ts';
import { carriedTensors } from '../graph/recurrent.ts';
import { viewOf } from '../graph/view.ts';
import { opOfNode } from '../ops/index.ts';
import { streamOf } from '../ops/op.ts';
import type { FoldReuse, Part, SharedRing, Stream } from '../stream/edge/layout.ts';
import { hasTrunk } from '../stream/modes.ts';
import type { Step, StreamPlan } from '../stream/types.ts';

export interface PlanRow {
  layer: string;
  op: string;
  section: string;
  /** Number of output frames computed per hop, and in one window. */
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

/** Returns the layer's padding along time in the model, and what replaces it. */
function paddingText(plan: StreamPlan, step: Step): string {
  const rule = streamOf(opOfNode(step.node), step.node.attrs, viewOf(plan.graph).inputShapes(step.node));
  if (step.kind === 'fold') return foldText(step.fold);
  if (rule.kind !== 'window')
    return 'slots' in step ? `partial ${rule.kind === 'fold' ? rule.fold : ''} x ${step.slots}` : 'whole window';
  const [before, after] = rule.pad;
  const padding = before === 0 && after === 0 ? 'valid' : `${before}+${after}`;
  const stream = plan.tensors.get(step.output)?.stream;
  if (stream) return edgeText(stream, padding);
  if (plan.mode === 'approx' && before + after > 0) return `${padding} padded at every hop`;
  if (before === 0 && after === 0) return rule.kernel === 1 && rule.stride === 1 ? '-' : 'valid';
  if (step.section === 'head') return before < 0 || after < 0 ? `without ${-before}+${-after} rows` : `${padding} padded`;
  return after === 0 ? `causal ${before} -> history` : `${before}+${after} -> history, look-ahead ${after}`;
}

/** Returns what a fold over parts of the window reads. */
function partsText(shared: SharedRing, { phases, rows }: Stream): string {
  const [ring = 0, ...levels] = shared.levels;
  const maxima = levels.length > 0 ? ` and ${levels.length} levels of maxima` : '';
  return `${partsOf(shared.parts, rows)}, ring of ${ring} rows${maxima}${phases > 1 ? `, ${phases} phases` : ''}`;
}

/** Returns which rows of a window a fold reads. @param rows rows of the window */
export function partsOf(parts: readonly Part[], rows: number): string {
  const [{ from, to } = { from: 0, to: rows }] = parts;
  if (parts.length > 1) return `${parts.length} parts`;
  return from === 0 && to === rows ? 'window' : `rows ${from} to ${to - 1}`;
}

/** Returns what a fold keeps instead of its input's rows. */
function foldText({ method, slots, shared, stream }: FoldReuse): string {
  const { phases } = stream;
  if (shared) return partsText(shared, stream);
  if (method === 'slide') return `maxima of ${slots + 1} hops`;
  const kept = method === 'ring' ? `ring of ${slots} rows` : `${slots} windows wait`;
  return `${method === 'waiting' ? 'fold' : 'running sum'}, ${kept}${phases > 1 ? `, ${phases} phases` : ''}`;
}

/** Mode edge-exact: the number of rows that touch an edge and are computed again, and of phases. */
function edgeText({ leftEdge, window, phases }: Stream, padding: string): string {
  const left = leftEdge?.computed ?? 0;
  const right = window?.right ?? 0;
  return `${padding}${left + right > 0 ? `: ${left} left, ${right} right again` : ''}${phases > 1 ? `, ${phases} phases` : ''}`;
}

function framesPerHop(plan: StreamPlan, step: Step): number {
  const rows = plan.layout?.rows.get(step.node);
  if (rows !== undefined) return rows;
  if (step.section === 'head') return step.outRows;
  return step.kind === 'accumulate' ? 1 : (step.outRows * plan.hop) / plan.microHop;
}

export function planRows(plan: StreamPlan): PlanRow[] {
  return plan.steps
    .filter((s) => ['run', 'taps', 'accumulate', 'fold'].includes(s.kind))
    .map((step) => {
      const steps = plan.steps.filter((s) => s.node === step.node && s.kind !== 'finish');
      const sum = (of: (s: Step) => number) => steps.reduce((n, s) => n + of(s), 0);
      const tensor = step.section === 'trunk' ? plan.tensors.get(step.output) : undefined;
      return {
        layer: step.node.name,
        op: step.node.op,
        section: plan.layout ? (tensor ? 'reuse' : step.kind === 'fold' ? 'fold' : 'whole') : step.section,
        framesPerHop: framesPerHop(plan, step),
        framesPerWindow: viewOf(plan.graph).rows(step.output),
        macsPerHop: sum((s) => s.macsPerHop),
        macsPerWindow: sum((s) => s.macsPerWindow),
        stateBytes: sum((s) => s.stateBytes),
        delayFrames: tensor && !plan.layout ? ticksOf(tensor.lookAhead, plan.clock) : 0,
        receptiveField: tensor ? ticksOf(tensor.receptiveField, plan.clock) : plan.window,
        padding: paddingText(plan, step),
        exact: equals(plan, step),
      };
    });
}

const count = (n: number) => Math.round(n).toLocaleString('en');
const ratio = (a: number, b: number) => (b === 0 ? '-' : (a / b).toFixed(2));

/** Returns a sentence on what the outputs equal. */
function exactness(plan: StreamPlan): string {
  const { mode, alignment, hop, leftContextFrames: left, delayFrames: right } = plan;
  const maxEarly = alignment - gcd(hop, alignment);
  if (mode === 'approx')
    return 'not exact: every hop is computed separately, with padding at its seams; measure it on your signal (--calib)';
  if (mode === 'misaligned' && maxEarly > 0)
    return `not exact: windows are taken up to ${maxEarly} ${tickName(plan.clock)} early (at the multiple of ${alignment} before them); measure it on your signal (--calib)`;
  if (plan.graph.stateful) return 'every output equals the model run step by step, bit for bit';
  const carried = carriedTensors(plan.graph);
  if (plan.graph.outputs.some(({ tensor }) => carried.has(tensor)))
    return 'every output equals the model over the signal so far, bit for bit';
  if (plan.steps.every((s) => s.exact)) return 'every output equals the windowed model, bit for bit';
  return `equal to the model on windows extended by ${left} ${tickName(plan.clock)} to the left and ${right} to the right, not to its zero-padded windows`;
}

/** Returns in one word what a layer equals. */
function equals(plan: StreamPlan, step: Step): string {
  if (plan.mode === 'approx' || (plan.mode === 'misaligned' && plan.hop % plan.alignment !== 0)) return 'approx';
  return step.exact ? 'exact' : 'extended';
}

/** Returns how much less work a hop takes than a window, or why nothing is saved. */
export function savedText(plan: StreamPlan): string {
  const { macsPerHop, macsPerWindow, mode, hop, window, headShare } = plan;
  if (macsPerWindow > 1.05 * macsPerHop) return `${ratio(macsPerWindow, macsPerHop)} times less`;
  if (hop >= window) return 'nothing is saved, since no frame of a window is in the next one; a smaller --hop saves';
  if (mode === 'windowed') return 'nothing is saved, since mode windowed computes every window whole';
  if (macsPerHop === 0) return 'there is nothing to save';
  if (headShare > 0.9)
    return `nothing is saved, since ${(100 * headShare).toFixed(0)} % of the work is in layers that read the whole window`;
  return 'nothing is saved, since nearly every row touches an edge of the window; a smaller --hop or mode stream may save';
}

/** Returns the totals, one line each. */
export function planSummary(plan: StreamPlan, sampleRateHz?: number): string[] {
  const ms = (frames: number) => (sampleRateHz ? ` (${((1000 * frames) / sampleRateHz).toFixed(0)} ms)` : '');
  const unit = tickName(plan.clock);
  const { rates } = plan.clock;
  const lines = [
    `mode        ${plan.mode}: ${plan.reason}`,
    ...(rates.length > 1
      ? [
          `inputs      ${plan.graph.inputs.map((p, i) => `${p.name} ${rates[i]}`).join(', ')} frames a tick; hop, window and delay are ticks`,
        ]
      : []),
    `window      ${plan.window} ${unit}${ms(plan.window)}, hop ${plan.hop}${ms(plan.hop)}, micro-hop ${plan.microHop}${plan.mode === 'stream' ? `, hops must be multiples of ${plan.alignment}` : ''}`,
    plan.graph.stateful
      ? `work        ${count(plan.macsPerHop)} MACs per step`
      : `work        ${count(plan.macsPerHop)} MACs per hop, ${count(plan.macsPerWindow)} per window: ${savedText(plan)}`,
    ...(hasTrunk(plan.mode)
      ? [
          `head        ${(100 * plan.headShare).toFixed(1)} % of a hop's work${plan.headShare > 0 ? `, which caps the speed-up at ${ratio(plan.macsPerWindow, plan.headShare * plan.macsPerHop)}` : ''}`,
        ]
      : []),
    `state       ${count(plan.stateBytes)} bytes of history and partial results`,
    `delay       ${plan.delayFrames} ${unit}${ms(plan.delayFrames)} of look-ahead`,
    plan.graph.stateful
      ? `warm-up     none: the state begins at the zero points, as in the file; ${plan.leftContextFrames} earlier ${unit} matter to an output`
      : `warm-up     ${plan.warmUpHops} outputs are held back (${plan.leftContextFrames} earlier ${unit} matter to the first window)`,
  ];
  lines.push(`exact       ${exactness(plan)}`);
  return lines;
}

/** Returns the whole report as one object. */
export const planJson = (plan: StreamPlan) => ({
  mode: plan.mode,
  reason: plan.reason,
  ...(plan.clock.rates.length > 1 && { rates: plan.clock.rates }),
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
  stateBytes: plan.stateBytes,
  exact: planRows(plan).every((row) => row.exact === 'exact'),
  layers: planRows(plan),
});
