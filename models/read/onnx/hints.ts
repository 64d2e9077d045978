/**
 * Hints: metadata (`runlet.qdq`) of Runlet's own ONNX files, so that they are read back as the same graph.
 *
 * In: the model's metadata.  Out: the axes of each input's dimensions, and the rounding rule of each node,
 * which ONNX cannot express. Other programs do not need the hints. The file is not trusted: hints that do not
 * fit are dropped.
 */
import * as v from 'valibot';
import type { GraphBuilder } from '../../graph/builder.ts';
import { type Axis, type Shape, scaleRules } from '../../graph/types.ts';
import { inputLayout, type Layout } from '../layout.ts';
import type { OnnxNode } from './proto.ts';
import { countOf } from './tensor.ts';

export const hintsKey = 'runlet.qdq';

const length = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 24));
const schema = v.object({
  version: v.literal(1),
  inputs: v.record(
    v.string(),
    v.object({
      order: v.pipe(v.array(v.picklist(['t', 'f', 'c'])), v.maxLength(3)),
      shape: v.object({ t: length, f: length, c: length }),
    }),
  ),
  /** Scale rule of a layer with weights, or `avgpool` for a global average. */
  rules: v.record(v.string(), v.picklist([...scaleRules, 'avgpool'])),
  /** Names of nodes that only change how a value is rounded. */
  rounding: v.optional(v.array(v.string())),
});
export type Hints = v.InferOutput<typeof schema>;

/** Returns the file's hints, and removes them from the metadata. */
export function takeHints(metadata: Record<string, string>): Hints | undefined {
  const text = metadata[hintsKey];
  delete metadata[hintsKey];
  if (text === undefined) return undefined;
  try {
    const checked = v.safeParse(schema, JSON.parse(text));
    return checked.success ? checked.output : undefined;
  } catch {
    return undefined;
  }
}

const roundingOperators = new Set(['Add', 'Div', 'Mul', 'Round']);

/**
 * Returns the file's nodes without those that only change rounding. Their readers then read the first input
 * of the removed node.
 */
export function withoutRounding(hints: Hints | undefined, nodes: readonly OnnxNode[]): OnnxNode[] {
  const names = new Set(hints?.rounding ?? []);
  const before = new Map<string, string>();
  for (const { op, name, inputs, outputs } of nodes)
    if (roundingOperators.has(op) && names.has(name) && outputs.length === 1) {
      const [first] = inputs as [string];
      before.set(outputs[0] as string, before.get(first) ?? first);
    }
  if (before.size === 0) return [...nodes];
  const rest = nodes.filter((n) => !before.has(n.outputs[0] ?? ''));
  return rest.map((n) => ({ ...n, inputs: n.inputs.map((name) => before.get(name) ?? name) }));
}

/** Returns the layout that the hints give for an input of `dims`; undefined if they do not fit it. */
export function hintedLayout(hints: Hints | undefined, name: string, dims: readonly number[]): Layout | undefined {
  const hint = hints && Object.hasOwn(hints.inputs, name) ? hints.inputs[name] : undefined;
  if (!hint) return undefined;
  const { order, shape }: { order: Axis[]; shape: Shape } = hint;
  const whole =
    new Set(order).size === order.length && (['t', 'f', 'c'] as const).every((a) => shape[a] === 1 || order.includes(a));
  if (!whole || countOf(dims) !== shape.t * shape.f * shape.c) return undefined;
  const factors = order.map((axis) => (shape[axis] === 1 ? [] : [{ axis, length: shape[axis] }]));
  try {
    return inputLayout(factors, [{ kind: 'reshape', from: dims }]);
  } catch {
    return undefined;
  }
}

/** Sets the rounding rules on the nodes that the hints name. */
export function applyRules(hints: Hints | undefined, nodes: GraphBuilder['nodes']): void {
  if (!hints) return;
  for (const node of nodes) {
    const rule = Object.hasOwn(hints.rules, node.name) ? hints.rules[node.name] : undefined;
    if (rule === 'avgpool' && node.op === 'globalavg') node.attrs.rule = rule;
    if (rule && rule !== 'avgpool' && 'weights' in node.attrs && node.attrs.weights.scales)
      node.attrs.weights = { ...node.attrs.weights, scaleRule: rule };
  }
}
