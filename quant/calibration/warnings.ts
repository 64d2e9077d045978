/**
 * What is suspicious about a calibration, as values: each with a code of docs/errors.md.
 *
 * In: what was seen of inputs, channels, outputs and ranges.  Out: warnings, and errors where the data cannot
 * be right.
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

/** Windows below which ranges are hardly known. */
const fewWindows = 30;
/** Share of frames that stay at an extreme. */
const saturatedShare = 0.01;
/** A unit that is off by 1000 is far beyond this; a loud or a quiet recording is not. */
const farOff = 60;
/** Beside biases alone less can be said. */
const [lost, loud] = [1 / 300, 1000];
/** An output that moves less than this beside its size says the same of everything. */
const unmoved = 1e-3;
/** Decibels of signal to noise below which an output tells little. */
const leastDb = 10;
/** int8 steps of the input that a channel's deviation must have. */
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
        why: 'their share of the ranges is unknown',
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
        why: `one scale serves all channels of an input, and the widest one makes a step of ${step.toPrecision(3)}`,
        tryThis: 'normalise the channels before the model (and train it so), or give them an input each',
      });
    return warnings;
  });
}

/** @throws RN417 where the file itself says another size */
export function sizeWarnings(sizes: readonly Size[]): CalibrationWarning[] {
  return sizes.flatMap(({ ratio, from, input }): CalibrationWarning[] => {
    const off = ratio > 1 ? ratio : 1 / ratio;
    const thousand = off > 250 && off < 4000 ? ' (a factor of 1000 between two units, m and mm, V and mV?)' : '';
    const parts: ErrorParts = {
      what: `the signal is ${off.toPrecision(2)} times too ${ratio > 1 ? 'large' : 'small'}${thousand}`,
      where: `input ${input}`,
      tryThis: 'the unit that the model was trained on',
    };
    if (from === 'bias' && ratio > loud)
      return [
        {
          code: 'RN417',
          ...parts,
          what: `the signal is ${off.toPrecision(2)} times as strong as the biases of the first layer`,
          why: `beside it they do nothing${thousand}`,
        },
      ];
    if (from === 'bias')
      return ratio < lost
        ? [
            {
              code: 'RN417',
              ...parts,
              what: `the signal is lost beside the biases of the first layer: 1 to ${off.toPrecision(2)}${thousand}`,
            },
          ]
        : [];
    if (off < farOff) return [];
    const why =
      from === 'range' ? "by the file's metadata runlet.input_range" : 'by the statistics of the first batch normalisation';
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
          what: 'the model gives the same for all windows',
          where,
          why: `the output moves by ${(100 * movement).toPrecision(2)} % of its size`,
          tryThis: 'recordings of everything that the model tells apart; the unit and rate that it was trained on',
        },
      ];
    if (elements < 2 || winners > 1) return [];
    return [
      {
        code: 'RN419',
        what: 'all windows are of one class',
        where,
        why: `the same of ${elements} elements is the largest in all ${windows} windows`,
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
      what: `${of.windows} window${of.windows === 1 ? ' is' : 's are'} few`,
      why: `ranges are known once about ${fewWindows} windows do not change them any more`,
      tryThis: 'some hundred windows of the real signal',
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
      why: 'either the model never uses them, or the data does not show what they are for',
      tryThis: 'data of every kind that the model will meet; dead channels may be pruned in training',
    },
  ];
}

/**
 * Outputs of which int8 leaves little, and whether a logarithm takes it away: of a spectrum it asks for
 * more than int8 holds.
 */
export function noiseWarnings(graph: Graph, report: readonly { tensor: number; sqnrDb: number }[]): CalibrationWarning[] {
  const db = new Map(report.map(({ tensor, sqnrDb }) => [tensor, sqnrDb]));
  const low = (tensor: number): boolean => (db.get(tensor) ?? Number.POSITIVE_INFINITY) < leastDb;
  const lost = graph.outputs.filter((port) => low(port.tensor));
  if (lost.length === 0) return [];
  const log = graph.nodes.find((node) => opOfNode(node).steep?.(node.attrs) && low(node.output));
  return [
    {
      code: 'RN426',
      what: `int8 leaves ${names(lost.map(({ name, tensor }) => `${(db.get(tensor) as number).toFixed(1)} dB at ${name}`))}`,
      where: log ? log.name : 'outputs',
      why: log
        ? 'a logarithm of a spectrum tells values apart that int8 has as one'
        : 'the noise of int8 is as large as a third of the signal',
      tryThis: log
        ? `the network behind the spectrum alone, with a front end in fixed point: --front-end ${presetNames.join(', ')}`
        : '--report, which says which layers cost most; --mixed',
    },
  ];
}
