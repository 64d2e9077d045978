/**
 * Measures each table of figures with a public command that writes JSON.
 *
 * In: the number of rounds.  Out: figures, and versions of the tools; or the reason why a table cannot be
 * measured here, and how to install the missing tool.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from '../../host/bench/compare.ts';
import { cores } from '../../host/bench/count.ts';
import type { TimesFigures } from '../../host/bench/times.ts';
import { bareSubjects, micro } from '../../test/bare/models.ts';
import { coreTools, Folder, missing } from '../../test/bare/run.ts';
import { whyNot } from '../../test/bench/chromium.ts';
import { root, sharedDir } from '../../test/shared.ts';
import { bareTools } from '../../test/wamr/bare.ts';
import { absentTools } from '../../test/wamr/runner.ts';
import { signalOf } from '../../test/wamr/signal.ts';
import type { Result } from '../bench-peers.ts';
import { bench, models, script } from './commands.ts';
import type { BareFigures, Figures, GatewayFigures, TableName, WamrFigures } from './history.ts';

export interface Table<F> {
  /** Default number of rounds; absent if the figures are exactly repeatable. */
  rounds?: number;
  /** Returns what is missing and how to install it, or undefined. */
  absent(): string | undefined;
  measure(rounds: number): Promise<{ figures: F; versions?: Record<string, string> }>;
}

const nothing = (): string | undefined => undefined;
const noModels = (): string | undefined =>
  existsSync(join(sharedDir, 'models')) ? undefined : `no reference models in ${sharedDir}: put them there, or set RUNLET_SHARED`;
const noPeers = (): string | undefined =>
  existsSync(join(root, 'test/bench/peers/node_modules'))
    ? undefined
    : 'the other engines are not installed: npm run bench:install';
const noCores = (): string | undefined =>
  noModels() ?? missing(['wasm2c', ...coreTools('rv32'), ...coreTools('m4')])?.replace(/^skipped: /, '');

let peersRun: Record<string, Result> | undefined;
/** Returns one of three tables (engines in Node, in Chromium, their start times), all from the same run. */
function peers<T>(rounds: number, part: (item: Result) => T | undefined): Record<string, T> {
  peersRun ??= script<Record<string, Result>>('bench:peers', 'N1:64', 'N1:16', 'N2:20', 'N2:2', '--rounds', `${rounds}`);
  return Object.fromEntries(
    Object.entries(peersRun).flatMap(([item, found]) => {
      const value = part(found);
      return value === undefined ? [] : [[item, value]];
    }),
  );
}

const toolsOf = (found: Measured[]): Record<string, string> =>
  Object.fromEntries(found.map(({ core, rows }) => [core as string, String(rows[0]?.tools)]));

async function countCores() {
  const figures: Figures['cores'] = [];
  for (const core of ['rv32', 'm4'])
    for (const { name, args } of models(['N1:64', 'N2:2', 'N1P:64', 'kws', 'okay_nabu', 'str_ww']))
      for (const found of bench(...args, '--core', core)) figures.push({ name, ...found });
  return { figures, versions: toolsOf(figures) };
}

/** Returns only sizes; times of one round are not reliable. */
async function countBytes() {
  const all = models(['N1:64', 'N1:16', 'N2:2', 'N2:20', 'N1P:64', 'kws', 'okay_nabu']);
  const figures = all.flatMap(({ name, args }) =>
    bench(...args, '--rounds', '1').map(({ hop, rows }) => ({
      name,
      hop,
      rows: rows.map((row) => {
        const bytes = Object.entries(row).filter((entry): entry is [string, number] => entry[0].endsWith('Bytes'));
        return { target: row.target, ...Object.fromEntries(bytes) };
      }),
    })),
  );
  return { figures };
}

