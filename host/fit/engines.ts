/**
 * Engines that run a bundle on a microcontroller: their instructions, RAM and flash.
 *
 * Out: one table. To add an engine, add a row: what is counted (`native`: compiled code of the module;
 * `wamrFast`: handlers of WAMR's fast interpreter), and the factor from that count to the engine's
 * instructions.
 */
import type { ScalarTarget } from '../../assembly/emit/target.ts';

export interface Engine {
  name: string;
  counted: 'native' | 'wamrFast';
  /** Factor on the counted instructions, by target of the bundle. 1: the count is the engine's own. */
  times: Record<ScalarTarget, number>;
  /** Source of `times`, if it is not 1. */
  timesFrom?: string;
  /** Name of its pool in host/fit/ram.ts; undefined: it has no pool. */
  pool?: string;
  /** Flash of the engine. */
  flashBytes: number;
  flashFrom: string;
  /** True: the engine compiles the bundle to machine code. */
  compiled: boolean;
  /** The target whose kernels suit it best. */
  suits: ScalarTarget;
}

const perMac = 'measured per multiply-add on RV32IMC with prototype kernels: docs/fit.md';

export const engines = {
  'wamr-fast': {
    name: 'WAMR fast interpreter',
    counted: 'wamrFast',
    times: { native: 1, interp: 1 },
    pool: 'fast interpreter',
    flashBytes: 58_900,
    flashFrom: "WAMR's README, core on Cortex-M4F",
    compiled: false,
    suits: 'interp',
  },
  'wamr-classic': {
    name: 'WAMR classic interpreter',
    counted: 'wamrFast',
    times: { native: 154 / 101, interp: 66 / 44.5 },
    timesFrom: perMac,
    pool: 'classic interpreter',
    flashBytes: 56_300,
    flashFrom: "WAMR's README, core on Cortex-M4F",
    compiled: false,
    suits: 'interp',
  },
  aot: {
    name: 'WAMR AOT, bounds checked',
    counted: 'native',
    times: { native: 5.7 / 3.54, interp: 14.3 / 11.9 },
    timesFrom: perMac,
    pool: 'AOT',
    flashBytes: 29_400,
    flashFrom: "WAMR's README, AOT runtime on Cortex-M4F",
    compiled: true,
    suits: 'native',
  },
  c: {
    name: 'C (wasm2c, gcc -O2), no runtime',
    counted: 'native',
    times: { native: 1, interp: 1 },
    flashBytes: 0,
    flashFrom: 'nothing but the module',
    compiled: true,
    suits: 'native',
  },
} as const satisfies Record<string, Engine>;

export type EngineName = keyof typeof engines;
