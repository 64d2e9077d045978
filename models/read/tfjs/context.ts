/**
 * Context: shared by the lowerings of layers. It has the lowering of ONNX operators, weights by name, and the
 * names under which readers of values are counted.
 *
 * Layers are channels-last: [n, t, c], [n, t, f, c] or [n, f, t, c]; a Value records where each axis lies.
 */
import type { GraphBuilder } from '../../graph/builder.ts';
import type { OpAttrs, OpName, Shape } from '../../graph/types.ts';
import { fileShapeOf, type Layout } from '../layout.ts';
import { apply, type Given } from '../onnx/apply.ts';
import { Attributes } from '../onnx/attributes.ts';
import { Budget, constantOf } from '../onnx/constants.ts';
import { Lowering, type NodeView } from '../onnx/context.ts';
import { madeNode } from '../onnx/proto.ts';
import type { Const } from '../onnx/tensor.ts';
import type { Activation, Value as AnyValue } from '../onnx/values.ts';
import { States } from '../states.ts';
import { refuse } from './fail.ts';
import type { Layer } from './model.ts';
import type { Tensor } from './weights.ts';

/** Opset of the ONNX operators that layers are built from. */
const opset = 18;

export type Value = Activation;

export class Context extends Lowering {
  readonly keras3: boolean;
  private readonly weightsByName: ReadonlyMap<string, () => Tensor>;
  /** For each weight's name, the layer that uses the weight. */
  private readonly owners = new Map<string, string>();
  /** Names under which the readers of a value are counted. */
  private readonly namesOfValues = new Map<AnyValue, string>();

  /** Values that the caller fixes, by name: masks of layers, which are 1 if every frame counts. */
  readonly fixed: Readonly<Record<string, number>>;

  /** @param keras3 true for a file of Keras 3 */
  constructor(
    builder: GraphBuilder,
    weights: ReadonlyMap<string, () => Tensor>,
    keras3 = false,
    fixed: Readonly<Record<string, number>> = {},
  ) {
    super(builder, opset, false, new Budget(0), new States());
    this.keras3 = keras3;
    this.fixed = fixed;
    this.weightsByName = weights;
  }

  shape(x: Value): Shape {
    return this.builder.shape(x.tensor);
  }

  /** Adds a node on values. @param layout layout of its output */
  put<K extends OpName>(op: K, inputs: Value[], attrs: OpAttrs[K], name: string, layout: (out: Shape) => Layout): Value {
    const tensor = this.add(
      op,
      inputs.map((x) => this.plain(x)),
      attrs,
      name,
    );
    return this.activationOf(tensor, layout(this.builder.shape(tensor)));
  }

  /** Gives a value the name under which its readers were counted. */
  name<V extends AnyValue>(value: V, name: string): V {
    this.namesOfValues.set(value, name);
    this.bind(name, value);
    return value;
  }

  /** Returns all outputs of an ONNX operator. */
  onnxAll(op: string, inputs: readonly AnyValue[], given: Given, name: string, outputs: number): AnyValue[] {
    const named = inputs.map((value) => ({ name: this.namesOfValues.get(value) ?? '', value }));
    return apply(this, op, named, given, name, outputs);
  }

  /** Returns the output of an ONNX operator. @param name name of the operator and of its value */
  onnx(op: string, inputs: readonly AnyValue[], given: Given, name: string): AnyValue {
    return this.onnxAll(op, inputs, given, name, 1)[0] ?? refuse('it gives nothing');
  }

  /** Returns a list of integers as a constant, as ONNX operators take axes and shapes. */
  integers = (values: readonly number[]): Const => constantOf(values, [values.length], 'int64');

  scalar = (value: number): Const => constantOf([value], [], 'int64');

  /** A left-out input. */
  none: Const = constantOf([], [0], 'float32');

  /** Returns an ONNX node that reads these values. */
  view = (name: string, inputs: readonly AnyValue[]): NodeView => ({
    name,
    op: '',
    inputs: [...inputs],
    inputNames: inputs.map((value) => this.namesOfValues.get(value) ?? ''),
    outputs: [name],
    attributes: new Attributes(madeNode(name, '', [], [])),
  });

  /** Returns the tensor of a value, and refuses pending zeros around it. */
  plain({ tensor, pads }: Value): number {
    return pads ? refuse('zeros were added before it, which only a convolution can take') : tensor;
  }

  /** Returns a layer's weight under the first of `names` that exists, and checks its dims. */
  weight(layer: Layer, names: string[], dims: readonly number[]): Float32Array {
    for (const name of layer.inner ? names.flatMap((n) => [n, `${layer.inner}/${n}`]) : names) {
      const found = this.find(layer, name);
      if (!found) continue;
      const { dims: stored, data } = found();
      if (stored.join() !== dims.join()) refuse(`its ${name} is [${stored.join(', ')}], [${dims.join(', ')}] is needed`);
      if (!data.every(Number.isFinite)) refuse(`its ${name} is not finite`);
      return data;
    }
    return refuse(`its ${names[0]} is not among the weights`);
  }

  /** Returns the parts of weight names after the layer's name. */
  below({ name }: Layer): string[] {
    return [...this.weightsByName.keys()].flatMap((key) => {
      const at = `/${key}`.lastIndexOf(`/${name}/`);
      return at < 0 ? [] : [key.slice(at + name.length + 1).replace(/:0$/, '')];
    });
  }

  /** Returns the dims of a weight. */
  dimsOf(layer: Layer, names: string[]): number[] {
    const found = names.map((name) => this.find(layer, name)).find((f) => f !== undefined);
    return found ? found().dims : refuse(`its ${names[0]} is not among the weights`);
  }

  /**
   * Finds a weight by its layer's name. Names of outer models may be missing in front of it; nested or
   * converted models have more names there. A weight belongs to one layer only.
   */
  private find(layer: Layer, weight: string): (() => Tensor) | undefined {
    const key = this.keyOf(layer.name, weight);
    if (key === undefined) return undefined;
    const owner = this.owners.get(key) ?? layer.name;
    if (owner !== layer.name) refuse(`its ${weight} is ambiguous: ${key} also belongs to layer ${owner}`);
    this.owners.set(key, layer.name);
    return this.weightsByName.get(key);
  }

  private keyOf(layer: string, weight: string): string | undefined {
    for (let path = layer; ; path = path.slice(path.indexOf('/') + 1)) {
      const name = `${path}/${weight}`;
      for (const exact of [name, `${name}:0`]) if (this.weightsByName.has(exact)) return exact;
      const longer = [...this.weightsByName.keys()].filter((k) => k.endsWith(`/${name}`) || k.endsWith(`/${name}:0`));
      // Keras files start with the name of the outermost layer
      const matches = longer.length > 1 ? longer.filter((k) => k.startsWith(`${layer.split('/')[0]}/`)) : longer;
      if (matches.length === 1) return matches[0];
      if (longer.length > 1 || !path.includes('/')) return undefined;
    }
  }

  dims = (x: Value): number[] => fileShapeOf(x.layout);
}
