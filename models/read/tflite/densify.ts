/**
 * densified: removes DENSIFY of constants. The reader has expanded the constants already (sparse.ts).
 *
 * In: the checked file.
 * Out: the file without these operators, in all its subgraphs; their outputs are the constants.
 * Errors: RN103 if input and output differ.
 * Source: tensorflow/lite/kernels/densify.cc.
 */
import { inconsistent, type TfGraph, type TfModel, type TfOperator, type TfTensor } from './model.ts';

export function densified(model: TfModel): TfModel {
  const graphs = model.graphs.map(plain);
  return { ...model, ...(graphs[0] as TfGraph), graphs };
}

function plain(graph: TfGraph): TfGraph {
  const tensors = [...graph.tensors];
  const isDone = ({ op, name, inputs, outputs }: TfOperator): boolean => {
    const [from, to] = [tensors[inputs[0] ?? -1], tensors[outputs[0] ?? -1]];
    if (op !== 'DENSIFY' || !from?.constant || !to) return false;
    if (from.type !== to.type || from.shape.join() !== to.shape.join())
      throw inconsistent(`[${from.shape.join(', ')}] of ${from.type} becomes [${to.shape.join(', ')}] of ${to.type}`, name);
    const quant: Pick<TfTensor, 'quant'> = { quant: to.quant ?? from.quant };
    tensors[to.index] = { ...to, ...quant, constant: from.constant };
    return true;
  };
  const operators = graph.operators.filter((op) => !isDone(op));
  return operators.length < graph.operators.length ? { ...graph, tensors, operators } : graph;
}
