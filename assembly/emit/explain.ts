/**
 * Reports which kernel each layer with weights got, how its outputs lie in tiles, and why.
 *
 * In: a QuantPlan, what was emitted for it, the target.  Out: one line per layer, for people.  It reads the
 * parameter blocks, so it reports what the module does.
 */
import { viewOf } from '../../models/graph/view.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { FetchedBlock, PlainBlock, SimdBlock, TileBlock } from './blocks.ts';
import type { Emitted } from './emit.ts';
import type { Call } from './ops/op.ts';
import type { Target } from './target.ts';
import { targetParts } from './targets/index.ts';
import { manySteps } from './targets/interp.ts';
import { leftOver } from './targets/tiles.ts';

export interface KernelChoice {
  layer: string;
  /** Function of assembly/kernels. */
  kernel: string;
  outputs: number;
  taps: number;
  /** Layout of outputs in tiles, and of tiles in fetches. */
  layout: string;
  why: string;
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Describes outputs in tiles of a width, outputs that pad the last tile, and outputs outside tiles. */
function tilesText(outputs: number, groups: number, taps: number, target: Target, width: number, channels: boolean): string {
  const perGroup = outputs / groups;
  const extra = channels ? 0 : leftOver({ outputs, groups, taps }, targetParts[target].layout);
  const tiles = Math.ceil((perGroup - extra) / width);
  const filling = tiles * width - (perGroup - extra);
  const each = groups > 1 ? `${groups} groups of ` : '';
  if (tiles === 0) return `${each}${counted(extra, 'output')} outside tiles`;
  const rest = extra > 0 ? `, ${counted(extra, 'output')} outside tiles` : filling > 0 ? `, ${filling} of the last padded` : '';
  return `${each}${counted(tiles, 'tile')} of ${width}${rest}`;
}

/** Returns why a kernel was chosen, from its name and its block. */
function reason({ fn }: Call, field: (offset: number) => number, wide: boolean, target: Target): string {
  if (fn.includes('_s16')) return 'int16 input or output: one kernel for all targets, weights in the order of the operator';
  if (fn.endsWith('_taps_s8')) return 'edge-exact keeps partial sums of open rows: weights in the order of the operator';
  if (fn === 'dense_fold_s8') return 'edge-exact keeps accumulators of waiting windows: weights in the order of the operator';
  if (fn === 'conv_rows_s8_simd')
    return `target ${target}: output positions are evenly spaced, so the input of up to ${counted(field(SimdBlock.at.chunk), 'row')} is ${target === 'simd' ? 'widened' : 'converted to taps'} once`;
  if (fn === 'conv_patch_s8_simd') return `target ${target}: the taps of an output position are not adjacent, so they are copied`;
  if (fn === 'conv_place_s8_simd') return 'target simd: one output position per call, sixteen outputs at a time';
  if (fn === 'depthwise_row_s8_simd')
    return 'target simd: one row per call, sixteen channels at a time; weights of two bytes save 4 of 20 vector instructions';
  if (fn === 'depthwise_s8_simd' && target === 'relaxed')
    return 'target relaxed: four taps per instruction; four rows of eight channels share interleaved inputs';
  if (fn === 'depthwise_s8_simd')
    return 'target simd: four rows of eight channels share interleaved inputs; weights of two bytes save 2 of 24 vector instructions';
  if (fn.endsWith('_simd')) return `target ${target}: eight outputs at a time`;
  const copied =
    field(TileBlock.at.runs) === 0
      ? 'not adjacent in the input'
      : field(TileBlock.at.pad_t) > 0 || field(TileBlock.at.pad_f) > 0
        ? 'padding'
        : '';
  const patch = copied && !fn.startsWith('dense') ? `; the taps of an output position are copied if needed: ${copied}` : '';
  if (fn === 'depthwise_s8_blocks') return `no SIMD: four channels at a time${patch}`;
  if (fn === 'depthwise_s8_interp')
    return `target interp: ${wide ? `eight channels at a time: ${manySteps} steps or more` : 'four channels at a time'}${patch}`;
  const pairs = wide ? `, two tiles share inputs: ${manySteps} steps or more` : '';
  if (fn.endsWith('_interp')) return `target interp: six weights per word, three products per multiplication${pairs}${patch}`;
  if (fn.endsWith('_native')) return `target native: four outputs share an input${patch}`;
  if (fn === 'depthwise_s8' && field(PlainBlock.at.per) > 1) return 'several filters per channel: plain kernel';
  return 'a multiplier of 1/2 or more, or sums of 2^30: rounding in fewer operations would not be exact, so the plain kernel';
}

/** Returns one line for each layer with weights, in the order of the plan. */
export function explainKernels({ plan }: QuantPlan, { packed, memory, data }: Emitted, target: Target): KernelChoice[] {
  const view = new DataView(data.buffer, data.byteOffset);
  const graph = viewOf(plan.graph);
  const found: KernelChoice[] = [];
  for (const { step, calls, left } of packed.steps) {
    const call = [...calls, ...left].find(({ fn }) => /^(conv|dense|depthwise)/.test(fn));
    if (!call || !('weights' in step.node.attrs)) continue;
    const field = (offset: number) => view.getInt32(memory.at(call.block) - memory.base + offset, true);
    const { name, attrs, output } = step.node;
    const outputs = field(PlainBlock.at.y_c);
    const taps = graph.macsPerRow(step.node) / graph.frame(output);
    const groups = 'groups' in attrs ? attrs.groups : 1;
    const channelwise = call.fn.startsWith('depthwise');
    const tiled = /_(interp|native|simd|blocks)$/.test(call.fn);
    const blocks = /^depthwise.*_(blocks|interp)$/.test(call.fn);
    const wide = packed.needs.has('WIDE');
    const width = blocks ? (wide ? 8 : 4) : targetParts[target].layout.outputs;
    const layout = tiled ? tilesText(outputs, groups, taps, target, width, channelwise) : "the operator's order";
    const fetched = () =>
      tiled
        ? `, ${counted(field(FetchedBlock.at.tile_outputs), 'output')} per fetch of ${field(FetchedBlock.at.tile_bytes)} bytes`
        : `, one fetch of ${field(PlainBlock.at.all_bytes)} bytes`;
    found.push({
      layer: step.section === 'edge' ? `${name}, edges` : name,
      kernel: call.fn,
      outputs,
      taps,
      layout: memory.home === 'tile' ? layout + fetched() : layout,
      why: reason(call, field, wide, target),
    });
  }
  return found;
}
