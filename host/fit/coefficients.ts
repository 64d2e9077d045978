/**
 * What was measured once, so that instructions are estimated without an emulator: coefficients.json, which
 * `npm run fit:calibrate` writes.
 *
 * Out: per core two coefficients of compiled code, and the costs of the handlers of WAMR's fast interpreter,
 * with the tools that they were measured with and how far they are off for models that they were not fitted
 * to.
 */
import { readFileSync } from 'node:fs';

/** Cores whose instructions were counted. */
export type CountedCore = 'rv32' | 'm4' | 'm0';

/**
 * QEMU's count of the worst hop, divided by the estimate: the lowest and the highest of modules that the
 * coefficients were not fitted to.
 */
export interface Spread {
  modules: number;
  low: number;
  high: number;
}

/** Compiled code (native-count.ts). */
export interface NativeCosts {
  /** Machine instructions for an executed WebAssembly instruction that is not on 64 bits. */
  narrow: number;
  /** For one on 64 bits. */
  wide: number;
  /** Modules that the two are fitted to. */
  fittedTo: number;
  spread: Spread;
}

export interface Checked {
  models: number;
  /** Of them, those within 2 % of QEMU's count. */
  within: number;
  /** The largest difference from QEMU's count, percent, and of which model. */
  worst: number;
  worstModel: string;
}

export interface Coefficients {
  tools: Record<string, string>;
  native: Record<CountedCore, NativeCosts>;
  /** Handlers of WAMR's fast interpreter, and `call of rn_push`. */
  wamrFast: Record<CountedCore, Record<string, number>>;
  /** Of WAMR's fast interpreter. */
  checked: Record<CountedCore, Checked>;
}

let read: Coefficients | undefined;

export function coefficients(): Coefficients {
  read ??= JSON.parse(readFileSync(new URL('./coefficients.json', import.meta.url), 'utf8')) as Coefficients;
  return read;
}
