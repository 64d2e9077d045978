/**
 * Warnings about suspicious calibration data, as values with a code of docs/errors.md.
 *
 * In: statistics of inputs, channels, outputs and ranges.  Out: warnings; an error if the data must be wrong.
 */

import { type ErrorParts, RunletError } from '../../models/error.ts';
import { presetNames } from '../../models/frontend/presets.ts';
import { hasWeights } from '../../models/graph/channels.ts';
import type { Graph, Tensor } from '../../models/graph/types.ts';
import { maxOf, minOf } from '../../models/lists.ts';
import { opOfNode } from '../../models/ops/index.ts';
import type { ChannelStats } from '../methods/channel-stats.ts';
import type { Convergence } from './convergence.ts';
import type { InputSummary } from './input-summary.ts';
import type { OutputsSeen } from './outputs-seen.ts';
import type { Size } from './units.ts';

export interface CalibrationWarning extends ErrorParts {
  code: 'RN417' | 'RN419' | 'RN420' | 'RN421' | 'RN422' | 'RN423' | 'RN424' | 'RN425' | 'RN426';
}

/** RN420 below this number of windows. */
const fewWindows = 30;
/** RN423 above this share of frames that repeat an extreme. */
const saturatedShare = 0.01;
/**
 * RN417 from this ratio on. A wrong unit (a factor of 1000) exceeds it; a loud or quiet recording does not.
 */
const farOff = 60;
/** Limits of the ratio if only biases are known. They are wider, because biases are a weaker hint. */
const [lost, loud] = [1 / 300, 1000];
/** RN419 below this relative change of an output. */
const unmoved = 1e-3;
/** RN426 below this signal-to-noise ratio of an output, dB. */
const minDb = 10;
/** RN425 below this deviation of an input channel, in int8 steps. */
const fewSteps = 2;

const names = (list: readonly (string | number)[]): string =>
  list.length > 8 ? `${list.slice(0, 8).join(', ')} and ${list.length - 8} more` : list.join(', ');

export function inputWarnings(graph: Graph, summaries: readonly InputSummary[]): CalibrationWarning[] {
  return summaries.flatMap((summary, i): CalibrationWarning[] => {
    const where = `input ${graph.inputs[i]?.name}`;
    const all = Array.from({ length: summary.elements }, (_, e) => e);
    const constant = all.filter((e) => summary.isConstant(e));
    const saturated = all.filter((e) => summary.heldShare(e) > saturatedShare);
    const warnings: CalibrationWarning[] = [];
    if (constant.length > 0 && summary.elements > 1)
      warnings.push({
        code: 'RN422',
        what: `${constant.length} of ${summary.elements} channels never change: ${names(constant)}`,
        where,
        why: 'their real range is unknown',
        tryThis: 'check the wiring and the order of the columns',
      });
    if (saturated.length > 0)
      warnings.push({
        code: 'RN423',
        what: `channels stay at their limit: ${names(saturated.map((e) => `${e} (${(100 * summary.heldShare(e)).toFixed(1)} % of frames)`))}`,
        where,
        why: 'the sensor or its converter was saturated, and the real peaks are not in the data',
        tryThis: 'a lower gain, or a recording without clipping',
      });
    const step = (Math.max(0, maxOf(summary.high)) - Math.min(0, minOf(summary.low))) / 255;
    const coarse = all.filter((e) => !summary.isConstant(e) && summary.deviation(e) < fewSteps * step);
    if (coarse.length > 0)
      warnings.push({
        code: 'RN425',
        what: `channels move by less than ${fewSteps} int8 steps: ${names(coarse.map((e) => `${e} (${(summary.deviation(e) / step).toFixed(2)})`))}`,
        where,
        why: `all channels of an input share one scale; here its step is ${step.toPrecision(3)}, set by the widest channel`,
        tryThis: 'normalise the channels before the model (also in training), or give each channel its own input',
      });
    return warnings;
  });
}

/** @throws RN417 if the size contradicts the file's metadata or batch normalisation */
export function sizeWarnings(sizes: readonly Size[]): CalibrationWarning[] {
  return sizes.flatMap(({ ratio, from, input }): CalibrationWarning[] => {
    const off = ratio > 1 ? ratio : 1 / ratio;
    const thousand = off > 250 && off < 4000 ? ' (a factor of 1000 between two units, m and mm, V and mV?)' : '';
    const parts: ErrorParts = {
      what: `the signal is ${off.toPrecision(2)} times too ${ratio > 1 ? 'large' : 'small'}${thousand}`,
      where: `input ${input}`,
      tryThis: 'data in the unit that the model was trained on',
    };
    if (from === 'bias' && ratio > loud)
      return [
        {
          code: 'RN417',
          ...parts,
          what: `the signal is ${off.toPrecision(2)} times as strong as the biases of the first layer`,
          why: `compared with it the biases have no effect${thousand}`,
        },
      ];
    if (from === 'bias')
      return ratio < lost
        ? [
            {
              code: 'RN417',
              ...parts,
              what: `the signal is ${off.toPrecision(2)} times weaker than the biases of the first layer${thousand}`,
            },
          ]
        : [];
    if (off < farOff) return [];
    const why =
      from === 'range'
        ? "according to the file's metadata runlet.input_range"
        : 'according to the statistics of the first batch normalisation';
    throw new RunletError('RN417', { ...parts, why });
  });
}

