/**
 * Builds whose bytes are pinned, and their hashes.
 *
 * In: models.ts.  Out: names with the first 16 digits of the SHA-256 of a module's code (all sections except
 * custom ones and data) and of its data (the data section, and the weights file if there is one); for C, of
 * its source.
 */

import { createHash } from 'node:crypto';
import { build } from '../../assembly/build.ts';
import { buildC } from '../../assembly/c/build-c.ts';
import { type Home, homes } from '../../assembly/emit/home.ts';
import { sectionsOf } from '../../assembly/emit/patch.ts';
import { isScalar, type Target } from '../../assembly/emit/target.ts';
import { isRunletError } from '../../models/error.ts';
import { clockOf } from '../../models/graph/clock.ts';
import type { Graph } from '../../models/graph/types.ts';
import { defaultHop } from '../../models/stream/default-hop.ts';
import { type Mode, modes } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import { type QuantPlan, quantPlan } from '../../quant/plan.ts';
import { type GoldenModel, randomModels, realModels } from './models.ts';

export interface GoldenBuild {
  name: string;
  model: GoldenModel;
  hash: () => Promise<Record<string, string>>;
}

const short = (parts: readonly (Uint8Array | string)[]): string => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex').slice(0, 16);
};

const [custom, data] = [0, 11];

const formsOf = (target: Target) =>
  homes.filter((home) => home !== 'tile' || isScalar(target)).map((home): [Target, Home] => [target, home]);
const styles = ['calls', 'table'] as const;
const variantsOf = (forms: [Target, Home][]) =>
  styles.flatMap((style) => forms.map(([target, home]) => ({ style, target, home })));
const variants = variantsOf((['simd', 'interp', 'native'] as const).flatMap(formsOf));
/** Kept separate, so that they do not change the turns of the others. */
const relaxed = variantsOf(formsOf('relaxed'));
type Variant = (typeof variants)[number];

const hopOf = (graph: Graph): number => Number(graph.metadata['runlet.hop']) || defaultHop(graph).hop;

/**
 * Returns a plan in this mode at the model's hop, or at the next hop that the mode supports. If there is
 * none, the plan is in the default mode.
 */
async function planned(model: GoldenModel, mode: Mode, odd: boolean): Promise<QuantPlan> {
  const graph = await model.graph();
  const first = hopOf(graph) + Number(odd && clockOf(graph).window > hopOf(graph));
  for (let hop = first; hop < first + 64; hop++) {
    const plan = attempt(() => quantPlan(planStream(graph, { hop, mode })));
    if (plan) return plan;
  }
  return quantPlan(planStream(graph, { hop: first }));
}

/** Returns the plan, or undefined if the planner refuses. */
function attempt(plan: () => QuantPlan): QuantPlan | undefined {
  try {
    return plan();
  } catch (error) {
    if (isRunletError(error) && error.code.startsWith('RN2')) return undefined;
    throw error;
  }
}

interface Form extends Variant {
  mode: Mode;
  /** If true, the hop is one more than the model's. */
  odd: boolean;
  /** Kernels of style `table`. */
  kernels: 'used' | 'every';
}

function buildOf(model: GoldenModel, { mode, odd, style, target, home, kernels }: Form): GoldenBuild {
  const hash = async () => {
    const quant = await planned(model, mode, odd);
    const { wasm, weights, manifest } = await build(quant, { style, target, weights: home, kernels, producer: 'golden' });
    const sections = sectionsOf(wasm).filter(({ id }) => id !== custom);
    const of = (want: (id: number) => boolean) => sections.flatMap(({ id, body }) => (want(id) ? [`${id}`, body] : []));
    const c = style === 'calls' && target === 'native' && home === 'embed' && (await buildC(quant, manifest));
    return {
      code: short(of((id) => id !== data)),
      data: short([...of((id) => id === data), ...(weights ? [weights] : [])]),
      ...(c && { c: short(Object.entries(c.files).flat()) }),
    };
  };
  return { name: `${model.name} ${mode}${odd ? ' odd' : ''} ${style} ${target} ${home}`, model, hash };
}

/** All builds: every form of each real model, and four forms of each random network, in turn. */
export const builds: readonly GoldenBuild[] = [
  ...realModels.flatMap((model) =>
    [...variants, ...relaxed].map((v, i) =>
      buildOf(model, { ...v, mode: modes[i % 5] as Mode, odd: i % 4 === 3, kernels: 'used' }),
    ),
  ),
  ...randomModels.flatMap((model, i) =>
    [0, 5, 10, 15].map((step, k) => {
      const variant = variants[(3 * i + step) % variants.length] as Variant;
      return buildOf(model, { ...variant, mode: modes[(i + k) % 5] as Mode, odd: k % 2 === 1, kernels: 'every' });
    }),
  ),
];
