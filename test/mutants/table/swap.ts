/** Faults in pools in place of depthwise layers, and in their comparison by runlet bench. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

const rewriting = inFolder('quant', [
  {
    id: 'swap-stride',
    file: 'swap-depthwise.ts',
    find: 'const attrs: PoolAttrs = { kernelT, kernelF, strideT, strideF,',
    replace: 'const attrs: PoolAttrs = { kernelT, kernelF, strideT, strideF: strideT,',
    tests: 'quant/swap-depthwise',
    why: 'a pool moves by the stride of time along the rows',
  },
  {
    id: 'swap-clamp',
    file: 'swap-depthwise.ts',
    find: 'padT, padF, clamp };',
    replace: 'padT, padF, clamp: [clamp[0], Number.POSITIVE_INFINITY] };',
    tests: 'quant/swap-depthwise',
    why: 'a pool loses the upper bound of the activation',
  },
  {
    id: 'swap-dilation',
    file: 'swap-depthwise.ts',
    find: 'Math.max(kernelT > 1 ? dilationT : 1, kernelF > 1 ? dilationF : 1)',
    replace: '(kernelT > 1 ? dilationT : 1)',
    tests: 'quant/swap-depthwise',
    why: 'a layer with dilated rows is replaced',
  },
  {
    id: 'swap-scale',
    file: 'swap-depthwise.ts',
    find: '(made[0] !== node || passesScale(node, graph.tensors))',
    replace: 'made[0] !== node',
    tests: 'property/swap-depthwise',
    env: { RUNLET_SWAPS: '40' },
    why: 'a layer that moves values keeps the scale of the depthwise layer before it',
  },
  {
    id: 'swap-passes-any',
    file: 'swap-depthwise.ts',
    find: 'intOpOfNode(node).sharesScale?.(node.attrs) !== undefined &&\n',
    replace: '',
    tests: 'quant/swap-depthwise',
    why: 'a layer with the same scale on both sides by chance gets the scale of the pool before it',
  },
  {
    id: 'swap-types',
    file: 'swap-depthwise.ts',
    find: 'if (isInt16(x.quant) !== isInt16(y.quant)) return',
    replace: 'if (isInt16(x.quant) && !isInt16(y.quant)) return',
    tests: 'quant/swap-depthwise',
    why: 'a layer from int8 to int16 is replaced',
  },
  {
    id: 'swap-earlier-rows',
    file: 'swap-depthwise.ts',
    find: 'if (padT[0] > 0 && streams?.isStream(x.id))',
    replace: 'if (padT[0] > 1000 && streams?.isStream(x.id))',
    tests: 'quant/swap-depthwise',
    why: 'a pool ignores the earlier steps of a model with its own state',
  },
]);

const comparison = inFolder('host/cli', [
  {
    id: 'swap-order',
    file: '../bench/times.ts',
    find: 'rowOf(built[i] as Built, peak,',
    replace: 'rowOf(built[built.length - 1 - i] as Built, peak,',
    tests: 'host/bench-swap',
    why: 'the figures of two networks are exchanged',
  },
  {
    id: 'swap-shared-row',
    file: 'bench-swap.ts',
    find: 'const key = `${one.figure} ${one.before} ${one.now}`;',
    replace: 'const key = `${one.figure} ${one.before}`;',
    tests: 'host/bench-swap',
    why: 'targets share a row although their figures differ after the swap',
  },
  {
    id: 'swap-none',
    file: 'bench-swap.ts',
    find: 'if (layers.replaced.length === 0)',
    replace: 'if (layers.replaced.length + layers.kept.length === 0)',
    tests: 'host/bench-swap',
    why: 'a network in which no layer can be replaced is compared with itself',
  },
  {
    id: 'swap-options',
    file: 'bench-swap.ts',
    find: 'planStream(graph, quant.plan.options)',
    replace: 'planStream(graph, { hop: quant.plan.hop })',
    tests: 'host/bench-swap',
    why: 'the second network is planned without the options of the first',
  },
]);

export const swap = [...rewriting, ...comparison];