export function outputWarnings(outputs: OutputsSeen): CalibrationWarning[] {
  return outputs.all().flatMap(({ name, elements, windows, winners, movement }): CalibrationWarning[] => {
    if (windows < 2) return [];
    const where = `output ${name}`;
    if (movement < unmoved)
      return [
        {
          code: 'RN419',
          what: 'the model gives the same output for all windows',
          where,
          why: `the output changes by ${(100 * movement).toPrecision(2)} % of its size`,
          tryThis: 'recordings of all classes, in the unit and at the rate of the training data',
        },
      ];
    if (elements < 2 || winners > 1) return [];
    return [
      {
        code: 'RN419',
        what: 'all windows are of one class',
        where,
        why: `the same one of ${elements} output elements is the largest in all ${windows} windows`,
        tryThis: 'recordings of every class',
      },
    ];
  });
}

export function rangeWarnings(graph: Graph, of: Convergence): CalibrationWarning[] {
  const warnings: CalibrationWarning[] = [];
  if (of.windows < fewWindows)
    warnings.push({
      code: 'RN420',
      what: `${of.windows} window${of.windows === 1 ? ' is' : 's are'} too few`,
      why: `ranges are reliable only from about ${fewWindows} windows on`,
      tryThis: 'a few hundred windows of the real signal',
    });
  if (of.unsettled.length > 0)
    warnings.push({
      code: 'RN421',
      what: `the last quarter of the windows still moved ${of.unsettled.length} of ${of.settledAfter.size} ranges by more than 1 %`,
      where: names(of.unsettled.map((id) => graph.tensors[id]?.name ?? `${id}`)),
      tryThis: 'more, or more varied, calibration data',
    });
  return warnings;
}

export function deadWarnings(graph: Graph, stats: ReadonlyMap<number, ChannelStats>): CalibrationWarning[] {
  const dead = graph.nodes.flatMap((node) => {
    const of = stats.get(node.output);
    if (!of || !hasWeights(node) || node.attrs.clamp[0] !== 0) return [];
    const silent = Array.from({ length: of.channels }, (_, c) => c).filter((c) => (of.high[c] as number) === 0);
    const name = (graph.tensors[node.output] as Tensor).name;
    return silent.length > 0 ? [`${name} (${silent.length} of ${of.channels})`] : [];
  });
  if (dead.length === 0) return [];
  return [
    {
      code: 'RN424',
      what: 'channels are 0 behind their ReLU for the whole signal',
      where: names(dead),
      why: 'either the model never uses them, or the data does not activate them',
      tryThis: 'data of every kind that the model will meet; dead channels may be pruned in training',
    },
  ];
}

/**
 * Warns about outputs that are mostly noise in int8, and about a logarithm that causes it (of a spectrum).
 */
export function noiseWarnings(graph: Graph, report: readonly { tensor: number; sqnrDb: number }[]): CalibrationWarning[] {
  const db = new Map(report.map(({ tensor, sqnrDb }) => [tensor, sqnrDb]));
  const low = (tensor: number): boolean => (db.get(tensor) ?? Number.POSITIVE_INFINITY) < minDb;
  const lost = graph.outputs.filter((port) => low(port.tensor));
  if (lost.length === 0) return [];
  const log = graph.nodes.find((node) => opOfNode(node).steep?.(node.attrs) && low(node.output));
  return [
    {
      code: 'RN426',
      what: `int8 leaves a signal-to-noise ratio of ${names(lost.map(({ name, tensor }) => `${(db.get(tensor) as number).toFixed(1)} dB at ${name}`))}`,
      where: log ? log.name : 'outputs',
      why: log
        ? 'the logarithm of a spectrum needs small differences that int8 rounds away'
        : 'the noise of int8 is larger than a third of the signal',
      tryThis: log
        ? `only the network behind the spectrum, with a fixed-point front end: --front-end ${presetNames.join(', ')}`
        : '--report, which shows the layers that add most noise; --mixed',
    },
  ];
}
