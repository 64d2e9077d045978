/**
 * Advice for a layer, derived from its measurements.
 *
 * In: a diagnosed layer, the methods that it was quantised with, the whole diagnosis.  Out: at most three
 * options, each with the number that supports it; the strongest first. The thresholds are rules of thumb.
 * They only select the advice; they never change the quantisation.
 */
import type { Methods } from '../presets.ts';
import type { Diagnosis, LayerDiagnosis } from './diagnose.ts';

export interface Advice {
  /** The command line option; empty if no option helps. */
  option: string;
  why: string;
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
const db = (x: number): string => `${x.toFixed(1)} dB`;

export function adviceFor(
  layer: LayerDiagnosis,
  methods: Partial<Methods>,
  { layers, streaming, trainedToStream }: Diagnosis,
): Advice[] {
  const found: Advice[] = [];
  const { clipped, signalSteps, biasShare, weights, aloneDb, int8WindowedDb, int8StreamedDb, floatStreamedDb } = layer;
  const int8Db = int8StreamedDb ?? int8WindowedDb;
  if (streaming && !trainedToStream && floatStreamedDb !== undefined && floatStreamedDb < int8Db - 3)
    found.push({
      option: '--mode edge-exact',
      why: `streaming changes it (${db(floatStreamedDb)}) more than int8 does (${db(int8Db)})`,
    });
  if (clipped > 1e-3)
    found.push({
      option: methods.observer === 'minmax' ? '--calib' : '--observer minmax',
      why: `${percent(clipped)} of its values lie outside what int8 holds${methods.observer === 'minmax' ? ': more, or more varied, calibration data' : ''}`,
    });
  if (weights && (weights.sqnrDb < 35 || weights.worstDb < 20)) {
    const why = `weights have ${db(weights.sqnrDb)}, channel ${weights.worstChannel} ${db(weights.worstDb)}`;
    if (methods.weightScales === 'per-tensor') found.push({ option: '--weight-scales per-channel', why });
    else if (methods.equalise === false) found.push({ option: '--equalise on', why });
    else if (methods.rounding !== 'together') found.push({ option: '--weight-rounding together', why });
  }
  if (biasShare > 0.2 && methods.biasCorrection === false)
    found.push({ option: '--bias-correction on', why: `${percent(biasShare)} of its noise is a shift of means` });
  if (signalSteps < 12 && clipped < 1e-4 && layer.type !== 'int16') {
    if (methods.observer === 'minmax')
      found.push({
        option: '--observer mse',
        why: `the signal uses ${signalSteps.toFixed(1)} of 256 steps: few large values set the range`,
      });
    else if (layer.op === 'input')
      found.push({ option: '', why: `the signal uses ${signalSteps.toFixed(1)} of 256 steps: normalise it before the model` });
  }
  const source = sourceOf(layer, layers);
  if (source && int8Db < aloneDb - 6)
    found.push({ option: '', why: `most of its noise (${db(int8Db)}) comes from an earlier layer: see ${source.name}` });
  if (layer.mayBeInt16)
    found.push({
      option: '--mixed',
      why: `if only this layer is int8, the outputs have ${db(aloneDb)}; int16 removes the noise of its activation, but adds state and work`,
    });
  if (methods.rounding === 'nearest' && weights && !found.some((a) => a.option === '--weight-rounding together'))
    found.push({ option: '--weight-rounding together', why: 'its weights are rounded one by one' });
  if (found.length === 0 && layer.fixedScale)
    found.push({
      option: '',
      why: `the specification fixes its steps to 1/${1 / layer.scale}; int8 cannot give more than ${db(aloneDb)} here`,
    });
  return found.slice(0, 3);
}

/** Returns the earlier layer that adds most noise at the outputs when only it is int8. */
function sourceOf(layer: LayerDiagnosis, layers: readonly LayerDiagnosis[]): LayerDiagnosis | undefined {
  const before = layers.slice(0, layers.indexOf(layer)).filter((l) => l.aloneDb < layer.aloneDb);
  return before.length > 0 ? before.reduce((a, b) => (b.aloneDb < a.aloneDb ? b : a)) : undefined;
}
