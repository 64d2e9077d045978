/**
 * The models to which the coefficients of `runlet fit` are fitted, and the held-out models that check them.
 *
 * In: a name.  Out: a bundle for a target. Names: `N1:64` is a network of the benchmark; `made 12`,
 * `spectrogram 3` and `few 7` are from scripts/fit/networks.ts; `small 3` is from the property tests, with
 * every operator; `kws` is from the zoo; `front end log-mel` is a front end; others are third-party models,
 * if present.
 */

import fc from 'fast-check';
import { type Bundle, build } from '../../assembly/build.ts';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { benchNetworks, madeUpNetwork, noiseOf } from '../../host/bench/networks.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { planStream } from '../../models/stream/plan.ts';
import { quantPlan } from '../../quant/plan.ts';
import { quantize } from '../../quant/quantize.ts';
import { firstKinds, makeNetwork, networkOf } from '../../test/property/random-network.ts';
import { sharedSubjects, zooSubjects } from '../../test/wamr/models.ts';
import { madeNetwork } from './networks.ts';

/** The benchmark's networks, the zoo and two front ends. */
export const known: readonly string[] = [
  ...Object.entries(benchNetworks).flatMap(([name, of]) =>
    of().hops.flatMap((hop) => (name.startsWith('f_') || name === 'D9' ? [] : [`${name}:${hop}`])),
  ),
  ...zooSubjects.map(({ name }) => name),
  'front end log-mel',
  'front end microwakeword',
];

/** Returns the names of the third-party models that are present. */
export const ofOthers = (): string[] => sharedSubjects().map(({ name }) => name);

export const seedsOf = (family: string, first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${family} ${first + i}`);

/** Random networks to which the coefficients of compiled code are fitted. */
export const fittedTo: readonly string[] = [
  ...[...seedsOf('made', 1, 30), ...seedsOf('few', 1, 20), ...seedsOf('spectrogram', 1, 10), ...seedsOf('small', 1, 15)],
];

/** Held-out random networks for compiled code, with other seeds. */
export const otherSeeds: readonly string[] = [
  ...[...seedsOf('made', 5001, 16), ...seedsOf('spectrogram', 5001, 4)],
  ...[...seedsOf('made', 11001, 16), ...seedsOf('spectrogram', 11001, 6), ...seedsOf('few', 11001, 10)],
];

/** Returns all held-out models for compiled code. */
export const heldOut = (): string[] => [...known, ...ofOthers(), ...otherSeeds, ...seedsOf('small', 16, 15)];

const specs = (count: number) => fc.sample(networkOf(firstKinds), { seed: 6, numRuns: count });

/** Builds a model. @throws the errors of the build */
export async function buildModel(name: string, target: Target): Promise<Bundle> {
  const [kind = '', rest = ''] = name.split(/[ :](.*)/);
  if (benchNetworks[kind]) return build(quantPlan(planStream(madeUpNetwork(kind).int8, { hop: Number(rest) })), { target });
  if (kind === 'made' || kind === 'spectrogram' || kind === 'few') {
    const { graph, window, frame, hop } = madeNetwork(Number(rest), kind);
    const noise = noiseOf(4 * window * frame);
    const int8 = quantize(graph, noise, { hop: window, mode: 'windowed', preset: 'fast', noReport: true }).graph;
    return build(quantPlan(planStream(int8, { hop })), { target });
  }
  if (kind === 'small') {
    const spec = specs(Number(rest)).at(-1) as ReturnType<typeof specs>[number];
    return build(quantPlan(planStream(makeNetwork(spec), { hop: spec.hopSteps })), { target });
  }
  if (kind === 'front') return buildFrontEnd(makeFrontEnd(presetParameters(rest.replace('end ', ''))));
  const subject = [...zooSubjects, ...sharedSubjects()].find((s) => s.name === name);
  if (!subject) throw new Error(`there is no model ${name}`);
  return (await subject.open())(target);
}
