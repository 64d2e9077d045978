/**
 * Context: what the lowerings of layers share: the lowering of ONNX's operators, weights by name, and the
 * names by which readers of values are counted.
 *
 * Layers are channels-last: [n, t, c], [n, t, f, c] or [n, f, t, c]; a Value keeps where each axis lies.
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

/** The opset whose operators layers are put together of. */
const opset = 18;

export type Value = Activation;

export class Context extends Lowering {
  readonly keras3: boolean;
  private readonly weightsByName: ReadonlyMap<string, () => Tensor>;
  /** Weights' names, with the layer that each is of. */
  private readonly owners = new Map<string, string>();
  /** Names that readers of a value are counted by. */
  private readonly namesOfValues = new Map<AnyValue, string>();

  /** What the caller fixes, by name: masks of layers, which are 1 where every frame counts. */
  readonly fixed: Readonly<Record<string, number>>;

  /** @param keras3 the file is of Keras 3 */
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

  /** A node of values. @param layout of its output */
  put<K extends OpName>(op: K, inputs: Value[], attrs: OpAttrs[K], name: string, layout: (out: Shape) => Layout): Value {
    const tensor = this.add(
      op,
      inputs.map((x) => this.plain(x)),
      attrs,
      name,
    );
    return this.activationOf(tensor, layout(this.builder.shape(tensor)));
  }

  /** Names a value, whose readers were counted by that name. */
  name<V extends AnyValue>(value: V, name: string): V {
    this.namesOfValues.set(value, name);
    this.bind(name, value);
    return value;
  }

  /** All outputs of an operator of ONNX. */
  onnxAll(op: string, inputs: readonly AnyValue[], given: Given, name: string, outputs: number): AnyValue[] {
    const named = inputs.map((value) => ({ name: this.namesOfValues.get(value) ?? '', value }));
    return apply(this, op, named, given, name, outputs);
  }

  /** An operator of ONNX. @param name of it and of its value */
  onnx(op: string, inputs: readonly AnyValue[], given: Given, name: string): AnyValue {
    return this.onnxAll(op, inputs, given, name, 1)[0] ?? refuse('it gives nothing');
  }

  /** A list of integers, as ONNX's operators take axes and shapes. */
  integers = (values: readonly number[]): Const => constantOf(values, [values.length], 'int64');

  scalar = (value: number): Const => constantOf([value], [], 'int64');

  /** An input that is left out. */
  none: Const = constantOf([], [0], 'float32');

  /** A node of ONNX that reads these values. */
  view = (name: string, inputs: readonly AnyValue[]): NodeView => ({
    name,
    op: '',
    inputs: [...inputs],
    inputNames: inputs.map((value) => this.namesOfValues.get(value) ?? ''),
    outputs: [name],
    attributes: new Attributes(madeNode(name, '', [], [])),
  });

  /** The tensor of a value without zeros around it. */
  plain({ tensor, pads }: Value): number {
    return pads ? refuse('zeros were added before it, which only a convolution can take') : tensor;
  }

  /** A layer's weight, of the first of `names` that is there, checked against its dims. */
  weight(layer: Layer, names: string[], dims: readonly number[]): Float32Array {
    for (const name of layer.inner ? names.flatMap((n) => [n, `${layer.inner}/${n}`]) : names) {
      const found = this.find(layer, name);
      if (!found) continue;
      const { dims: own, data } = found();
      if (own.join() !== dims.join()) refuse(`its ${name} is [${own.join(', ')}], [${dims.join(', ')}] is needed`);
      if (!data.every(Number.isFinite)) refuse(`its ${name} is not finite`);
      return data;
    }
    return refuse(`its ${names[0]} is not among the weights`);
  }

  /** What stands behind a layer's name in the names of weights. */
  below({ name }: Layer): string[] {
    return [...this.weightsByName.keys()].flatMap((key) => {
      const at = `/${key}`.lastIndexOf(`/${name}/`);
      return at < 0 ? [] : [key.slice(at + name.length + 1).replace(/:0$/, '')];
    });
  }

  /** Dims of a weight, where it is there. */
  dimsOf(layer: Layer, names: string[]): number[] {
    const found = names.map((name) => this.find(layer, name)).find((f) => f !== undefined);
    return found ? found().dims : refuse(`its ${names[0]} is not among the weights`);
  }

  /**
   * By its layer's name, whose outer models may be left out; models that were nested or converted have more
   * before it. A name is one layer's.
   */
  private find(layer: Layer, weight: string): (() => Tensor) | undefined {
    const key = this.keyOf(layer.name, weight);
    if (key === undefined) return undefined;
    const owner = this.owners.get(key) ?? layer.name;
    if (owner !== layer.name) refuse(`its ${weight} cannot be told: ${key} is that of layer ${owner} too`);
    this.owners.set(key, layer.name);
    return this.weightsByName.get(key);
  }

  private keyOf(layer: string, weight: string): string | undefined {
    for (let path = layer; ; path = path.slice(path.indexOf('/') + 1)) {
      const name = `${path}/${weight}`;
      for (const exact of [name, `${name}:0`]) if (this.weightsByName.has(exact)) return exact;
      const longer = [...this.weightsByName.keys()].filter((k) => k.endsWith(`/${name}`) || k.endsWith(`/${name}:0`));
      // files of Keras have the outermost layer first
      const own = longer.length > 1 ? longer.filter((k) => k.startsWith(`${layer.split('/')[0]}/`)) : longer;
      if (own.length === 1) return own[0];
      if (longer.length > 1 || !path.includes('/')) return undefined;
    }
  }

  dims = (x: Value): number[] => fileShapeOf(x.layout);
}
