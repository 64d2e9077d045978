/**
 * A layers model as the reader sees it: layers, their calls, and who reads whom.
 */

export type Json = Record<string, unknown>;

export const isObject = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

/** An output of a layer's call; most layers have one. */
export interface Ref {
  layer: string;
  call: number;
  output: number;
}

/** The place of a tensor among the arguments of a call. */
export class Place {
  /** Index into what the call reads. */
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
  /** Name of the layer that this one wraps, below which its weights may stand. */
  inner?: string;
  /** What each call reads; an input layer has one call, which reads nothing. */
  calls: Ref[][];
  /** The arguments of each call, where the file says more than the tensors. */
  arguments?: Arguments[];
}

export interface Topology {
  name: string;
  layers: Layer[];
  inputs: Ref[];
  outputs: Ref[];
}
