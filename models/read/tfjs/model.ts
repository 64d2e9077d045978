/**
 * A layers model as the reader sees it: layers, their calls, and who reads whom.
 */

export type Json = Record<string, unknown>;

/** An output of a layer's call; layers that are no model have one. */
export interface Ref {
  layer: string;
  call: number;
  output: number;
}

export interface Layer {
  name: string;
  className: string;
  config: Json;
  /** Name of the layer that this one wraps, below which its weights may stand. */
  inner?: string;
  /** What each call reads; an input layer has one call, which reads nothing. */
  calls: Ref[][];
}

export interface Topology {
  name: string;
  layers: Layer[];
  inputs: Ref[];
  outputs: Ref[];
}
