/**
 * Section D: the deviation of streaming from windowed inference for the three networks (StreamiNNC section
 * 3.2 D and 3.4).
 *
 * In: options.  Out: NRMSE of output and embedding over 6 seeds, with the paper's figures for trained weights
 * and recorded signals. Deterministic.
 */
import { median, overSeeds } from './deviation.ts';
import { edgeExact } from './equality.ts';
import { type Deviations, Experiment } from './experiments.ts';
import { fAcc, fEeg, fPpg, type PaperNetwork } from './networks.ts';
import { fenced, type Options, section } from './section.ts';

interface Result {
  scheme: string;
  /** Scheme that it is compared with. */
  reference: string;
  /** The paper's NRMSE of the output; empty if it has none. */
  paper: string;
  found: Deviations;
}

const row = (scheme: string, reference: string, paper: string, found: Deviations): Result => ({
  scheme,
  reference,
  paper,
  found,
});

/** Zero-padded windows. */
const zeroPaddedPpg = (e: Experiment): Result[] => [
  row('streaming', 'windows', '5.83 %', e.compare(e.windowed, e.ofStream(e.streamed()))),
  row('approximate', 'windows', '19.9 %', e.compare(e.windowed, e.ofStream(e.seams(false)))),
  row('partial: conv1 to pool1 streamed', 'windows', '3.02 %', e.compare(e.windowed, e.partial(4))),
  row('S = 63, floored shifts', 'windows', '7.85 %', e.compare(e.windowed, e.shifted(63, 'floored'), 63)),
];

/** Windows with real context instead of zero padding. */
function paddedPpg(e: Experiment): Result[] {
  const stream = e.ofStream(e.streamed());
  const signal = e.padded(e.context);
  const contexts = [64, 128, 192, 256, 320].map((context) =>
    row(`full(${context})`, 'streaming', context === 256 ? '2.03 %' : '', e.compare(stream, e.padded(context))),
  );
  const hops = [63, 60, 48].flatMap((hop) => [
    row(`S = ${hop}, floored shifts`, 'full(320)', '', e.compare(signal, e.shifted(hop, 'floored'), hop)),
    row(`S = ${hop}, shifts by time`, 'full(320)', '', e.compare(signal, e.shifted(hop, 'by time'), hop)),
    row(`S = ${hop}, one grid`, 'full(320)', '', e.compare(signal, stream, hop)),
  ]);
  return [...contexts, ...hops];
}

const sameNet =
  (streaming: string, approximate: string) =>
  (e: Experiment): Result[] => [
    row('streaming, zeros right of each hop', 'windows', streaming, e.compare(e.windowed, e.ofStream(e.seams(true)))),
    row('streaming, look-ahead', 'windows', '', e.compare(e.windowed, e.ofStream(e.streamed()))),
    row('approximate', 'windows', approximate, e.compare(e.windowed, e.ofStream(e.seams(false)))),
  ];

interface Lines {
  rows: string[][];
  /** Medians of a scheme: [output, embedding]. */
  medians(scheme: string): [number, number];
}

/** Runs all seeds of one network; returns one line per scheme. */
function lines(make: (seed: number) => PaperNetwork, windows: number, seeds: number, run: (e: Experiment) => Result[]): Lines {
  const all = Array.from({ length: seeds }, (_, i) => run(new Experiment(make(i + 1), i + 1, windows)));
  const schemes = (all[0] as Result[]).map((first, i) => {
    const found = all.map((results) => (results[i] as Result).found);
    return { ...first, output: found.map((d) => d.output), embedding: found.map((d) => d.embedding) };
  });
  return {
    rows: schemes.map((s) => [s.scheme, s.reference, overSeeds(s.output), overSeeds(s.embedding), s.paper]),
    medians(scheme) {
      const found = schemes.find((s) => s.scheme === scheme);
      return [median(found?.output ?? []), median(found?.embedding ?? [])];
    },
  };
}

/** Returns a text that says which of two schemes deviates more, by the medians of output and embedding. */
function ranking(of: Lines, a: string, b: string): string {
  const [x, y] = [of.medians(a), of.medians(b)];
  const words = (i: 0 | 1) => (x[i] > y[i] ? 'more' : 'less');
  return `${words(0)} in the output, ${words(1)} in the embedding`;
}

