/**
 * lowerNodes: lowers the nodes of an ONNX graph one after the other into the new graph.
 *
 * In: sorted nodes, values by name.  Out: the values of their outputs. Nodes that cannot be lowered are
 * collected, so that one error lists all unsupported operators (RN150, RN158).
 */
import { RunletError } from '../../error.ts';
import type { Norm } from '../norm/find.ts';
import { listed } from '../problems.ts';
import { feedback, feedsBack, streamingReason } from '../refused.ts';
import { Attributes } from './attributes.ts';
import { branchOf, isIf } from './branches.ts';
import type { Lowering } from './context.ts';
import { foldNode } from './fold.ts';
import { isLoop, lowerLoop } from './loops.ts';
import { lowerCell } from './lower/cell.ts';
import { lowerings } from './lower/index.ts';
import { lowerNorm } from './lower/norm.ts';
import { inSomeForm } from './lower/regroup.ts';
import { normsOf } from './norms.ts';
import type { OnnxGraph, OnnxNode } from './proto.ts';
import { badGraph, MixedFloat, refuse, Unsupported } from './refuse.ts';
import { readsOf } from './sort.ts';
import { movedElements } from './states.ts';
import { dimsOf, type Value } from './values.ts';

/** An operator, an input or an output that is refused, and the reason. */
export interface Problem {
  op: string;
  name: string;
  reason: string;
  mixed: boolean;
}

const shapeArithmetic = new Set(
  'Shape Size Gather Expand ConstantOfShape ReduceProd Equal Not And Or Less Greater Range'.split(' '),
);

type Values = Map<string, Value>;

/** Lowers sorted nodes of a graph, and the branches that its Ifs take. */
export function lowerNodes(
  ctx: Lowering,
  sorted: OnnxNode[],
  graph: Pick<OnnxGraph, 'initializers' | 'outputs'>,
  values: Values,
  problems: Problem[],
): void {
  const { nodes, norms } = normsOf(sorted, graph);
  for (const node of nodes) ctx.count(readsOf(node), node.op);
  ctx.count(
    graph.outputs.map(({ name }) => name),
    '',
  );
  for (const node of nodes) lowerNode(ctx, node, values, problems, norms.get(node));
}

/** Lowers the branch that an If takes. */
function lowerIf(ctx: Lowering, node: OnnxNode, values: Values, problems: Problem[]): Value[] {
  const condition = values.get(node.inputs[0] ?? '');
  if (condition?.kind === 'poisoned') return [];
  if (condition?.kind !== 'const') return refuse('its condition depends on the signal');
  const { graph, nodes } = branchOf(node, condition);
  if (graph.external.length > 0) refuse('a branch whose weights are in another file');
  const twice = [...graph.initializers, ...nodes.flatMap((n) => n.outputs.map((name) => ({ name })))].find(({ name }) =>
    values.has(name),
  );
  if (twice) throw badGraph(`value ${twice.name} is defined twice`, node.name);
  for (const { name, value } of graph.initializers) values.set(name, value);
  const outputs = node.outputs.map((name) => ({ name, elementType: 0, dims: undefined }));
  lowerNodes(ctx, nodes, { initializers: graph.initializers, outputs }, values, problems);
  return node.outputs.map((name) => values.get(name) ?? { kind: 'poisoned' });
}

/** Lowers one node. If it is refused, the reason is collected and its outputs are poisoned. */
function lowerNode(ctx: Lowering, node: OnnxNode, values: Values, problems: Problem[], norm: Norm | undefined): void {
  let results: Value[] = [];
  try {
    results = isIf(node)
      ? lowerIf(ctx, node, values, problems)
      : isLoop(node)
        ? lowerLoop(ctx, node, values, (nodes, outputs) => {
            lowerNodes(ctx, nodes, { initializers: [], outputs }, values, problems);
            return outputs.map(({ name }) => values.get(name) ?? { kind: 'poisoned' });
          })
        : resultsOf(ctx, node, values, norm);
    if (node.from === 'DynamicQuantizeLSTM' && node.op === 'LSTM') ctx.hybrid.push(node.name);
  } catch (error) {
    if (!(error instanceof Unsupported) && !(error instanceof RunletError && error.code !== 'RN159')) throw error;
    const reason = error instanceof RunletError ? [error.parts.what, error.parts.why].filter(Boolean).join(': ') : error.message;
    problems.push({ op: node.from ?? node.op, name: node.name, reason, mixed: error instanceof MixedFloat });
  }
  for (const [i, name] of node.outputs.entries()) {
    if (name === '') continue;
    const value = results[i] ?? { kind: 'poisoned' };
    values.set(name, value);
    ctx.bind(name, value);
  }
}

/**
 * Returns the streaming rule that an operator without a lowering breaks, with numbers; undefined if the
 * operator is only unknown.
 */
