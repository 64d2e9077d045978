/**
 * Hints: what Runlet's own ONNX files say beside the operators (metadata `runlet.qdq`), so that they read
 * back as the graph that was written.
 *
 * In: the model's metadata.  Out: per input which axes its dimensions hold, per node the rounding rule that
 * ONNX has no word for. Other programs need none of it. The file is not trusted: hints that do not fit are
 * dropped.
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
  /** A scale rule of a layer with weights, `avgpool` of a global average. */
  rules: v.record(v.string(), v.picklist([...scaleRules, 'avgpool'])),
  /** Adds that only move a value before it is rounded. */
  rounding: v.optional(v.array(v.string())),
});
export type Hints = v.InferOutput<typeof schema>;

/** The file's hints; takes them out of the metadata. */
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

const steers = new Set(['Add', 'Div', 'Mul', 'Round']);

/**
 * The file's nodes without those that only steer rounding: their readers read the value before them, which
 * their first input is.
 */
export function withoutRounding(hints: Hints | undefined, nodes: readonly OnnxNode[]): OnnxNode[] {
  const names = new Set(hints?.rounding ?? []);
  const before = new Map<string, string>();
  for (const { op, name, inputs, outputs } of nodes)
    if (steers.has(op) && names.has(name) && outputs.length === 1) {
      const [first] = inputs as [string];
      before.set(outputs[0] as string, before.get(first) ?? first);
    }
  if (before.size === 0) return [...nodes];
  const rest = nodes.filter((n) => !before.has(n.outputs[0] ?? ''));
  return rest.map((n) => ({ ...n, inputs: n.inputs.map((name) => before.get(name) ?? name) }));
}

/** The layout of an input of `dims` that the hints name; undefined where they do not fit it. */
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

/** Puts the rounding rules on the nodes that they name. */
export function applyRules(hints: Hints | undefined, nodes: GraphBuilder['nodes']): void {
  if (!hints) return;
  for (const node of nodes) {
    const rule = Object.hasOwn(hints.rules, node.name) ? hints.rules[node.name] : undefined;
    if (rule === 'avgpool' && node.op === 'globalavg') node.attrs.rule = rule;
    if (rule && rule !== 'avgpool' && 'weights' in node.attrs && node.attrs.weights.scales)
      node.attrs.weights = { ...node.attrs.weights, scaleRule: rule };
  }
}
