/**
 * asFloat: turns an int8 file with loops into a float network, because loops have no integer form here.
 *
 * In: the file.
 * Out: the file with float activations in all subgraphs, without QUANTIZE and DEQUANTIZE between them.
 * Constants stay as they are stored; their readers dequantise them.
 */
import { isInt8Model, type TfGraph, type TfModel, type TfTensor } from './model.ts';

export const readAsFloat = (model: TfModel): boolean => model.operators.some(({ op }) => op === 'WHILE') && isInt8Model(model);

export function asFloat(model: TfModel): TfModel {
  const graphs = model.graphs.map(floatGraph);
  return { ...model, ...graphs[0], graphs, fromInt8: true };
}

/** Returns the largest |value| that an int8 tensor can hold. */
function reachOf(quant: TfTensor['quant']): number {
  const [scale, zero] = [quant?.scales[0], quant?.zeroPoints[0] ?? 0];
  return scale === undefined ? Number.POSITIVE_INFINITY : scale * Math.max(zero + 128, 127 - zero);
}

function floatGraph({ tensors, operators, inputs, outputs }: TfGraph): TfGraph {
  const sources = new Map<number, number>();
  const reaches = tensors.map(({ quant }) => reachOf(quant));
  const real = (index: number): number => sources.get(index) ?? index;
  const kept = operators.flatMap((op) => {
    const rewired = { ...op, inputs: op.inputs.map(real) };
    const [from = -1] = rewired.inputs;
    const converts = (op.op === 'QUANTIZE' || op.op === 'DEQUANTIZE') && !tensors[from]?.constant;
    if (converts)
      for (const to of op.outputs) {
        sources.set(to, from);
        reaches[from] = Math.min(reaches[from] ?? Number.POSITIVE_INFINITY, reaches[to] ?? 0);
      }
    return converts ? [] : [rewired];
  });
  const named = new Map(outputs.map((index) => [real(index), tensors[index]?.name]));
  return {
    operators: kept,
    inputs,
    outputs: outputs.map(real),
    tensors: tensors.map((tensor) => {
      const isReal = tensor.quant && !tensor.constant;
      const name = named.get(tensor.index) ?? tensor.name;
      const reach = reaches[tensor.index] as number;
      return isReal ? { ...tensor, name, type: 'float32', quant: undefined, reach } : { ...tensor, name, reach };
    }),
  };
}
