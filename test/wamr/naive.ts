/**
 * The same network with naive kernels, as a baseline for the real ones.
 *
 * In: a QuantPlan.  Out: a module with the same ABI, state and bytes: target native with the files of naive/
 * in place of its kernels. Weights, biases, multipliers and shifts are put back into the operators' order,
 * which the naive kernels read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemble } from '../../assembly/assemble.ts';
import { TileBlock } from '../../assembly/emit/blocks.ts';
import { compile } from '../../assembly/emit/compile.ts';
import { type Emitted, emit } from '../../assembly/emit/emit.ts';
import { moduleSource } from '../../assembly/emit/source.ts';
import type { MacParams } from '../../quant/ops/op.ts';
import type { QuantPlan } from '../../quant/plan.ts';

const folder = join(import.meta.dirname, 'naive');

/**
 * Checks whether the naive kernels can run this network: no feature padding, one feature in depthwise layers.
 */
export const isNaive = ({ plan, params }: QuantPlan): boolean =>
  plan.graph.nodes.every((node) => {
    if (node.op !== 'conv' && node.op !== 'depthwise') return true;
    const { padF } = (params.get(node) as MacParams).geometry;
    const features = plan.graph.tensors[node.inputs[0] as number]?.shape.f;
    return padF[0] === 0 && padF[1] === 0 && (node.op === 'conv' || features === 1);
  });

/** Writes the tables of the operators in the order of the plan. */
function inOwnOrder(quant: QuantPlan, { data, memory, packed }: Emitted): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const put = (at: number, values: Int8Array | Int32Array) =>
    data.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at - memory.base);
  for (const { step, calls } of packed.steps)
    for (const { fn, block } of calls) {
      if (!/^(conv|dense)_s8_native$|^depthwise_s8_blocks$/.test(fn)) continue;
      const { weights, bias, multiplier, shift, yZero } = quant.params.get(step.node) as MacParams;
      const offset = (field: keyof TileBlock) => memory.at(block) - memory.base + TileBlock.at[field];
      const read = (field: keyof TileBlock) => view.getInt32(offset(field), true);
      put(read('weights'), weights);
      // biases follow the weights, in the place of the tiles, which had both
      const after = read('weights') + 4 * Math.ceil(weights.length / 4);
      put(after, bias);
      view.setInt32(offset('bias'), after, true);
      put(read('multiplier'), multiplier);
      put(read('shift'), Int8Array.from(shift));
      view.setInt32(offset('y_zero'), yZero, true);
    }
}

/** Builds a network for which isNaive is true. */
export async function buildNaive(quant: QuantPlan): Promise<Uint8Array> {
  const files = Object.fromEntries(readdirSync(folder).map((f) => [`kernels/${f}`, readFileSync(join(folder, f), 'utf8')]));
  const emitted = emit(quant, 'native');
  inOwnOrder(quant, emitted);
  const { needs } = emitted.packed;
  const compiled = await compile({ ...moduleSource(quant, emitted, 'naive'), ...files }, emitted.memory.end, 'native', needs);
  const named = { producer: 'naive', target: 'native', style: 'calls' } as const;
  return (await assemble(quant, emitted, compiled, named)).wasm;
}
