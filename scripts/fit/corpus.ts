/**
 * The models that fit's coefficients come from, and those that they are checked with.
 *
 * In: a name.  Out: a bundle for a target. `N1:64`: a network of the benchmark; `made 12`, `spectrogram 3`,
 * `few 7`: scripts/fit/networks.ts; `small 3`: of the property tests, with every operator; `kws`: of the zoo;
 * `front end log-mel`; and models of others where they are there.
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

/** Models of others, where they are there. */
export const ofOthers = (): string[] => sharedSubjects().map(({ name }) => name);

export const seedsOf = (family: string, first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${family} ${first + i}`);

/** Random networks that the coefficients of compiled code are fitted to. */
export const fittedTo: readonly string[] = [
  ...[...seedsOf('made', 1, 30), ...seedsOf('few', 1, 20), ...seedsOf('spectrogram', 1, 10), ...seedsOf('small', 1, 15)],
];

/** Random networks that the coefficients of compiled code are not fitted to: other seeds. */
export const otherSeeds: readonly string[] = [
  ...[...seedsOf('made', 5001, 16), ...seedsOf('spectrogram', 5001, 4)],
  ...[...seedsOf('made', 11001, 16), ...seedsOf('spectrogram', 11001, 6), ...seedsOf('few', 11001, 10)],
];

/** All that compiled code is checked with. */
export const heldOut = (): string[] => [...known, ...ofOthers(), ...otherSeeds, ...seedsOf('small', 16, 15)];

const specs = (count: number) => fc.sample(networkOf(firstKinds), { seed: 6, numRuns: count });

/** @throws what building throws */
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