/** Measures the models that were measured with TensorFlow Lite Micro, as C on a Cortex-M4. */
async function measureBare() {
  const figures: BareFigures[] = [];
  for (const { name, make } of bareSubjects()) {
    const others = micro[name];
    if (!others) continue;
    const { bundle, c } = await make();
    const { frames, outputs } = await signalOf(bundle);
    const folder = new Folder(c, bundle, frames, outputs);
    try {
      const { code, constants, ram, stack, most, differing } = await folder.onCore('m4', ['-O2']);
      if (differing > 0) throw new Error(`${name}: ${differing} bytes differ`);
      const { hop } = bundle.manifest;
      figures.push({ name: name.replace(/, hop.*/, ''), hop, code, constants, ram, stack, instructions: most, micro: others });
    } finally {
      folder.remove();
    }
  }
  const version = (tool: string) => execFileSync(tool, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  return { figures, versions: { compiler: version(cores.m4.compiler), qemu: version(cores.m4.qemu) } };
}

async function measureWamr(rounds: number) {
  type Found = Omit<WamrFigures, 'name'> & { engine: string; tools: string };
  const figures: WamrFigures[] = [];
  const versions: Record<string, string> = {};
  for (const { name, args } of models(['okay_nabu', 'str_ww', 'N2:2', 'N1:64'])) {
    const { hop, rows, engine, tools } = script<Found>('bench:wamr', ...args, '--rounds', `${rounds}`);
    figures.push({ name, hop, rows });
    Object.assign(versions, { engine, m4: tools });
  }
  return { figures, versions };
}

interface Load extends Record<Exclude<keyof GatewayFigures, 'model' | 'streams'>, number> {
  failures: string[];
}

/** Runs the load test for all models in turn, `rounds` times. @param flame file for a flame graph */
function measureGateway(rounds: number, flame?: string) {
  const loads = [
    ['ppg-hr', 1000],
    ['har', 500],
    ['kws', 100],
  ] as const;
  const figures = loads.map(([model, streams]): GatewayFigures => ({ model, streams, streamsACore: [], p50: [], p99: [], rssAfterBytes: [] })); // biome-ignore format: one line
  for (let r = 0; r < rounds; r++)
    for (const row of figures) {
      const drawn = flame && r === 0 && row.model === 'har' ? ['--flame', flame] : [];
      const run = ['--model', row.model, '--streams', `${row.streams}`, '--transport', 'ws', '--seconds', '30', ...drawn];
      const found = script<Load>('gateway:load', ...run);
      for (const name of ['streamsACore', 'p50', 'p99', 'rssAfterBytes'] as const) row[name].push(found[name]);
    }
  return { figures };
}

const hops = ['N1:64', 'N1:16', 'N2:20', 'N2:2', 'N1P:64', 'D9:20', 'f_EEG:256', 'f_ACC:160'];

/** @param keep true: files of the documentation, such as the plot, are written too */
export const tablesOf = (keep: boolean): { [K in TableName]: Table<Figures[K]> } => ({
  hop: {
    rounds: 40,
    absent: nothing,
    measure: async (rounds) => ({ figures: bench(...hops, '--rounds', `${rounds}`) as unknown as TimesFigures[] }),
  },
  node: { rounds: 40, absent: noPeers, measure: async (rounds) => ({ figures: peers(rounds, ({ node }) => node) }) },
  chromium: {
    rounds: 40,
    absent: whyNot,
    measure: async (rounds) => {
      const figures = peers(rounds, ({ chromium }) => chromium);
      return { figures, versions: { chromium: Object.values(figures)[0]?.engine ?? '' } };
    },
  },
  // the number of starts is that of the rounds, at most nine
  start: { rounds: 9, absent: noPeers, measure: async (rounds) => ({ figures: peers(rounds, ({ starts }) => starts) }) },
  cores: { absent: noCores, measure: countCores },
  bare: { absent: noCores, measure: measureBare },
  wamr: { rounds: 60, absent: () => noModels() ?? absentTools() ?? absentTools(bareTools('m4')), measure: measureWamr },
  bytes: { absent: noModels, measure: countBytes },
  gateway: {
    rounds: 3,
    absent: nothing,
    measure: async (rounds) => measureGateway(rounds, keep ? join(root, 'docs/images/gateway-flame.svg') : undefined),
  },
  scaling: {
    rounds: 30,
    absent: nothing,
    measure: async (rounds) => ({ figures: script('scaling', '--rounds', `${rounds}`, ...(keep ? [] : ['--no-plot'])) }),
  },
});
