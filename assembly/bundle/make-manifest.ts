/**
 * Makes the manifest of a bundle from its plan and its memory map.
 *
 * In: a QuantPlan, a MemoryMap and build options.  Out: Manifest.  Nothing in it depends on the time or the
 * machine.
 */
import { writeGraph } from '../../models/graph/file.ts';
import { carriesState } from '../../models/graph/recurrent.ts';
import { references, roundingOf } from '../../models/graph/rounding.ts';
import { elementsOf, frameOf, type Node, type Port, type QuantParams } from '../../models/graph/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Style } from '../emit/emit.ts';
import type { MemoryMap } from '../emit/memory.ts';
import { memoryBytes } from './bytes.ts';
import { Digest, sha256 } from './digest.ts';
import { makeGolden } from './golden.ts';
import type { DetectorManifest, FeaturesManifest, Form, Manifest, PortManifest, TruthAt, WeightsManifest } from './manifest.ts';
import { checkProvenance, type ProvenanceManifest } from './provenance.ts';

export interface ManifestOptions {
  producer: string;
  /** The model's name. Default: the graph's name. */
  name?: string;
  version?: string;
  sequence?: number;
  target: string;
  style: Style;
  labels?: string[];
  columns?: string[];
  truthAt?: TruthAt;
  accuracy?: number;
  sampleRateHz?: number;
  frontEnd?: string;
  unit?: string;
  detector?: DetectorManifest;
  features?: FeaturesManifest;
  provenance?: ProvenanceManifest;
  form?: Form;
}

function portManifest(quant: QuantPlan, port: Port, perFrame: boolean): PortManifest {
  const tensor = quant.plan.graph.tensors[port.tensor];
  const shape = tensor?.shape ?? { t: 0, f: 0, c: 0 };
  const q: QuantParams = tensor?.quant ?? { scale: 1, zeroPoint: 0 };
  return {
    name: port.name,
    hostType: port.hostType,
    ...(port.hostType === 'float32' && q.type && { type: q.type }),
    elements: perFrame ? frameOf(shape) : elementsOf(shape),
    shape: [shape.t, shape.f, shape.c],
    order: port.order,
    fileShape: port.fileShape,
    scale: q.scale,
    zeroPoint: q.zeroPoint,
  };
}

/** Lists each node once, in the section of its first step. Its work is the sum over its steps. */
function layersOf({ plan }: QuantPlan): Manifest['layers'] {
  const layers = new Map<Node, Manifest['layers'][number]>();
  for (const { node, section, kind, macsPerHop, macsPerWindow } of plan.steps) {
    if (kind === 'copy') continue;
    const known = layers.get(node);
    const sum = { macsPerHop: macsPerHop + (known?.macsPerHop ?? 0), macsPerWindow: macsPerWindow + (known?.macsPerWindow ?? 0) };
    const where = known?.section ?? (section === 'head' ? 'head' : 'trunk');
    layers.set(node, { name: node.name, op: node.op, section: where, ...sum });
  }
  // misaligned: some hops have one micro-hop more than others, so the mean may not be an integer
  return [...layers.values()].map((layer) => ({ ...layer, macsPerHop: Math.round(layer.macsPerHop) }));
}

/** Lists the running sums in the state: totals of folds, and accumulators that start at minus a total. */
const runningSums = ({ state, stateItems }: MemoryMap): NonNullable<Manifest['runningSums']> =>
  stateItems.flatMap(({ address, bytes, runningSums }) =>
    runningSums ? [{ offset: address - state.address, words: bytes / 4 }] : [],
  );

/** Serialises an operator's attributes without their arrays. */
const scalars = (attrs: object): string =>
  JSON.stringify(attrs, (_, value) => (ArrayBuffer.isView(value) ? undefined : value === Infinity ? 'Infinity' : value));

/**
 * Returns the digest over layout, scales and all weights that feed the state. Bundles with the same digest
 * can exchange snapshots. Addresses are relative to the state, so all styles and targets of a network have
 * the same digest.
 */
async function stateDigest(quant: QuantPlan, map: MemoryMap): Promise<string> {
  const { plan } = quant;
  const digest = new Digest();
  const layout = map.stateItems.map(({ address, bytes, first }) => [address - map.state.address, bytes, first ?? null]);
  const times = [plan.mode, plan.window, plan.hop, plan.microHop, plan.delayFrames, plan.warmUpHops, plan.period];
  digest.update(JSON.stringify([...times, map.state.bytes, layout]));
  for (const step of plan.steps) {
    if (step.section === 'head') continue;
    const quantised = [...step.node.inputs, step.node.output].map((id) => plan.graph.tensors[id]?.quant);
    digest.update(JSON.stringify([step.node.op, quantised, scalars(step.node.attrs)]));
    if (!('weights' in step.node.attrs)) continue;
    const { weights, bias } = step.node.attrs;
    for (const part of [weights.data, weights.scales, bias]) {
      if (part) digest.update(part);
    }
  }
  return digest.hex();
}

/** Describes weights that are stored in a separate file. */
async function weightsManifest(
  { home }: MemoryMap,
  { weights, tileBytes }: { weights: Uint8Array; tileBytes: number },
): Promise<WeightsManifest> {
  const file = { bytes: weights.length, digest: await sha256(weights) };
  return home === 'tile' ? { home, ...file, tileBytes } : { home: 'linear', ...file };
}

/** @param apart the weights, if they are stored in a separate file. */
export async function makeManifest(
  quant: QuantPlan,
  map: MemoryMap,
  options: ManifestOptions,
  apart?: { weights: Uint8Array; tileBytes: number },
): Promise<Manifest> {
  const { plan } = quant;
  const { graph } = plan;
  const { version, sequence, labels, columns, truthAt, accuracy, sampleRateHz, frontEnd, unit, detector, features } = options;
  const provenance = options.provenance && checkProvenance(options.provenance);
  const sums = runningSums(map);
  const rounding = roundingOf(graph);
  const given = { version, sequence, labels, columns, truthAt, accuracy, sampleRateHz, frontEnd, unit, detector, features };
  const sumItems = sums.length > 0 ? sums : undefined;
  const optional = { ...given, runningSums: sumItems, carriesState: carriesState(graph) || undefined, provenance };
  return {
    manifest: 1,
    abi: 1,
    name: options.name ?? graph.name,
    producer: options.producer,
    target: options.target,
    ...(options.style === 'calls' ? {} : { style: options.style }),
    ...(options.form && { form: options.form }),
    ...(rounding && { reference: references[rounding] }),
    mode: plan.mode,
    inputs: graph.inputs.map((p, i) => ({
      ...portManifest(quant, p, true),
      ...(graph.inputs.length > 1 && { rate: plan.clock.rates[i] }),
    })),
    outputs: graph.outputs.map((p) => portManifest(quant, p, false)),
    window: plan.window,
    hop: plan.hop,
    microHop: plan.microHop,
    warmUpHops: plan.warmUpHops,
    delayFrames: plan.delayFrames,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    macsPerHop: Math.round(plan.macsPerHop),
    macsPerWindow: plan.macsPerWindow,
    layers: layersOf(quant),
    bytes: memoryBytes(map),
    ...(apart && { weights: await weightsManifest(map, apart) }),
    stateDigest: await stateDigest(quant, map),
    // a graph that was not read from a file gets the digest of its given bytes
    sourceDigest: graph.sourceDigest || (await sha256(writeGraph(graph))),
    golden: await makeGolden(quant),
  };
}
