/**
 * The part of runlet plan for a model behind a gate: what it keeps while it sleeps, and the price of waking
 * up.
 *
 * In: a plan, and the file of the gate's model.  Out: numbers for JSON, and lines. Error: RN777.
 * Rule: host/session/gated-stream.ts. Bytes are those of the quantised input.
 */
import { basename } from 'node:path';
import { keptFramesOf } from '../../assembly/bundle/timing.ts';
import { carriesState } from '../../models/graph/recurrent.ts';
import { elementBytes, frameOf } from '../../models/graph/types.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { loadGraph, manifestFields, planOptions } from '../command/load.ts';
import { checkMaySleep } from '../session/gated-stream.ts';

export interface PlannedGate {
  keptFrames: number;
  keptBytes: number;
  /** Longest wake-up, in addition to a hop: hops, and multiply-adds. */
  catchUpHops: number;
  catchUpMacs: number;
  gate: string;
  gateMacsPerHop: number;
  /** Work per second of the gate's model, as a share of that of this model; if the rates are known. */
  gateShare?: number;
}

/** Returns bytes of the kept frames. */
function keptBytes({ graph, clock }: StreamPlan, frames: number): number {
  const bytes = graph.inputs.map(({ tensor }, i) => {
    const { shape, quant } = graph.tensors[tensor] ?? { shape: { t: 0, f: 0, c: 0 } };
    return frames * (clock.rates[i] ?? 1) * frameOf(shape) * elementBytes(quant);
  });
  return bytes.reduce((sum, n) => sum + n, 0);
}

/** Plans the pair. @throws RN777 if the model carries a state */
export async function plannedGate(plan: StreamPlan, gatePath: string): Promise<PlannedGate> {
  const { graph, hop, macsPerHop } = plan;
  const { detector, sampleRateHz } = manifestFields(graph);
  checkMaySleep({ name: graph.name, carriesState: carriesState(graph) });
  const keptFrames = keptFramesOf(plan, (detector?.slidingWindow ?? 1) - 1);
  const catchUpHops = Math.max(0, keptFrames / hop - 1);
  const gateGraph = await loadGraph({ model: gatePath });
  const gate = planStream(gateGraph, planOptions(gateGraph, {}));
  const gateHz = manifestFields(gateGraph).sampleRateHz;
  const known = sampleRateHz && gateHz && macsPerHop > 0;
  return {
    keptFrames,
    keptBytes: keptBytes(plan, keptFrames),
    catchUpHops,
    catchUpMacs: Math.round(catchUpHops * macsPerHop),
    gate: basename(gatePath),
    gateMacsPerHop: gate.macsPerHop,
    ...(known && { gateShare: (gate.macsPerHop * (gateHz / gate.hop)) / (macsPerHop * (sampleRateHz / hop)) }),
  };
}

const count = (n: number): string => Math.round(n).toLocaleString('en');

export const gateLines = (planned: PlannedGate): string[] => [
  `asleep      keeps ${count(planned.keptFrames)} frames (${count(planned.keptBytes)} bytes) behind the gate`,
  `wake-up     at most ${Number(planned.catchUpHops.toFixed(2))} hops, ${count(planned.catchUpMacs)} MACs, in addition to the hop that is due`,
  `gate        ${planned.gate}: ${count(planned.gateMacsPerHop)} MACs per hop${planned.gateShare === undefined ? '' : `, ${(100 * planned.gateShare).toFixed(1)} % of this model's work`}`,
];