function perLayer(windows: number, seeds: number): string[][] {
  const all = Array.from({ length: seeds }, (_, i) => new Experiment(fPpg(i + 1), i + 1, windows).perLayer());
  const names = (all[0] ?? []).map(({ name }) => name);
  return names
    .map((name, i) => [name, overSeeds(all.map((l) => l[i]?.percent ?? Number.NaN)), name === 'conv9' ? '18.91 %' : ''])
    .filter(([name]) => name?.startsWith('conv'));
}

async function equality(windows: number): Promise<string[][]> {
  const rows: string[][] = [];
  for (const net of [fPpg(1), fEeg(1), fAcc(1)]) {
    const { bytes, differing } = await edgeExact(net, windows);
    rows.push([net.name, String(net.hop), `${differing} of ${bytes.toLocaleString('en')}`]);
  }
  return rows;
}

export async function deviationsSection({ quick }: Options): Promise<string> {
  const seeds = quick ? 2 : 6;
  const [windows, eegWindows, accWindows] = quick ? [12, 6, 3] : [60, 24, 10];
  const head = (name: string) => [name, 'against', 'output', 'embedding', 'paper'];
  const ppg = lines(fPpg, windows, seeds, zeroPaddedPpg);
  const padded = lines(fPpg, windows, seeds, paddedPpg);
  const eeg = lines(fEeg, eegWindows, seeds, sameNet('3.32, 3.45 %', '7.39, 7.50 %'));
  const acc = lines(fAcc, accWindows, seeds, sameNet('3.55, 3.51 %', '2.12, 2.13 %'));
  const [, misaligned] = ppg.medians('S = 63, floored shifts');
  const [, aligned] = ppg.medians('streaming');
  return section(
    'D. Deviation from windowed inference',
    `NRMSE, median [least..largest] over ${seeds} seeds; each seed has its own He weights and simulated signal. ${windows}, ${eegWindows} and ${accWindows} windows a seed for
f_PPG, f_EEG and f_ACC. Output is the mean over the network's units, embedding is what the trunk hands to the head. The paper's column is the NRMSE of the
output with trained weights and recorded signals. This is another quantity, so a similar size means little. \`0 %\` is equality of every bit in double precision.`,
    'f_PPG as trained with zero padding:',
    fenced(head('f_PPG'), ppg.rows),
    `A random head has a small range of outputs, so the output NRMSE of f_PPG is ill-conditioned: look at the embedding. The paper's approximate mode deviates
far more than its exact one; ours ${ranking(ppg, 'approximate', 'streaming')}. The paper finds more deviation at the misaligned S = 63 than at S = 64. Against
zero-padded windows our embeddings deviate by ${misaligned.toFixed(1)} % and ${aligned.toFixed(1)} %: padding causes most of both.`,
    `Activation by activation, exact streaming against zero-padded windows (the paper's figure: one channel of one window of one subject):`,
    fenced(['layer', 'ours', 'paper'], perLayer(Math.ceil(windows / 3), seeds)),
    `f_PPG with real context in place of zeros. full(L_a) is the window with L_a earlier samples, whose rows are dropped before the head. At other hops,
\`floored shifts\` is what the paper's code does (63 samples become 15, 7 and 3 rows, and cached rows fall behind), \`shifts by time\` moves each layer's rows
by what time has passed, and \`one grid\` takes rows at multiples of P = 16 from one stream, so that a window starts at the multiple before:`,
    fenced(head('f_PPG'), padded.rows),
    `The paper asks for L_a >= 320, the receptive field of the last convolution, and its code has 256. What then remains is not a property of the scheme: from
L_a >= RF - P = 312, rounded up to 320, nothing remains. A hop that is a multiple of P = 16 is exact in all three ways, another hop in none. Floored shifts
differ from shifts by time by drift.`,
    `'same' convolutions with zero padding. The paper's code computes the end of each hop with zeros on its right and keeps the result. Look-ahead waits for
the real samples, 21 for f_EEG and 6 for f_ACC:`,
    fenced(head('f_EEG'), eeg.rows),
    `f_ACC, where the paper's approximate mode deviates less than its exact one; ours ${ranking(acc, 'approximate', 'streaming, zeros right of each hop')}:`,
    fenced(head('f_ACC'), acc.rows),
    `\`edge-exact\`, this project's mode for zero-padded weights, against \`windowed\`, both int8 WebAssembly: bytes of output and embedding that differ.`,
    fenced(['network', 'hop', 'differ'], await equality(quick ? 3 : 10)),
  );
}
