/**
 * Measured coefficients that estimate instructions without an emulator: coefficients.json, which
 * `npm run fit:calibrate` writes.
 *
 * Out: per core two coefficients of compiled code, the costs of the handlers of WAMR's fast interpreter, and
 * their errors for held-out models; the versions of the tools.
 */
import { readFileSync } from 'node:fs';

/** Cores whose instructions were counted. */
export type CountedCore = 'rv32' | 'm4' | 'm0';

/** Lowest and highest ratio of QEMU's count to the estimate, for the worst hop of held-out modules. */
export interface Spread {
  modules: number;
  low: number;
  high: number;
}

/** Compiled code (native-count.ts). */
export interface NativeCosts {
  /** Machine instructions per executed WebAssembly instruction that is not a 64-bit one. */
  narrow: number;
  /** Machine instructions per 64-bit instruction. */
  wide: number;
  /** Number of modules that the two are fitted to. */
  fittedTo: number;
  spread: Spread;
}

export interface Checked {
  models: number;
  /** Number of models within 2 % of QEMU's count. */
  within: number;
  /** Largest difference from QEMU's count in percent, and its model. */
  worst: number;
  worstModel: string;
}

export interface Coefficients {
  tools: Record<string, string>;
  native: Record<CountedCore, NativeCosts>;
  /** Instructions per handler of WAMR's fast interpreter, and for `call of rn_push`. */
  wamrFast: Record<CountedCore, Record<string, number>>;
  /** Errors of the estimate for WAMR's fast interpreter. */
  checked: Record<CountedCore, Checked>;
}

let read: Coefficients | undefined;

export function coefficients(): Coefficients {
  read ??= JSON.parse(readFileSync(new URL('./coefficients.json', import.meta.url), 'utf8')) as Coefficients;
  return read;
}
