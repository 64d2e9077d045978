/**
 * Finds generalised means: powers of a window's values, their mean, and the roots of the mean.
 *
 * In: the last node of one, and the graph around it.  Out: the input, the power of each channel, and the
 * nodes that the mean replaces. Powers that differ between channels are a concatenation of slices, each with
 * one power. A root is the inverse of its channel's power, up to the rounding of float32.
 */
import { append } from '../lists.ts';
import { exponentOf } from '../ops/unary.ts';
import { isNoClamp } from './clamp.ts';
import type { GemAttrs, Node } from './types.ts';

export interface Surroundings {
  producer(tensor: number): Node | undefined;
  readers(tensor: number): readonly Node[];
  isOutput(tensor: number): boolean;
  channels(tensor: number): number;
}

interface Powers {
  input: number;
  powers: number[]; // [c]
  nodes: Node[];
}

/** Returns the powers that the activation behind `tensor` computes, or that it passes on (power 1). */
function onePower(graph: Surroundings, tensor: number): Powers {
  const node = graph.producer(tensor);
  const isPower = node?.op === 'activation' && isNoClamp(node.attrs.clamp);
  const exponent = isPower ? exponentOf(node.attrs) : undefined;
  const [input = tensor] = exponent === undefined ? [] : (node?.inputs ?? []);
  return {
    input,
    powers: new Array(graph.channels(tensor)).fill(exponent ?? 1),
    nodes: node && exponent !== undefined ? [node] : [],
  };
}

/** Returns the powers of a concatenation of slices that together are one tensor. */
function powersOfParts(graph: Surroundings, concat: Node): Powers | undefined {
  if (concat.op !== 'concat' || concat.attrs.axis !== 'c') return undefined;
  const nodes: Node[] = [concat];
  const powers: number[] = [];
  let input: number | undefined;
  for (const id of concat.inputs) {
    const part = onePower(graph, id);
    const slice = graph.producer(part.input);
    if (slice?.op !== 'slice' || slice.attrs.axis !== 'c' || slice.attrs.from !== powers.length) return undefined;
    const [from] = slice.inputs as [number];
    if (input !== undefined && input !== from) return undefined;
    input = from;
    append(powers, part.powers);
    append(nodes, [...part.nodes, slice]);
  }
  return input !== undefined && graph.channels(input) === powers.length ? { input, powers, nodes } : undefined;
}

function powersOf(graph: Surroundings, tensor: number): Powers | undefined {
  const node = graph.producer(tensor);
  return node && (powersOfParts(graph, node) ?? (node.op === 'activation' ? onePower(graph, tensor) : undefined));
}

/** Whether values of a tensor are never negative. */
function isPositive(graph: Surroundings, tensor: number): boolean {
  const attrs = graph.producer(tensor)?.attrs;
  return attrs !== undefined && (('clamp' in attrs && attrs.clamp[0] >= 0) || ('fn' in attrs && attrs.fn === 'abs'));
}

export interface Mean {
  input: number;
  attrs: Pick<GemAttrs, 'overF' | 'powers'>;
  nodes: Node[];
}

/** Returns the mean that ends in `node`. It equals the nodes up to the rounding of float32. */
export function meanEndingIn(graph: Surroundings, node: Node): Mean | undefined {
  const roots = powersOf(graph, node.output);
  if (!roots || roots.powers.every((power) => power === 1)) return undefined;
  const mean = graph.producer(roots.input);
  if (mean?.op !== 'globalavg' || mean.attrs.overC || !isNoClamp(mean.attrs.clamp)) return undefined;
  const raised = powersOf(graph, mean.inputs[0] as number);
  if (!raised || raised.powers.some((p, c) => !(p > 0) || Math.abs(p * (roots.powers[c] as number) - 1) > 1e-6)) return undefined;
  if (!raised.powers.every((p) => p % 2 === 0) && !isPositive(graph, raised.input)) return undefined;
  const nodes = [...roots.nodes, mean, ...raised.nodes];
  const inner = nodes.filter((one) => one !== node);
  const isApart = ({ output }: Node) =>
    !graph.isOutput(output) && graph.readers(output).every((reader) => nodes.includes(reader));
  if (!inner.every(isApart)) return undefined;
  const one = raised.powers.every((p) => p === raised.powers[0]);
  const powers = Float32Array.from(one ? raised.powers.slice(0, 1) : raised.powers);
  return { input: raised.input, attrs: { overF: mean.attrs.overF, powers }, nodes: inner };
}
