/** ListeningModel: a model that listens, with its front end, its detector and its gate. */
import type { LabelDetector } from './label-detector.ts';
import type { Session } from './session.ts';

/** Gate of a model: an element of another model's output, and a threshold in its real units. */
export interface ModelGate {
  /** Name of the model whose outputs decide. */
  by: string;
  output: number;
  element: number;
  threshold: number;
  /** True if a value equal to the threshold opens the gate too. */
  orEqual: boolean;
  /**
   * Milliseconds for which the gate stays open after the latest value that passed. Default: the duration of
   * the gated model's window and look-ahead, since its later windows do not contain that moment.
   */
  holdMs?: number;
}

export interface ListeningModel {
  name: string;
  session: Session;
  /** Session of the front end whose rows the model takes; undefined if the model takes sound. */
  frontEnd?: Session;
  /** Names of the values of the model's output, if they are known. */
  labels?: string[];
  /** Decides what is heard; without it only the event `output` is sent. */
  detector?: LabelDetector;
  /** The model runs only while this gate is open; undefined: always. */
  gate?: ModelGate;
}
