/**
 * Context: what the lowerings of layers share: values with their layouts, typed config fields, weights, and the graph that is being built.
 *
 * Layers are channels-last: [n, t, c], [n, t, f, c] or [n, f, t, c]; a Value keeps where each axis lies.
 */
import type { GraphBuilder } from '../../graph/builder.ts';
import { type Clamp, elementsOf, kernelOfOne, noClamp, type OpAttrs, type OpName, type Shape } from '../../graph/types.ts';
import { fileShapeOf, type Layout } from '../layout.ts';
import type { AddNode } from '../recurrent.ts';
import { malformed, refuse, tooLarge } from './fail.ts';
import type { Json, Layer } from './topology.ts';
import type { Tensor } from './weights.ts';

export const maxElements = 1 << 24;
const maxOperators = 4000;

export interface Value {
  tensor: number;
  /** Dimensions in the model, batch first; zeros that were added are counted. */
  layout: Layout;
  /** Zeros around it that a ZeroPadding added, which wait for a convolution. */
  pads?: Record<'t' | 'f', readonly [number, number]>;
}

export class Context {
  readonly builder: GraphBuilder;
  readonly keras3: boolean;
  private readonly weightsByName: ReadonlyMap<string, () => Tensor>;
  /** Weights' names, with the layer that each is of. */
  private readonly owners = new Map<string, string>();

  /** @param keras3 the file is of Keras 3 */
  constructor(builder: GraphBuilder, weights: ReadonlyMap<string, () => Tensor>, keras3 = false) {
    this.builder = builder;
    this.keras3 = keras3;
    this.weightsByName = weights;
  }

  shape(x: Value): Shape {
    return this.builder.shape(x.tensor);
  }

  emit<K extends OpName>(op: K, inputs: Value[], attrs: OpAttrs[K], name: string, layout: (out: Shape) => Layout): Value {
    const tensor = this.add(
      op,
      inputs.map((x) => this.plain(x)),
      attrs,
      name,
    );
    return { tensor, layout: layout(this.builder.shape(tensor)) };
  }

  /** A node of tensors. */
  readonly add: AddNode = (op, inputs, attrs, name) => {
    const tensor = this.builder.node(op, inputs, attrs, name);
    if (this.builder.nodes.length > maxOperators) throw tooLarge(`more than ${maxOperators} operators`, name);
    if (elementsOf(this.builder.shape(tensor)) > maxElements) throw tooLarge('an activation of more than 2^24 elements', name);
    return tensor;
  };

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

  /** y = scale[c] * x + offset[c] as a depthwise convolution of kernel 1, which foldGraph folds away where it can. */
  scaleAndOffset(x: Value, scale: Float32Array, offset: Float32Array, name: string, clamp: Clamp = noClamp): Value {
    const attrs = { ...kernelOfOne, multiplier: 1, weights: { data: scale }, bias: offset, clamp };
    return this.emit('depthwise', [x], attrs, name, () => x.layout);
  }

  dims = (x: Value): number[] => fileShapeOf(x.layout);
}

/** Typed fields of a layer's config. */
export class Config {
  private readonly layer: Layer;
  private readonly fields: Json;

  constructor(layer: Layer) {
    this.layer = layer;
    this.fields = layer.config;
  }

  private wrong(key: string): never {
    throw malformed(`${key} is malformed`, `layer ${this.layer.name}`);
  }

  has = (key: string): boolean => this.fields[key] !== undefined && this.fields[key] !== null;

  number(key: string, fallback: number): number {
    const value = this.has(key) ? this.fields[key] : fallback;
    return typeof value === 'number' && Number.isFinite(value) ? value : this.wrong(key);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.has(key) ? this.fields[key] : fallback;
    return typeof value === 'boolean' ? value : this.wrong(key);
  }

  text(key: string, fallback: string): string {
    const value = this.has(key) ? this.fields[key] : fallback;
    return typeof value === 'string' ? value : this.wrong(key);
  }

  /** `count` whole numbers from 1 on, or one for all. */
  lengths(key: string, count: number, fallback: number | readonly number[]): number[] {
    const value = this.has(key) ? this.fields[key] : fallback;
    const list = Array.isArray(value) ? value : new Array(count).fill(value);
    const sound = list.length === count && list.every((n) => Number.isInteger(n) && n >= 1 && n < 2 ** 24);
    return sound ? list : this.wrong(key);
  }

  /** Whole numbers as they stand. */
  integers(key: string): number[] {
    const value = this.fields[key];
    if (!Array.isArray(value) || value.length > 8 || !value.every((n) => Number.isSafeInteger(n))) return this.wrong(key);
    return value;
  }

  /** [before, after] of each of `count` dimensions: one number, one a dimension, or two a dimension. */
  pairs(key: string, count: number): [number, number][] {
    const value = this.fields[key];
    const list =
      Array.isArray(value) && !(count === 1 && value.length === 2 && !Array.isArray(value[0]))
        ? value
        : new Array(count).fill(value);
    if (list.length !== count) return this.wrong(key);
    return list.map((each) => {
      const [before, after] = Array.isArray(each) ? each : [each, each];
      const sound = [before, after].every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 24);
      return sound ? [before, after] : this.wrong(key);
    });
  }

  channelsLast(): void {
    const format = this.text('data_format', 'channels_last');
    if (format !== 'channels_last' && format !== 'channelsLast') refuse(`data_format ${format}: only channels_last is read`);
  }

  /** The name of the activation; '' where there is none. */
  activation(): string {
    const value = this.fields.activation;
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    return refuse('an activation that is no plain name');
  }
}
