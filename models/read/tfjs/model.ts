/** A layers model as the reader sees it: layers, their calls, and the references between them. */

export type Json = Record<string, unknown>;

export const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

/** An output of a layer's call; most layers have one. */
export interface Ref {
  layer: string;
  call: number;
  output: number;
}

/** Place of a tensor among the arguments of a call. */
export class Place {
  /** Index into the tensors that the call reads. */
  readonly input: number;

  constructor(input: number) {
    this.input = input;
  }
}

/** Arguments of a call as the file has them, with a Place for each tensor. */
export interface Arguments {
  args: unknown[];
  kwargs: Json;
}

export interface Layer {
  name: string;
  className: string;
  config: Json;
  /** Name of the layer that this one wraps; its weights may be stored under that name. */
  inner?: string;
  /** Tensors that each call reads; an input layer has one call, which reads nothing. */
  calls: Ref[][];
  /** Arguments of each call, if the file holds more than the tensors. */
  arguments?: Arguments[];
}

export interface Topology {
  name: string;
  layers: Layer[];
  inputs: Ref[];
  outputs: Ref[];
}
