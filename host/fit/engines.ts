/**
 * Engines that run a bundle on a microcontroller: whose instructions are counted, what they hold in RAM and
 * flash.
 *
 * Out: one table. To add an engine, add a row: what is counted (`native`, code of the module through a
 * compiler, or `wamrFast`, handlers of WAMR's fast interpreter) and how many times its instructions those of
 * the engine are.
 */
import type { ScalarTarget } from '../../assembly/emit/target.ts';

export interface Engine {
  name: string;
  counted: 'native' | 'wamrFast';
  /** Times what is counted, by the bundle's kernels; 1 is exact but for the count itself. */
  times: Record<ScalarTarget, number>;
  /** Where `times` is from, where it is not 1. */
  timesFrom?: string;
  /** Its name in host/fit/ram.ts, which has its pool; none: it has no pool. */
  pool?: string;
  /** Flash of the engine itself. */
  flashBytes: number;
  flashFrom: string;
  /** The bundle becomes machine code. */
  compiled: boolean;
  /** The kernels that suit it. */
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
