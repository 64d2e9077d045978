/**
 * Turn: lets sibling streams share one module instance. When a turn begins, the previous stream's state is
 * copied out of the instance and this stream's state is copied in. Outputs are valid until the turn ends.
 *
 * In: an opened module.  Out: outputs as stored values and as real numbers.  Errors: RN711.
 * Cost: two copies of the state when the turn changes; none otherwise.
 */
import { RunletError } from '../../models/error.ts';
import type { OpenModule, Stored } from './open.ts';
import { dequantiseValue } from './quantise.ts';

/** Shared by all siblings. */
export interface Turns {
  /** The stream whose state is in the instance. */
  now?: Turn;
}

export class Turn {
  /** True if the module's outputs belong to this stream. */
  hasOutput = false;
  /** True if a sibling has run since this stream's latest output. */
  overwritten = false;
  readonly turns: Turns;
  #module: OpenModule;
  #parked?: Uint8Array;
  #real: Float32Array[];
  #scales: number[];

  constructor(module: OpenModule, turns: Turns) {
    const { outputs } = module.manifest;
    this.turns = turns;
    this.#module = module;
    this.#real = outputs.map((port) => new Float32Array(port.elements));
    this.#scales = outputs.map((port) => Math.fround(port.scale));
  }

  /** Copies this stream's state into the instance if a sibling's state is there. */
  begin(): void {
    const { now } = this.turns;
    if (now === this) return;
    if (now) now.#end();
    this.turns.now = this;
    if (this.#parked) this.#module.state.set(this.#parked);
  }

  #end(): void {
    this.#parked ??= new Uint8Array(this.#module.state.length);
    this.#parked.set(this.#module.state);
    this.hasOutput = false;
    this.overwritten = true;
  }

  /** Records that an output is due. */
  answered(): void {
    this.hasOutput = true;
    this.overwritten = false;
  }

  /** Returns a view of an output's stored values in the module's memory. @throws RN711 */
  raw(which: number): Stored {
    if (this.overwritten)
      throw new RunletError('RN711', {
        what: 'the output was overwritten',
        where: 'output',
        why: 'frames were pushed to another stream of the same instance',
        tryThis: 'read an output before you push to a sibling',
      });
    const raw = Number.isInteger(which) ? this.#module.outputs[which] : undefined;
    if (raw) return raw;
    throw new RunletError('RN711', {
      what: `there is no output ${String(which)}`,
      where: 'output',
      why: `the model has ${this.#module.outputs.length}, counted from 0`,
    });
  }

  /** Returns an output's real values, in the same array every time. @throws RN711 */
  real(which: number): Float32Array {
    const raw = this.raw(which);
    const out = this.#real[which] as Float32Array;
    const scale = this.#scales[which] as number;
    const zeroPoint = this.#module.manifest.outputs[which]?.zeroPoint ?? 0;
    for (let i = 0; i < out.length; i++) out[i] = dequantiseValue(raw[i] as number, scale, zeroPoint);
    return out;
  }
}
