/**
 * plan --calib SIGNAL: measures how far each mode deviates from the windowed model on the user's data.
 *
 * In: a plan and a signal.  Out: a table of modes and a table of layers. A float model runs in float, an int8
 * model in integers.
 */

import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { type Deviation, deviationOf } from '../../models/report/deviation.ts';
import { trainedContext } from '../../models/stream/allowed-modes.ts';
import { floatBlock, floatRunner } from '../../models/stream/float.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { loadSignals } from '../command/load.ts';
import { type SignalOptions, signalArgs } from '../command/model-options.ts';
import { signals } from '../command/options.ts';
import { whileWorking } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';

export const deviationArgs = {
  calib: signals('Signal (.npy, .npz, .csv or .wav) on which to measure how far each mode deviates from the windowed model'),
  ...signalArgs,
};

/** Measures the deviation on the signal of --calib; undefined without --calib. */
export async function calibrated(plan: StreamPlan, args: SignalOptions & { calib?: string }): Promise<Deviation | undefined> {
  if (args.calib === undefined) return undefined;
  const { graph } = plan;
  const [signal = new Float32Array()] = await loadSignals(graph, args.calib, args);
  const found = await whileWorking('running every mode on the signal', async () =>
    isQuantised(graph)
      ? inIntegers(graph, plan.hop, signal)
      : deviationOf(graph, plan.hop, { signal: floatBlock(plan, signal), run: floatRunner, real: (_, data) => data }),
  );
  const trained = trainedContext(graph);
  if (trained > 0)
    found.notes.push(
      `the model was trained with ${trained} earlier frames in place of zeros: it was trained for mode stream, not for the windowed reference`,
    );
  return found;
}

async function inIntegers(graph: Graph, hop: number, signal: Float32Array): Promise<Deviation> {
  const { quantPlan } = await import('../../quant/plan.ts');
  const { intRunner, signalBlock } = await import('../../quant/reference.ts');
  const { quantiseSignal } = await import('../../quant/report.ts');
  const quant = quantPlan(planStream(graph, graph.stateful ? { hop } : { hop, mode: 'windowed' }));
  const of = (id: number) => quant.plan.graph.tensors[id]?.quant ?? { scale: 1, zeroPoint: 0 };
  return deviationOf(quant.plan.graph, hop, {
    signal: signalBlock(quant, quantiseSignal(signal, of(graph.inputs[0]?.tensor ?? -1))),
    run: intRunner(quant.params),
    real: (id, data) => Float32Array.from(data, (q) => of(id).scale * (q - of(id).zeroPoint)),
  });
}

const percent = (share: number): string => (share === 0 ? '0 %' : `${Number((100 * share).toPrecision(3))} %`);
const short = (x: number): Cell => (Number.isNaN(x) ? '-' : Number(x.toPrecision(3)));

export function printDeviation(found: Deviation, colour: boolean): void {
  const modes = found.modes.map((m): Cell[] => [
    m.mode,
    m.macsPerHop,
    m.stateBytes,
    m.delayFrames,
    m.exact ? 'yes' : 'no',
    percent(m.outputNrmse),
    short(m.maxDifference),
  ]);
  const head = ['mode', 'MACs/hop', 'state B', 'delay', 'exact', 'output NRMSE', 'max |diff|'];
  const lines = [
    '',
    `cost and deviation of each mode at hop ${found.hop}, compared with the windowed model:`,
    '',
    table(modes, { head, colour, spare: ['max |diff|', 'delay', 'exact'] }),
    '',
  ];
  for (const { mode, code, text } of found.refused) lines.push(`${mode.padEnd(12)}${code} ${text}`);
  const { partial } = found;
  if (partial)
    lines.push(
      `partial     the first ${partial.layers} layers streamed without retraining (to ${partial.layer}, ${percent(partial.contaminated)} contaminated): output NRMSE ${percent(partial.outputNrmse)}, max |diff| ${short(partial.maxDifference)}`,
    );
  for (const note of found.notes) lines.push(`note        ${note}`);
  const ran = found.modes.map((m) => m.mode).filter((mode) => found.layers.some((l) => l.nrmse[mode] !== undefined));
  const bounded = found.layers.some((l) => l.misaligned);
  const layers = found.layers.map((l): Cell[] => [
    l.layer,
    percent(l.contaminated),
    percent(l.probe),
    short(l.slope),
    ...(bounded
      ? [
          l.misaligned?.early ?? '-',
          l.misaligned ? `${l.misaligned.proven ? '' : '~'}${short(l.misaligned.bound)}` : '-',
          short(l.misaligned?.maxDifference ?? Number.NaN),
        ]
      : []),
    ...ran.map((mode) => (l.nrmse[mode] === undefined ? '-' : percent(l.nrmse[mode]))),
  ]);
  const bounds = bounded ? ['r', 'r x slope', 'max |diff|'] : [];
  const titles = ['layer', 'contaminated', 'probe', 'slope', ...bounds, ...ran.map((mode) => `NRMSE ${mode}`)];
  lines.push('', table(layers, { head: titles, colour, spare: ['slope', 'probe', ...bounds] }));
  if (bounded)
    lines.push(
      '',
      'r x slope is an upper bound for rows that touch no window edge; ~: only for a layer with its own input, not for rows that an earlier stride has moved',
    );
  process.stdout.write(`${lines.join('\n')}\n`);
}