function whyNot(node: OnnxNode, inputs: readonly (Value | undefined)[]): string | undefined {
  const activations = inputs.filter((v) => v?.kind === 'activation');
  const [first, second] = activations;
  const attributes = new Attributes(node);
  const axis = attributes.has('axis') ? attributes.int('axis', -1) : undefined;
  const axes = attributes.ints('axes');
  const over = axes ?? (axis === undefined ? undefined : node.op === 'LpNormalization' ? [axis] : { from: axis });
  const direction = node.op === 'LSTM' || node.op === 'GRU' || node.op === 'RNN' ? attributes.string('direction', 'forward') : '';
  const seen = { ...(first && { layout: first.layout, dims: dimsOf(first) }), ...(over && { over }), direction };
  const frames = first && second && feedsBack(first.layout, second.layout);
  return streamingReason(node.op, seen) ?? (frames ? feedback(frames) : undefined);
}

/** Returns the values of a node's outputs; none if one of its inputs is poisoned. Throws Unsupported. */
export function resultsOf(ctx: Lowering, node: OnnxNode, values: ReadonlyMap<string, Value>, norm?: Norm): Value[] {
  const inputs = node.inputs.map((input) => (input === '' ? undefined : values.get(input)));
  if (node.refused !== undefined) refuse(node.refused);
  if (node.domain !== '') refuse(whyNot(node, inputs) ?? `operators of domain ${node.domain} are not supported`);
  const known = inputs.map((v) => (v?.kind === 'const' ? v : undefined));
  const [first] = inputs;
  const dims = first && first.kind !== 'poisoned' ? dimsOf(first) : undefined;
  const folded = foldNode(node, { inputs: known, ...(dims ? { dims } : {}) }, ctx.work);
  if (folded) return folded.map((value) => ctx.budget.take(value, known, node.name));
  const lower = node.body ?? lowerings.get(node.op);
  const poisoned = inputs.some((v) => v?.kind === 'poisoned');
  // arithmetic on shapes is folded, but after an unsupported operator the shape is not known
  if (!lower && !(poisoned && shapeArithmetic.has(node.op))) refuse(whyNot(node, inputs) ?? 'the operator is not supported');
  if (!lower || poisoned) return [];
  const moved = movedElements(node, inputs);
  for (const { ids } of moved ?? []) ctx.budget.spend(ids.data.length, node.name);
  if (moved && inputs.some((v) => v?.kind === 'elements')) return moved;
  const results = lowered(ctx, node, inputs, norm, moved !== undefined);
  if (!moved) return results;
  return moved.map((next, i): Value => {
    const value = results[i];
    return value?.kind === 'activation' ? { ...value, next: next.ids } : next;
  });
}

/** Lowers a node. @param mayFail true: if it is refused, its outputs are only next values of states. */
function lowered(
  ctx: Lowering,
  node: OnnxNode,
  inputs: (Value | undefined)[],
  norm: Norm | undefined,
  mayFail: boolean,
): Value[] {
  try {
    return inSomeForm(ctx, node.name, inputs, (own) => loweredAs(ctx, node, own, norm));
  } catch (error) {
    if (mayFail && error instanceof Unsupported) return [];
    throw error;
  }
}

function loweredAs(ctx: Lowering, node: OnnxNode, inputs: (Value | undefined)[], norm: Norm | undefined): Value[] {
  const attributes = new Attributes(node);
  const { name, op, inputs: inputNames, outputs } = node;
  const view = { name, op, inputs, inputNames, outputs, attributes };
  const { body } = node;
  const lower = norm ? () => lowerNorm(ctx, view, norm) : body ? () => lowerCell(ctx, view, body) : lowerings.get(op);
  const results = lower?.(ctx, view) ?? [];
  attributes.finish();
  return results;
}

/** Largest number of nodes that a message names per operator and reason. A choice: one line of a terminal. */
const maxNames = 8;

/** Returns one text for each operator and reason. */
function grouped(problems: readonly Problem[]): string[] {
  const groups = new Map<string, { op: string; reason: string; names: string[] }>();
  for (const { op, name, reason } of problems) {
    const group = groups.get(`${op}\0${reason}`) ?? { op, reason, names: [] };
    groups.set(`${op}\0${reason}`, group);
    group.names.push(name);
  }
  return [...groups.values()].map(({ op, reason, names }) => {
    const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : '';
    return `${op} ${names.slice(0, maxNames).join(', ')}${more}: ${reason}`;
  });
}

export function unsupported(problems: Problem[]): RunletError {
  const why = listed(grouped(problems));
  if (problems.every((p) => p.mixed)) {
    return new RunletError('RN158', {
      what: `${problems.length} operator${problems.length > 1 ? 's compute' : ' computes'} in float in a quantised graph`,
      why,
      tryThis: 'quantize_static over all operators (op_types_to_quantize unset), or give Runlet the float model',
    });
  }
  return new RunletError('RN150', {
    what: `${problems.length} operator${problems.length > 1 ? 's are' : ' is'} not supported`,
    why,
    tryThis: 'change these layers, or export without them and run them on the host',
  });
}
