/**
 * writeQdq: an int8 Graph as an ONNX file in the QDQ form, which onnxruntime, PyTorch users and compilers of
 * accelerators take.
 *
 * In: an int8 Graph (from a reader or from the quantiser).  Out: bytes.  Each pair in the file is one
 * requantisation of the integer reference; our reader gives the same int8 graph back. @throws RN401 float,
 * RN430 without ONNX form. Exactness: onnxruntime rounds once and halves to even, the reference twice and
 * halves away from zero: a step here and there (docs/qdq.md).
 */
import { RunletError } from '../models/error.ts';
import { type Graph, isQuantised } from '../models/graph/types.ts';
import { unwritable, type WriteOptions, writeOnnx } from '../models/write/onnx/index.ts';
import { legalise } from './legalise.ts';
import { nudgesOf } from './nudges.ts';

export interface QdqOptions extends Pick<WriteOptions, 'io'> {
  /**
   * `onnx` (default): plain pairs, which engines fuse into integer kernels of their own rounding.
   * `reference`: sums are formed in whole numbers, and float operators move each value by what the
   * reference's two roundings differ from one, so that outputs are its outputs (hard swish: almost always,
   * and where an engine's optimisations leave the operators as they are); it is for checking, and slower.
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
  // a pair that moves, joins or takes the largest rounds once whatever its scales are; an average would round
  // once instead of twice
  if (rounding === 'onnx')
    return writeOnnx(
      legalise(graph, (shares) => shares === 'averaged'),
      { io },
    );
  const legal = legalise(graph);
  return writeOnnx(legal, { io, nudges: nudgesOf(legal) });
}
