/**
 * The manifest's description of the front end inside a bundle.
 *
 * In: a FrontEnd.  Out: its scalars (tables stay in the module), and its parameters if it was made from
 * parameters.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { FrontEndManifest } from '../bundle/manifest.ts';

/** Whether the rows depend on all samples since the reset: the noise estimate is a running mean. */
export const estimatesNoise = ({ noise }: FrontEnd): boolean => noise !== undefined;

export function frontEndConfig(f: FrontEnd): FrontEndManifest {
  const { name, sampleRateHz, windowSamples, stepSamples, channels, fftSamples, noise, pcan, log, output, parameters } = f;
  return {
    name,
    sampleRateHz,
    windowSamples,
    stepSamples,
    channels,
    fftSamples,
    noiseReduction: noise !== undefined,
    gainControl: pcan !== undefined,
    logarithm: log !== undefined,
    scale: output.scale,
    zeroPoint: output.zeroPoint,
    ...(parameters && {
      lowerHz: parameters.lowerHz,
      upperHz: parameters.upperHz,
      tables: parameters.tables,
      ...(parameters.noise && { noise: parameters.noise }),
      ...(parameters.pcan && { pcan: parameters.pcan }),
      ...(parameters.log && { log: parameters.log }),
    }),
  };
}
