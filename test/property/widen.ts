/**
 * Converts some tensors of a network to int16.
 *
 * In: an int8 Graph, a random function.  Out: the same network with a random subset of its tensors in int16,
 * rescales at the borders, and biases adapted to the new input scales; and frames for its inputs.
 */
import { frameOf, type Graph, type Ints, isInt16, type Node, type Port, type QuantParams } from '../../models/graph/types.ts';
import { withRescales } from '../../quant/rescale.ts';

/** Returns int16 parameters with the range of an int8 tensor. */
const wide = ({ scale, zeroPoint }: QuantParams): QuantParams => ({
  scale: Math.fround((scale * (128 + Math.abs(zeroPoint))) / 32767),
  zeroPoint: 0,
  type: 'int16',
});

/** @param narrow tensors that stay int8. */
export function widen(graph: Graph, rnd: () => number, share = rnd(), narrow: readonly number[] = []): Graph {
  const tensors = graph.tensors.map((t) =>
    !narrow.includes(t.id) && rnd() < share ? { ...t, quant: wide(t.quant as QuantParams) } : t,
  );
  const quant = (id: number) => tensors[id]?.quant as QuantParams;
  const nodes = graph.nodes.map((node): Node => {
    if (!('weights' in node.attrs) || !isInt16(quant(node.inputs[0] as number)) || !node.attrs.bias) return node;
    const [x] = node.inputs as [number];
    const finer = (graph.tensors[x]?.quant?.scale ?? 1) / quant(x).scale;
    const bias = Int32Array.from(node.attrs.bias, (b) => Math.round(b * finer));
    return { ...node, attrs: { ...node.attrs, bias } } as Node;
  });
  const border = (p: Port): Port => ({ ...p, ...(isInt16(quant(p.tensor)) && { hostType: rnd() < 0.5 ? 'float32' : 'int16' }) });
  const [inputs, outputs] = [graph.inputs.map(border), graph.outputs.map(border)];
  return withRescales({ ...graph, tensors, nodes, inputs, outputs }, (id) => graph.tensors[id]?.quant as QuantParams);
}

/** Returns random frames of the first input over the whole range of its type, with runs of extreme values. */
export function randomFrames(graph: Graph, frames: number, rnd: () => number): Ints {
  const input = graph.tensors[graph.inputs[0]?.tensor ?? -1];
  const bits = isInt16(input?.quant) ? 16 : 8;
  const n = frames * frameOf(input?.shape ?? { t: 0, f: 0, c: 0 });
  const half = 2 ** (bits - 1);
  let extreme: number | undefined;
  const value = () => {
    if (rnd() < 0.05) extreme = [undefined, undefined, half - 1, -half][Math.floor(rnd() * 4)];
    return extreme ?? Math.floor(rnd() * 2 * half) - half;
  };
  return bits === 16 ? Int16Array.from({ length: n }, value) : Int8Array.from({ length: n }, value);
}
