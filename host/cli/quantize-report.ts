/**
 * --report of quantize: the short form of the report, for a terminal.
 *
 * In: a diagnosis, the methods.  Out: the loss of each step, the layers that lose most, and advice for them.
 */
import { adviceFor } from '../../quant/diagnose/advice.ts';
import { type Diagnosis, type LayerDiagnosis, worstLayers } from '../../quant/diagnose/diagnose.ts';
import type { Methods } from '../../quant/presets.ts';
import { coloursFor } from '../command/args.ts';
import { output } from '../command/options.ts';
import { table } from '../report/table.ts';

export const reportArgs = {
  report: output('Write a page: the loss of each layer by int8 and streaming, and what to try', { hint: 'file.html' }),
};

const db = (x: number | undefined): string => (x === undefined ? '' : Number.isFinite(x) ? `${x.toFixed(1)} dB` : 'equal');

function stepRows({ streaming, exact, trainedToStream, output }: Diagnosis): string[][] {
  const { int8WindowedDb, floatStreamedDb, int8StreamedDb } = output;
  const rows = [['int8, windowed', db(int8WindowedDb)]];
  if (streaming)
    rows.push(
      ['streaming, float', `${db(floatStreamedDb)}${trainedToStream ? ' (the model was trained to stream)' : ''}`],
      ['int8, streamed', db(int8StreamedDb)],
    );
  else rows.push(['streaming', exact ? 'equal by construction' : 'not run']);
  return rows;
}

const layerRow = (l: LayerDiagnosis, streaming: boolean): string[] => [
  l.name,
  l.op,
  db(l.aloneDb),
  db(l.int8WindowedDb),
  ...(streaming ? [db(l.floatStreamedDb), db(l.int8StreamedDb)] : []),
  l.weights ? db(l.weights.sqnrDb) : '',
  `${(100 * l.clipped).toFixed(3)} %`,
  l.biasSteps.toFixed(2),
];

/** Formats the short report. */
export function diagnosisText(diagnosis: Diagnosis, methods: Partial<Methods>): string {
  const { streaming, windows, layers } = diagnosis;
  const { isColorSupported: colour } = coloursFor(process.stdout);
  const ranked = worstLayers(diagnosis, 8);
  const steps = streaming ? ['streaming', 'int8 streamed'] : [];
  const head = ['layer', 'op', 'alone, at outputs', 'int8 windowed', ...steps, 'weights', 'clipped', 'shift, steps'];
  const worst = ranked
    .slice(0, 3)
    .flatMap((layer) => [
      `${layer.name} (${layer.op})`,
      ...adviceFor(layer, methods, diagnosis).map(({ option, why }) => `  ${option ? `try ${option}: ${why}` : why}`),
    ]);
  return [
    `signal-to-noise ratio of the outputs for each step, over ${windows} windows`,
    '',
    table(stepRows(diagnosis), { colour, indent: 2 }),
    '',
    `layers that lose most, ${ranked.length} of ${layers.length}`,
    '',
    table(
      ranked.map((l) => layerRow(l, streaming)),
      { head, colour, spare: ['op', 'weights', 'shift, steps', 'clipped', 'streaming'] },
    ),
    '',
    ...worst,
    '',
  ].join('\n');
}
