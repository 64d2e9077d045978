/**
 * Makes the manifest of a network with a front end before it, from the manifest of the network on rows.
 *
 * In: the network's manifest, its QuantPlan, the FrontEnd.  Out: Manifest: times in samples, int16 input, a
 * golden of sound, a state digest of front end and network. hop = hop rows * step, window = (window rows - 1)
 * * step + window of the front end (docs/abi.md, "Sound").
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import { featureRows } from '../../quant/frontend/reference.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { runSignal } from '../../quant/reference.ts';
import { Digest } from '../bundle/digest.ts';
import type { Manifest, PortManifest } from '../bundle/manifest.ts';
import { estimatesNoise, frontEndConfig } from './config.ts';
import { goldenSamples } from './golden.ts';
import { packFrontEnd } from './pack.ts';

/** 2^-15: a sample of 32768 would be 1. */
const sampleScale = 1 / 32768;

export const soundPort = (windowSamples: number): PortManifest => ({
  name: 'sound',
  hostType: 'int16',
  elements: 1,
  shape: [windowSamples, 1, 1],
  order: ['t', 'f', 'c'],
  fileShape: [1, windowSamples],
  scale: sampleScale,
  zeroPoint: 0,
});

/** Converts times from rows of features to samples of sound. */
export const soundTimes = (
  { stepSamples, windowSamples }: FrontEnd,
  rows: { hop: number; window: number; microHop: number; delayFrames: number },
) => ({
  hop: rows.hop * stepSamples,
  window: (rows.window - 1) * stepSamples + windowSamples,
  microHop: rows.microHop * stepSamples,
  delayFrames: rows.delayFrames * stepSamples,
});

/** Returns the digest of what determines the rows: block and tables, with all addresses 0. */
export async function frontEndDigest(frontEnd: FrontEnd): Promise<string> {
  const digest = new Digest();
  digest.update('front end');
  digest.update(packFrontEnd(frontEnd, 0, { state: 0, scratch: 0, row: 0 }).bytes);
  return digest.hex();
}

async function soundGolden(quant: QuantPlan, frontEnd: FrontEnd, seed = 0x5eed1e7): Promise<Manifest['golden']> {
  const { plan } = quant;
  const { hop, window, delayFrames } = soundTimes(frontEnd, plan);
  const wanted = Math.min(plan.period, 8) + 3;
  const hops = Math.ceil((window + delayFrames + (plan.warmUpHops + wanted - 1) * hop) / hop);
  const digest = new Digest();
  let outputs = 0;
  for (const result of runSignal(quant, featureRows(frontEnd, goldenSamples(seed, hops * hop)))) {
    for (const output of result.outputs) digest.update(output);
    outputs++;
  }
  return { seed, hops, outputs, digest: await digest.hex() };
}

export async function soundManifest(rows: Manifest, quant: QuantPlan, frontEnd: FrontEnd): Promise<Manifest> {
  const { frontEnd: _applied, ...rest } = rows;
  const state = new Digest();
  state.update(rows.stateDigest);
  state.update(await frontEndDigest(frontEnd));
  const times = soundTimes(frontEnd, quant.plan);
  return {
    ...rest,
    ...times,
    inputs: [soundPort(times.window)],
    sampleRateHz: frontEnd.sampleRateHz,
    ...(estimatesNoise(frontEnd) && { carriesState: true }),
    frontEndConfig: frontEndConfig(frontEnd),
    stateDigest: await state.hex(),
    golden: await soundGolden(quant, frontEnd),
  };
}
