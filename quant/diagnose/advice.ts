/**
 * What to try for a layer, from what was measured of it.
 *
 * In: a diagnosed layer, the methods it was quantised with, the whole diagnosis.  Out: options by name, each
 * with the number that speaks for it; the strongest first. The limits are rules of thumb, stated here: they
 * choose what is said, never what is done.
 */
import type { Methods } from '../presets.ts';
import type { Diagnosis, LayerDiagnosis } from './diagnose.ts';

export interface Advice {
  /** As it stands on the command line; empty where no option helps. */
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
  const own = int8StreamedDb ?? int8WindowedDb;
  if (streaming && !trainedToStream && floatStreamedDb !== undefined && floatStreamedDb < own - 3)
    found.push({
      option: '--mode edge-exact',
      why: `streaming changes it (${db(floatStreamedDb)}) more than int8 does (${db(own)})`,
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
        why: `the signal takes ${signalSteps.toFixed(1)} of 256 steps: few large values set the range`,
      });
    else if (layer.op === 'input')
      found.push({ option: '', why: `the signal takes ${signalSteps.toFixed(1)} of 256 steps: normalise it before the model` });
  }
  const source = sourceOf(layer, layers);
  if (source && own < aloneDb - 6)
    found.push({ option: '', why: `most of its noise (${db(own)}) comes from before it: see ${source.name}` });
  if (layer.mayBeInt16)
    found.push({
      option: '--mixed',
      why: `alone in int8 it leaves ${db(aloneDb)} at the outputs; int16 takes the part of its activation away, for state and work`,
    });
  if (methods.rounding === 'nearest' && weights && !found.some((a) => a.option === '--weight-rounding together'))
    found.push({ option: '--weight-rounding together', why: 'its weights are rounded one by one' });
  if (found.length === 0 && layer.fixedScale)
    found.push({
      option: '',
      why: `its steps are 1/${1 / layer.scale} by the specification, and so ${db(aloneDb)} is what int8 can give here`,
    });
  return found.slice(0, 3);
}

/** Of the layers before, the one that alone costs most at the outputs. */
function sourceOf(layer: LayerDiagnosis, layers: readonly LayerDiagnosis[]): LayerDiagnosis | undefined {
  const before = layers.slice(0, layers.indexOf(layer)).filter((l) => l.aloneDb < layer.aloneDb);
  return before.length > 0 ? before.reduce((a, b) => (b.aloneDb < a.aloneDb ? b : a)) : undefined;
}
