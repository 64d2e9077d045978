/**
 * Prints a graph as a table (`runlet inspect`).
 *
 * In: a Graph.  Out: cells, one row per node: short name, operator, output shape, kernel geometry,
 * activation, number of parameters, scale @ zero point (or int16), name in the file.
 */
import { shortNames } from './names.ts';
import { type Clamp, type Graph, isInt16, isQuantised, type Node } from './types.ts';

/** Returns the titles of the columns. An int8 graph has one more. */
export const graphHead = (graph: Graph): string[] => [
  'layer',
  'op',
  'output',
  'kernel',
  'activation',
  'params',
  ...(isInt8(graph) ? ['scale @ zero'] : []),
  'name in the file',
];

const isInt8 = (graph: Graph): boolean => graph.tensors.length > 0 && isQuantised(graph);

const shapeText = (graph: Graph, id: number): string => {
  const s = graph.tensors[id]?.shape;
  return s ? `[${s.t}][${s.f}][${s.c}]` : '?';
};

const scaleText = (graph: Graph, id: number): string => {
  const q = graph.tensors[id]?.quant;
  return q ? `${q.scale.toPrecision(4)} @ ${isInt16(q) ? 'int16' : q.zeroPoint}` : '';
};

/** Returns one row of cells per node. Shapes are [t][f][c]; parameters are weights and biases. */
export function graphCells(graph: Graph): (string | number)[][] {
  const names = shortNames(graph.nodes);
  return graph.nodes.map((node, i) => [
    names[i] as string,
    node.op,
    shapeText(graph, node.output),
    geometryOf(node),
    activationOf(node),
    paramsOf(node),
    ...(isInt8(graph) ? [scaleText(graph, node.output)] : []),
    node.name,
  ]);
}

/** Returns the lines before the table (totals, inputs) and after it (outputs, notes). */
export function graphLines(graph: Graph): { before: string[]; after: string[] } {
  const int8 = isInt8(graph);
  const total = graph.nodes.reduce((sum, node) => sum + paramsOf(node), 0);
  const port = (kind: string) => (p: Graph['inputs'][number]) =>
    `${kind} ${p.name}: ${shapeText(graph, p.tensor)} from ${p.hostType} [${p.fileShape.join(', ')}]${int8 ? `, ${scaleText(graph, p.tensor)}` : ''}`;
  return {
    before: [
      `${graph.name} (${graph.format}, ${int8 ? 'int8' : 'float'}): ${graph.nodes.length} operators, ${total} parameters`,
      ...graph.inputs.map(port('input')),
    ],
    after: [
      ...graph.outputs.map((p) => port('output')(p).replace(' from ', ' as ')),
      ...graph.notes.map((note) => `note: ${note}`),
    ],
  };
}

/** Returns the geometry as text, such as `k5x3 s2x1 d2 p4,0x1,1 g2`: time first, features if not trivial. */
function geometryOf(node: Node): string {
  const { attrs } = node;
  if ('overF' in attrs) return `over t${attrs.overF ? ', f' : ''}${'overC' in attrs && attrs.overC ? ', c' : ''}`;
  if ('axis' in attrs) return `along ${attrs.axis}`;
  if ('reverse' in attrs) return attrs.reverse ? 'backwards' : '';
  if (!('kernelT' in attrs)) return '';
  const by = (letter: string, t: number, f: number, always = false) =>
    f !== 1 ? `${letter}${t}x${f}` : t !== 1 || always ? `${letter}${t}` : '';
  const pads = (p: readonly [number, number]) => `${p[0]},${p[1]}`;
  const padded = [...attrs.padT, ...attrs.padF].some((p) => p !== 0);
  const padF = attrs.padF.some((p) => p !== 0) ? `x${pads(attrs.padF)}` : '';
  return [
    by('k', attrs.kernelT, attrs.kernelF, true),
    by('s', attrs.strideT, attrs.strideF),
    'dilationT' in attrs ? by('d', attrs.dilationT, attrs.dilationF) : '',
    padded ? `p${pads(attrs.padT)}${padF}` : '',
    'groups' in attrs && attrs.groups !== 1 ? `g${attrs.groups}` : '',
    'multiplier' in attrs && attrs.multiplier !== 1 ? `m${attrs.multiplier}` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function activationOf({ attrs }: Node): string {
  const fn = 'fn' in attrs && attrs.fn !== 'identity' ? attrs.fn : '';
  const alpha = 'alpha' in attrs && attrs.alpha !== undefined ? ` ${attrs.alpha.toPrecision(3)}` : '';
  const clamp = 'clamp' in attrs ? clampName(attrs.clamp) : '';
  return [fn + alpha, clamp].filter((part) => part !== '').join(', ');
}

function clampName([low, high]: Clamp): string {
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return '';
  if (low === 0 && high === Number.POSITIVE_INFINITY) return 'relu';
  if (low === 0 && high === 6) return 'relu6';
  return `clamp ${low}..${high}`;
}

function paramsOf({ attrs }: Node): number {
  if ('recurrent' in attrs) return attrs.recurrent.data.length + (attrs.recurrentBias?.length ?? 0);
  return 'weights' in attrs ? attrs.weights.data.length + (attrs.bias?.length ?? 0) : 0;
}
