/**
 * The figures in the README of models/zoo/pool-search, as Markdown.
 *
 * In: results.  Out: the rows of a placement, the table of placements, the table of rankings; the page with
 * its blocks replaced, each between `<!-- pools:NAME -->` and `<!-- /pools -->`.
 */
import { maxOf, minOf } from '../../models/lists.ts';
import { table, whole, withBlocks } from '../figures/markdown.ts';
import { chance, deviation, front, mean, meanAndDeviation, ranks, tau } from './ranking.ts';
import { type Placement, type Results, sharedRun, trainedRun } from './results.ts';

export interface Row {
  placement: Placement;
  /** Accuracies in %, one per seed. */
  trained: number[];
  int8: number[];
  supernet: number[];
  mixture: number[];
  /** True on the Pareto front of mean accuracy and multiply-adds. */
  good: boolean;
}

export function rowsOf(results: Results): Row[] {
  const { placements, seeds } = results;
  const rows = placements.map((placement, i) => {
    const runs = seeds.map((seed) => trainedRun(results, placement, seed));
    const shared = (kind: 'supernet' | 'mixture') =>
      seeds.map((seed) => 100 * (sharedRun(results, kind, seed).accuracy[i] as number));
    const trained = runs.map((run) => 100 * run.accuracy);
    const int8 = runs.map((run) => 100 * (run.int8 ?? Number.NaN));
    return { placement, trained, int8, supernet: shared('supernet'), mixture: shared('mixture') };
  });
  const good = front(
    placements.map((p) => p.macsPerHop),
    rows.map((row) => mean(row.trained)),
  );
  return rows.map((row, i) => ({ ...row, good: good[i] as boolean }));
}

/** Strides of all convolutions. */
export const stridesText = ({ strides }: Placement): string => strides.join(' ');

/** The same in the table, with marks. */
function markedStrides({ placement, good }: Row): string {
  const text = stridesText(placement);
  return `${good ? `**${text}**` : text}${placement.given ? ' (shipped)' : ''}`;
}

function placementTable(rows: Row[]): string {
  const [trained, supernet, mixture] = (['trained', 'supernet', 'mixture'] as const).map((key) =>
    ranks(rows.map((row) => mean(row[key]))),
  ) as [number[], number[], number[]];
  return table(
    ['strides', 'MACs/hop', 'state B', 'delay', 'float %', 'rank', 'int8 streamed %', 'supernet %', 'rank', 'mixture %', 'rank'],
    rows.map((row, i) => [
      markedStrides(row),
      whole(row.placement.macsPerHop),
      `${row.placement.stateBytes}`,
      `${row.placement.delayFrames}`,
      meanAndDeviation(row.trained),
      `${trained[i]}`,
      meanAndDeviation(row.int8),
      meanAndDeviation(row.supernet),
      `${supernet[i]}`,
      meanAndDeviation(row.mixture),
      `${mixture[i]}`,
    ]),
  );
}

type Kind = 'trained' | 'supernet' | 'mixture';
const bySeed = (rows: Row[], kind: Kind): number[][] =>
  (rows[0] as Row)[kind].map((_, seed) => rows.map((row) => row[kind][seed] as number));
const means = (rows: Row[], kind: Kind): number[] => rows.map((row) => mean(row[kind]));

/** Taus of single seeds: of every pair of trainings, or of every pair of a supernet's seed and a training. */
export function seedTaus(rows: Row[], kind: Kind): number[] {
  const [a, b] = [bySeed(rows, kind), bySeed(rows, 'trained')];
  return a.flatMap((one, i) => b.flatMap((other, j) => (kind === 'trained' && j <= i ? [] : [tau(one, other)])));
}

function rankingTable(rows: Row[]): string {
  const signed = (x: number) => x.toFixed(2);
  const line = (title: string, taus: number[], ofMeans: string) => [
    title,
    ofMeans,
    `${signed(mean(taus))} (${signed(minOf(taus))} .. ${signed(maxOf(taus))})`,
  ];
  const trained = means(rows, 'trained');
  const work = rows.map((row) => -row.placement.macsPerHop);
  const workTaus = bySeed(rows, 'trained').map((values) => tau(work, values));
  return table(
    ['ranking', 'tau of the means', 'tau of single seeds (lowest .. highest)'],
    [
      line('trained alone, another seed', seedTaus(rows, 'trained'), ''),
      line('one supernet', seedTaus(rows, 'supernet'), signed(tau(means(rows, 'supernet'), trained))),
      line('mixture of supernets', seedTaus(rows, 'mixture'), signed(tau(means(rows, 'mixture'), trained))),
      line('fewest multiply-adds first', workTaus, signed(tau(work, trained))),
    ],
  );
}

function positionTable(rows: Row[]): string {
  const of = (title: string, kind: Kind) => {
    const all = means(rows, kind);
    const noise = Math.sqrt(mean(rows.map((row) => deviation(row[kind]) ** 2)));
    return [
      title,
      `${minOf(all).toFixed(2)} .. ${maxOf(all).toFixed(2)}`,
      deviation(all).toFixed(2),
      (noise / Math.sqrt((rows[0] as Row)[kind].length)).toFixed(2),
      chance(bySeed(rows, kind)).toFixed(4),
    ];
  };
  return table(
    ['accuracy', 'means of placements, %', 'their deviation', 'deviation expected from the seeds alone', 'chance'],
    [of('trained alone', 'trained'), of('one supernet', 'supernet'), of('mixture of supernets', 'mixture')],
  );
}

const blocks = { placements: placementTable, rankings: rankingTable, position: positionTable };

/** @throws Error if the page has another block */
export function withFigures(page: string, results: Results): string {
  const rows = rowsOf(results);
  return withBlocks(page, 'pools', (name) => {
    if (!Object.hasOwn(blocks, name))
      throw new Error(`the page has a block ${name}; there are ${Object.keys(blocks).join(', ')}`);
    return blocks[name as keyof typeof blocks](rows);
  });
}
