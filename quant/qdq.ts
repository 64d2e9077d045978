/**
 * writeQdq: writes an int8 Graph as an ONNX file in QDQ form, which onnxruntime and the compilers of
 * accelerators read.
 *
 * In: an int8 Graph (from a reader or from the quantiser).  Out: bytes.  Each QDQ pair in the file is one
 * requantisation of the integer reference; our reader returns the same int8 graph. @throws RN401 if the graph
 * is float, RN430 if a node has no ONNX form. Exactness: onnxruntime rounds once, halves to even; the
 * reference rounds twice, halves away from zero. A few values differ by one step (docs/qdq.md).
 */
import { RunletError } from '../models/error.ts';
import { type Graph, isQuantised } from '../models/graph/types.ts';
import { unwritable, type WriteOptions, writeOnnx } from '../models/write/onnx/index.ts';
import { legalise } from './legalise.ts';
import { nudgesOf } from './nudges.ts';

export interface QdqOptions extends Pick<WriteOptions, 'io'> {
  /**
   * `onnx` (default): plain pairs, which engines fuse into integer kernels with their own rounding.
   * `reference`: for checks, and slower. The file computes sums in integers and adds float operators that
   * correct for the reference's two roundings (quant/nudges.ts). Outputs then equal the reference's, if the
   * engine's optimisations leave these operators as they are; with hard swish almost always.
   */
  rounding?: 'onnx' | 'reference';
}

export function writeQdq(graph: Graph, { io = 'float', rounding = 'onnx' }: QdqOptions = {}): Uint8Array {
  if (!isQuantised(graph))
    throw new RunletError('RN401', {
      what: `the model ${graph.name} is float`,
      why: 'QDQ ONNX holds the scales of an int8 graph',
      tryThis: 'quantise the model with calibration data first',
    });
  const refused = graph.nodes.flatMap((node) => {
    const wide = [...node.inputs, node.output].some((id) => graph.tensors[id]?.quant?.type === 'int16');
    const why = unwritable(node) ?? (wide ? 'int16 activations are kept in .rnq only' : undefined);
    return why ? [`${node.op} ${node.name}: ${why}`] : [];
  });
  if (refused.length > 0)
    throw new RunletError('RN430', {
      what: `${refused.length} node${refused.length > 1 ? 's have' : ' has'} no form in ONNX`,
      where: graph.name,
      why: refused.join('; '),
      tryThis: 'write the model as .rnq, which holds every graph',
    });
  // operators that move or join values or take their maximum round once with any scales; an average would
  // round once instead of twice
  if (rounding === 'onnx')
    return writeOnnx(
      legalise(graph, (shares) => shares === 'averaged'),
      { io },
    );
  const legal = legalise(graph);
  return writeOnnx(legal, { io, nudges: nudgesOf(legal) });
}
