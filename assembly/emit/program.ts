/**
 * The program of a module: lists of instructions for every micro-hop, hop, output and reset.
 *
 * In: a QuantPlan, its buffers and the emitted steps.  Out: a Program with symbolic addresses (address.ts);
 * source.ts prints it as AssemblyScript after it is linked.
 */
import type { Shape } from '../../models/graph/types.ts';
import type { Step, StreamPlan } from '../../models/stream/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { PHASE } from '../runtime/numbers.ts';
import type { Buffers } from './buffers.ts';
import { edgeInstructions } from './edges.ts';
import { callInstruction, type Instruction, type Program } from './instruction.ts';
import type { EmittedStep } from './pack.ts';

/** Checks for edges. They feed later windows, so they are computed before output 0 too. */
const runsEveryHop = (plan: StreamPlan): boolean => plan.steps.some((s) => s.section === 'edge');

const oneLine = (name: string) => name.replace(/\s+/g, ' ');
const shapeText = (s: Shape) => `[${s.t}][${s.f}][${s.c}]`;

/** Returns a step's calls. A history that is kept separately is moved in before them and out after them. */
function stepInstructions(quant: QuantPlan, buffers: Buffers, emitted: EmittedStep): Instruction[] {
  const { step, calls } = emitted;
  const { f = 0, c = 0 } = quant.plan.graph.tensors[step.output]?.shape ?? {};
  const rows = step.kind === 'accumulate' ? '' : ` -> ${step.outRows} x ${shapeText({ t: 1, f, c })}`;
  const remark: Instruction = { do: 'remark', text: `${oneLine(step.node.name)}: ${step.node.op} ${step.kind}${rows}` };
  if (step.kind === 'edge') return [remark, ...edgeInstructions(buffers, emitted)];
  if (step.kind === 'copy') return [remark, copyInstruction(buffers, step)];
  const run: Instruction[] = calls.map((call) => callInstruction(call, 0, step.outRows));
  const buffer = step.section === 'trunk' && step.kind !== 'accumulate' ? buffers.trunk.get(step.output) : undefined;
  const bytes = buffer ? buffer.plan.historyRows * buffer.frameBytes : 0;
  if (buffer?.history === undefined || bytes === 0) return [remark, ...run];
  const newest = buffer.address + buffer.plan.newRows * buffer.frameBytes;
  return [
    remark,
    { do: 'move', to: buffer.address, from: buffer.history, bytes, note: 'history in' },
    ...run,
    { do: 'move', to: buffer.history, from: newest, bytes, note: 'history out' },
  ];
}

/** Copies a graph output from a trunk tensor. */
function copyInstruction(buffers: Buffers, step: Step): Instruction {
  const [x] = step.inputs;
  const from = buffers.trunk.get(x?.tensor ?? -1);
  const frameBytes = from?.frameBytes ?? 0;
  const at = (from?.address ?? 0) + (x?.firstRow ?? 0) * frameBytes;
  return { do: 'move', to: buffers.outputs.get(step.output) ?? 0, from: at, bytes: step.outRows * frameBytes };
}

/** Moves histories that lie in place down by the new rows. */
function slideInstructions(buffers: Buffers): Instruction[] {
  const moved = [...buffers.trunk.values()].filter((b) => b.inPlace && b.plan.historyRows > 0);
  return moved.map(({ address, plan, frameBytes }) => {
    return { do: 'move', to: address, from: address + plan.newRows * frameBytes, bytes: plan.historyRows * frameBytes };
  });
}

/** Returns all sections except the reset, which needs the final places of state items (reset.ts). */
export function makeProgram(quant: QuantPlan, buffers: Buffers, steps: EmittedStep[]): Omit<Program, 'reset'> {
  const { plan } = quant;
  const section = (name: Step['section']) =>
    steps.filter((s) => s.step.section === name).flatMap((s) => stepInstructions(quant, buffers, s));
  const advance: Instruction = { do: 'advance', at: (buffers.state[0]?.address ?? 0) + PHASE, period: plan.period };
  return {
    trunk: section('trunk'),
    edges: runsEveryHop(plan) ? [...section('edge'), advance] : [],
    head: section('head'),
    rotate: steps.flatMap((s) => s.rotate.map((call) => callInstruction(call, 0, 0))),
    slide: slideInstructions(buffers),
  };
}
