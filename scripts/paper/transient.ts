/**
 * Section E: how long the start of a stream affects its outputs (StreamiNNC section 1.5).
 *
 * In: nothing.  Out: for each hop, the number of rows of the f_PPG embedding that differ from a stream with
 * endless history. Deterministic.
 */
import { planStream } from '../../models/stream/plan.ts';
import { Experiment } from './experiments.ts';
import { fPpg } from './networks.ts';
import { last, zeroPadded } from './schemes.ts';
import { fenced, section } from './section.ts';
import { cut, type Rows } from './trunk.ts';

const wrong = (a: Rows, b: Rows, row: number): boolean => {
  for (let c = 0; c < a.channels; c++) if (a.data[row * a.channels + c] !== b.data[row * b.channels + c]) return true;
  return false;
};

/**
 * Counts the rows of the embedding that differ. It covers both starts, a first window with zero padding and a
 * zero state: all layers are causal, so both equal the trunk over the signal from the start on.
 */
export function transient(seed: number, hop: number, hops: number) {
  const experiment = new Experiment(fPpg(seed), seed, hops);
  const { layers, signal, start, stride, net } = experiment;
  const endless = last(zeroPadded(layers, signal));
  const started = last(zeroPadded(layers, cut(signal, start, signal.rows - start)));
  const after = cut(endless, start / stride, started.rows);
  const perHop = Array.from({ length: hops }, (_, n) => {
    const rows = Array.from({ length: net.window / stride }, (_, i) => (n * hop) / stride + i);
    return rows.filter((row) => wrong(after, started, row)).length;
  });
  const rows = Array.from({ length: started.rows }, (_, row) => row);
  const firstClean = rows.find((row) => rows.slice(row).every((r) => !wrong(after, started, r))) ?? rows.length;
  return { perHop, firstClean: firstClean * stride, receptiveField: experiment.receptiveField, stride, net };
}

export function transientSection(): string {
  const all = [1, 2, 3, 4, 5, 6].map((seed) => transient(seed, 64, 6));
  const [{ perHop, firstClean, receptiveField, stride, net }] = all as [ReturnType<typeof transient>];
  if (all.some((t) => t.perHop.join() !== perHop.join() || t.firstClean !== firstClean)) throw new Error('seeds differ');
  const plan = planStream(net.graph, { hop: 64, mode: 'stream' });
  const cleanHop = perHop.indexOf(0);
  const rows = [
    ['wrong rows of 16 at hops 0, 1, 2, ..., the first window inferred whole', perHop.join(' ')],
    ['hops until every row is right, ceil((RF - P) / S)', `${cleanHop} = ceil((${receptiveField} - ${stride}) / 64)`],
    ['start from zero state: first right row of the embedding, at frame', String(firstClean)],
    ['frames until a whole window is right, L + RF - P', String(256 + receptiveField - stride)],
    ['the same at the end of a hop', String(cleanHop * 64 + 256)],
    ['outputs that the planner holds back', String(plan.warmUpHops)],
  ];
  return section(
    'E. Start of a stream',
    `f_PPG at hop 64, assuming weights trained with signal padding: the reference is a stream without a beginning. The paper does not treat the start; it
computes its first window as a whole. The figures are the same for all 6 seeds.`,
    fenced(['quantity', 'ours'], rows),
    `With weights trained with zero padding, waiting does not help: the reference has zeros in every window, and the stream never has (section D).`,
  );
}
