/**
 * The constants of `rn_info`, numbered in docs/abi.md and never renumbered.
 *
 * In: a QuantPlan and its memory map.  Out: [what, value, comment] in ascending order.
 */
import { elementsOf, frameOf, isInt16 } from '../../models/graph/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { soundTimes } from '../frontend/manifest.ts';
import { homes } from './home.ts';
import type { MemoryMap } from './memory.ts';

/** The constants of input 0, if it is int16 sound. */
export const soundInfo: [what: number, value: number, comment: string][] = [
  [16, 2, 'type'],
  [17, 1, 'elements'],
  [18, 0, 'zero point'],
  [19, 0x38000000, 'scale 2^-15, bits of a float32'],
];

export const floatBits = (x: number) => new Int32Array(new Float32Array([x]).buffer)[0] ?? 0;

/** Packs the constants for rn_info of a module of style `calls`: i32 [n][what, value]. */
export const packInfo = (quant: QuantPlan, map: MemoryMap): Uint8Array =>
  new Uint8Array(Int32Array.from(infoCases(quant, map).flatMap((line) => line.slice(0, 2) as [number, number])).buffer);

export function infoCases(quant: QuantPlan, map: MemoryMap): [what: number, value: number, comment: string][] {
  const { plan } = quant;
  const { graph } = plan;
  const { sound } = map;
  const times = sound ? soundTimes(sound.frontEnd, plan) : plan;
  const port = (base: number, tensor: number, elements: number, hostType: string): [number, number, string][] => {
    const q = graph.tensors[tensor]?.quant ?? { scale: 1, zeroPoint: 0 };
    return [
      [base, hostType === 'uint8' ? 3 : isInt16(q) ? 2 : 1, 'type'],
      [base + 1, elements, 'elements'],
      [base + 2, q.zeroPoint, 'zero point'],
      [base + 3, floatBits(q.scale), 'scale, bits of a float32'],
    ];
  };
  const rate = (base: number, frames?: number): [number, number, string][] =>
    frames === undefined ? [] : [[base, frames, 'rate, frames a tick']];
  const shape = (tensor: number) => graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 };
  return [
    [0, times.hop, 'hop'],
    [1, times.window, 'window'],
    [2, times.microHop, 'micro-hop'],
    [3, plan.warmUpHops, 'warm-up, outputs'],
    [4, times.delayFrames, 'delay, frames'],
    [5, map.state.bytes, 'state, bytes'],
    [6, map.weights.address, 'weights, address'],
    [7, map.weights.bytes, 'weights, bytes'],
    [8, map.end, 'highest byte used + 1'],
    [9, graph.inputs.length, 'inputs'],
    [10, graph.outputs.length, 'outputs'],
    // modules with home embed do not have this constant
    ...(map.home === 'embed' ? [] : [[11, homes.indexOf(map.home), 'home of the weights'] as [number, number, string]]),
    ...(sound ? soundInfo : []),
    ...(sound ? [] : graph.inputs).flatMap((p, i) => [
      ...port(16 + 8 * i, p.tensor, frameOf(shape(p.tensor)), p.hostType),
      // modules with one input do not have this constant: their ticks are frames
      ...rate(20 + 8 * i, graph.inputs.length > 1 ? plan.clock.rates[i] : undefined),
    ]),
    ...graph.outputs.flatMap((p, i) => port(64 + 8 * i, p.tensor, elementsOf(shape(p.tensor)), p.hostType)),
  ];
}
