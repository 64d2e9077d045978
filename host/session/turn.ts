/**
 * A stream's turn in an instance that siblings share: its state goes in when it begins, and out when
 * another's begins; its outputs stand there until then.
 *
 * In: an opened module, whose turn it is.  Out: outputs as stored and as real numbers. Cost: two copies of
 * the state where the turn changes, nothing else.
 */
import { RunletError } from '../../models/error.ts';
import type { OpenModule, Stored } from './open.ts';
import { dequantiseValue } from './quantise.ts';

/** One for all siblings. */
export interface Turns {
  now?: Turn;
}

export class Turn {
  /** The outputs hold values of this stream. */
  hasOutput = false;
  /** A sibling has run since this stream's latest output. */
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

  /** Brings this stream's state into the instance. */
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

  /** An output has fallen due. */
  answered(): void {
    this.hasOutput = true;
    this.overwritten = false;
  }

  /** A view of the module's memory. @throws RN711 */
  raw(which: number): Stored {
    if (this.overwritten)
      throw new RunletError('RN711', {
        what: 'the output was overwritten',
        where: 'output',
        why: 'another stream of the same instance was pushed since',
        tryThis: 'read an output before a sibling is pushed',
      });
    const raw = Number.isInteger(which) ? this.#module.outputs[which] : undefined;
    if (raw) return raw;
    throw new RunletError('RN711', {
      what: `there is no output ${String(which)}`,
      where: 'output',
      why: `the model has ${this.#module.outputs.length}, counted from 0`,
    });
  }

  /** The same array every time. @throws RN711 */
  real(which: number): Float32Array {
    const raw = this.raw(which);
    const out = this.#real[which] as Float32Array;
    const scale = this.#scales[which] as number;
    const zeroPoint = this.#module.manifest.outputs[which]?.zeroPoint ?? 0;
    for (let i = 0; i < out.length; i++) out[i] = dequantiseValue(raw[i] as number, scale, zeroPoint);
    return out;
  }
}
